"""Wrinkle maps in a glTF file, as `extras` that plain viewers ignore; and the texture that they make of a surface's."""

import io
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, Int16, UInt8
from PIL import Image

from commedia.characters.builder import GlbBuilder
from commedia.errors import CommediaError
from commedia.face_model.wrinkles import WrinkleMap, doublings, shares_of
from commedia.render.colour_numpy import decoding_table, srgb_from_linear

EXTRAS, VERSION, MOST_MAPS = "commedia_wrinkles", 1, 8
STEPS = 64
"""In how many steps a map comes and goes; a smaller change is seen by nobody."""
LEAST = 0.5 / 128
"""Doublings that no byte of a texture shows."""
PER_DOUBLING, DARKEST = 256, 14
"""In how many steps colours are doubled here, the finest of which no byte shows, and how often from black to white."""

Picture = UInt8[np.ndarray, "h w 4"]


def wrinkle_extras(builder: GlbBuilder, maps: Sequence[WrinkleMap]) -> dict[str, Any]:
    """Add maps to a file that has a texture; returns the `extras` of the material that they change."""
    tree, entries = builder.tree, []
    for one in maps:
        image = {"name": one.name, "mimeType": "image/png", "bufferView": builder.view(_png(one.change))}
        tree["images"].append(image)
        tree["textures"].append({"source": len(tree["images"]) - 1, "sampler": 0})
        index = len(tree["textures"]) - 1
        entries.append({"name": one.name, "texture": {"index": index}, "weights": dict(one.weights)})
    return {EXTRAS: {"version": VERSION, "maps": entries}}


def read_wrinkles(
    material: dict[str, Any], picture: Callable[[object], Picture | None], notes: list[str]
) -> tuple[WrinkleMap, ...]:
    """Read a material's maps, whose textures `picture` finds; what cannot be read is left out, and said in `notes`."""
    extras = material.get("extras")
    found = extras.get(EXTRAS) if isinstance(extras, dict) else None
    if found is None:
        return ()
    try:
        if found["version"] != VERSION:
            raise CommediaError("of another version")
        return tuple(_map(entry, picture(entry["texture"]["index"])) for entry in found["maps"][:MOST_MAPS])
    except (CommediaError, KeyError, TypeError, ValueError, AttributeError, OverflowError):
        notes.append(f"the wrinkle maps of the material '{material.get('name', '')}' cannot be read, and are left out")
        return ()


def _map(entry: dict[str, Any], picture: Picture | None) -> WrinkleMap:
    weights = {name: float(weight) for name, weight in entry["weights"].items()}
    if picture is None or not np.isfinite(list(weights.values())).all():
        raise ValueError("no map")
    return WrinkleMap(str(entry["name"]), weights, picture[..., :3])


def _png(picture: UInt8[np.ndarray, "h w 3"]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    return file.getvalue()


class WrinkledTexture:
    """A surface's texture, which changes with the weights of morphs."""

    def __init__(self, texture: Picture, maps: Sequence[WrinkleMap], names: Sequence[str]):
        """`names` are the morphs whose weights are told, in their order."""
        size = texture.shape[1::-1]
        changes = np.stack([cv2.resize(doublings(one.change), size) for one in maps])
        changed = np.abs(changes).max(axis=(0, 3)) >= LEAST
        rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
        self._part = tuple(slice(at.min(initial=0), at.max(initial=-1) + 1) for at in (rows, columns))
        self._changes = np.round(changes[:, *self._part] * PER_DOUBLING).astype(np.int16)
        self._shares, self._texture = shares_of(maps, names), texture
        self._places = _places()[texture[self._part][..., :3]]
        self._steps, self._shown = np.zeros(len(maps), np.int16), texture

    def at(self, weights: Float[np.ndarray, " n"]) -> Picture:
        """The texture at these weights: the array of last time, as long as nothing of it would change."""
        steps = np.round(STEPS * np.clip(self._shares @ weights.astype(np.float32), 0, 1)).astype(np.int16)
        if not np.array_equal(steps, self._steps):
            places = self._places.copy()
            for step, change in zip(steps, self._changes, strict=True):
                if step:
                    places += (change * step + STEPS // 2) // STEPS
            self._steps, self._shown = steps, self._texture.copy()
            self._shown[self._part][..., :3] = _bytes().take(places, mode="clip")
        return self._shown


@cache
def _bytes() -> UInt8[np.ndarray, " n"]:
    """sRGB bytes of linear colours from black, in `PER_DOUBLING` steps for each doubling, to white."""
    linear = np.exp2(np.arange(-DARKEST * PER_DOUBLING, 1) / PER_DOUBLING)
    return (255 * srgb_from_linear(linear) + 0.5).astype(np.uint8)


@cache
def _places() -> Int16[np.ndarray, "256"]:
    """Where each sRGB byte stands among `_bytes`."""
    linear = np.maximum(decoding_table(), 2.0**-DARKEST)
    return np.round((np.log2(linear) + DARKEST) * PER_DOUBLING).astype(np.int16)
