"""Textures and sRGB in plain numpy: reading between texels, light to colour and back."""

from functools import cache

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from commedia.geometry.placement import look_up


def sample_texture(
    texture: UInt8[np.ndarray, "th tw c"], uv: Float32[np.ndarray, "n 2"]
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, " n"]]:
    """Read an sRGB texture between its texels, repeating it beyond its edges; returns linear colour and alpha.

    Blends the texels before decoding them, as that is four times cheaper and differs only where neighbours differ much.
    """
    height, width, channels = texture.shape
    if len(uv) == 0:
        return np.zeros((0, 3), dtype=np.float32), np.zeros(0, dtype=np.float32)
    x = (uv[:, 0] - np.floor(uv[:, 0])) * width
    y = (uv[:, 1] - np.floor(uv[:, 1])) * height
    # `remap` takes pictures of at most 32767 rows or columns, so the list of points is folded into one.
    columns = 1024
    padded = -len(x) % columns
    grid = [np.pad(axis, (0, padded)).reshape(-1, columns).astype(np.float32) for axis in (x, y)]
    texels = look_up(texture, *grid, border=cv2.BORDER_WRAP).reshape(-1, channels)[: len(x)]
    alpha = texels[:, 3] / np.float32(255) if channels == 4 else np.ones(len(x), dtype=np.float32)
    return decoding_table().take(texels[:, :3]), alpha


@cache
def decoding_table() -> Float32[np.ndarray, "256"]:
    """Linear colour of each sRGB byte."""
    return linear_from_srgb(np.arange(256) / 255)


def linear_from_srgb(srgb: Float[np.ndarray, "*n"]) -> Float32[np.ndarray, "*n"]:
    """Decode sRGB in [0, 1] to linear colour in [0, 1]."""
    srgb = np.clip(srgb, 0, 1)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def srgb_from_linear(linear: Float[np.ndarray, "*n"]) -> Float32[np.ndarray, "*n"]:
    """Encode linear colour in [0, 1] as sRGB in [0, 1]."""
    linear = np.clip(linear, 0, 1)
    power = 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, power).astype(np.float32)


@cache
def srgb_table() -> Float32[np.ndarray, "4096"]:
    """sRGB 0..255 of light 0..2, with a shoulder so that highlights do not clip hard."""
    light = np.linspace(0, 2, 4096)
    return srgb_from_linear(np.where(light < 0.7, light, 0.7 + 0.3 * np.tanh((light - 0.7) / 0.3))) * np.float32(255)


def srgb_from_light(linear: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    return srgb_table()[np.clip(linear * (4095 / 2), 0, 4095).astype(np.int32)]
