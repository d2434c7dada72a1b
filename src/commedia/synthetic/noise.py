"""Endless noise from a small bank of tileable textures: blotches, pores, spots, strands. Numpy only, seeded, cached."""

from functools import cache

import cv2
import numpy as np
from jaxtyping import Float

NOISE_SIZE = 512
"""Side of a tile; looking up at any integer modulo this never shows a seam."""

NOISE_NAMES = ("blotch", "mottle", "pores", "spots", "strands", "cloth")
"""Channels of the bank. All have mean 0 and blendshape deviation, except `spots`: mostly 0, up to 1. Strands run
down."""


@cache
def noise_bank() -> Float[np.ndarray, "512 512 6"]:
    """Make the bank: bands of filtered white noise, the same in every process."""
    rng = np.random.default_rng(20)
    frequency_y = np.fft.fftfreq(NOISE_SIZE)[:, None] * NOISE_SIZE
    frequency_x = np.fft.fftfreq(NOISE_SIZE)[None] * NOISE_SIZE
    radius = np.hypot(frequency_x, frequency_y)
    bands = [
        np.exp(-((radius / 5) ** 2)),
        1 / (1 + (radius / 14) ** 2),
        (radius / 110) ** 1.0 * np.exp(-((radius / 110) ** 2)),
        np.exp(-((radius / 60) ** 2)),
        np.exp(-((frequency_y / 5) ** 2)) * (np.abs(frequency_x) > 2) / (1 + (np.abs(frequency_x) / 90) ** 2),
        np.exp(-((np.abs(frequency_x) - 64) ** 2) / 60) + np.exp(-((np.abs(frequency_y) - 64) ** 2) / 60),
    ]
    channels = [_filtered(rng, band) for band in bands]
    channels[3] = np.clip(channels[3] - 1.4, 0, 1)
    return np.stack(channels, -1).astype(np.float32)


def random_backdrop(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Make up a background: a gradient of two colours, blotches, sometimes soft shapes, as RGB uint8."""
    colours = rng.uniform(0, 255, (4, 3)).astype(np.float32)
    direction = rng.uniform(-1, 1, 2)
    rows, columns = (np.arange(count, dtype=np.float32) / count - 0.5 for count in (height, width))
    ramp = np.clip(rows[:, None] * np.float32(direction[0]) + columns * np.float32(direction[1]) + 0.5, 0, 1)
    layers = [ramp]
    tints = [colours[1] - colours[0]]
    for channel in (0, 1):
        layers.append(_window(rng, channel, height, width, rng.uniform(0.3, 2.0)))
        tints.append(rng.uniform(-30, 30, 3).astype(np.float32))
    picture = np.stack(layers, -1) @ np.stack(tints) + colours[0]
    for _ in range(int(rng.integers(0, 6))):
        first, second = rng.integers(np.array([-20, -20]), [width + 20, height + 20], (2, 2)).tolist()
        colour = rng.uniform(0, 255, 3).tolist()
        if rng.uniform() < 0.5:
            cv2.rectangle(picture, first, second, colour, -1)
        else:
            cv2.circle(picture, first, int(rng.integers(4, max(height // 2, 5))), colour, -1)
    return cv2.GaussianBlur(np.clip(picture, 0, 255).astype(np.uint8), (0, 0), float(rng.uniform(0.4, 3.5)))


def _filtered(rng: np.random.Generator, band: np.ndarray) -> np.ndarray:
    field = np.fft.ifft2(np.fft.fft2(rng.normal(size=(NOISE_SIZE, NOISE_SIZE))) * band).real
    return (field - field.mean()) / field.std()


def _window(rng: np.random.Generator, channel: int, height: int, width: int, zoom: float) -> np.ndarray:
    top, left = rng.integers(0, NOISE_SIZE, 2)
    rows = (top + (np.arange(height) / zoom)).astype(int) % NOISE_SIZE
    columns = (left + (np.arange(width) / zoom)).astype(int) % NOISE_SIZE
    return noise_bank()[rows[:, None], columns[None], channel]
