"""What tells two people apart besides their place: the face's grey pattern, the clothes below it, and the identity.

A cue for seconds, not a face recogniser: it answers "is this the person who stood here a moment ago?".
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import IDENTITY_COUNT
from commedia.structures import Box, Face

THUMBNAIL_SIZE = 16
HUE_BINS = 12
GREY_BINS = 4
LEAST_SATURATION = 48
"""Below it a pixel has no hue to speak of and counts by its brightness."""

FACE_SHARE, CLOTHES_SHARE, IDENTITY_SHARE = 0.5, 0.3, 0.2
SAMPLES_PER_SIDE = 32
"""Pixels read along each side of a region: enough for a histogram, and the same cost for every face size."""


class Appearance(NamedTuple):
    """Blendshape-length descriptions; zeros where there is nothing to see."""

    thumbnail: Float[np.ndarray, "p"]
    """Grey values of the face, without mean."""
    clothes: Float[np.ndarray, "q"]
    """Square roots of a histogram of hues and greys, so that a dot product is Bhattacharyya's coefficient."""
    identity: Float[np.ndarray, "i"]


def appearance_of(image: UInt8[np.ndarray, "h w 3"], face: Face) -> Appearance:
    """Describe one detected face; about 0.1 ms."""
    identity = np.zeros(IDENTITY_COUNT) if face.params is None else face.params.identity
    return Appearance(grey_pattern(image, face.box), clothes_of(image, face.box), _unit(identity))


def clothes_of(image: UInt8[np.ndarray, "h w 3"], box: Box) -> Float[np.ndarray, "q"]:
    """Describe what is worn below a face's box: unit length, zeros where there is nothing to see."""
    width, height, (x, _) = box.width_px, box.height_px, box.center_px
    below = Box(x - 0.8 * width, box.bottom_px + 0.35 * height, x + 0.8 * width, box.bottom_px + 1.35 * height)
    return _clothes(_region(image, below))


def grey_pattern(image: UInt8[np.ndarray, "h w 3"], box: Box) -> Float[np.ndarray, "p"]:
    """Describe what is in a box by its grey values without mean: unit length, zeros where there is nothing to see."""
    region = _region(image, box)
    if not region.size:
        return np.zeros(THUMBNAIL_SIZE**2, dtype=np.float32)
    small = cv2.resize(region, (THUMBNAIL_SIZE, THUMBNAIL_SIZE), interpolation=cv2.INTER_AREA)
    grey = small.sum(axis=2, dtype=np.float32).ravel()
    return _unit(grey - grey.sum() / np.float32(grey.size))


def appearance_distance(first: Appearance, second: Appearance) -> float:
    """Compare two descriptions: 0 the same, about 1 unrelated. Parts that either lacks do not count."""
    weighted = total = 0.0
    shares = (FACE_SHARE, CLOTHES_SHARE, IDENTITY_SHARE)
    for one, other, share in zip(first, second, shares, strict=True):
        if one.any() and other.any():
            weighted += share * min(1.0, 1.0 - float(one @ other))
            total += share
    return weighted / total if total else 0.5


def blended(old: Appearance, new: Appearance, share: float) -> Appearance:
    """Move a share of the way to a new description."""
    return Appearance(*(_unit(one + share * (other - one)) for one, other in zip(old, new, strict=True)))


class Appearances:
    """The appearances of one frame's faces, each described when first asked for."""

    def __init__(self, image: UInt8[np.ndarray, "h w 3"], faces: Sequence[Face]):
        self._image, self._faces = image, faces
        self._described: dict[int, Appearance] = {}

    def __contains__(self, index: int) -> bool:
        return index in self._described

    def at(self, index: int) -> Appearance:
        """Describe the face at this position of the list of faces."""
        if index not in self._described:
            self._described[index] = appearance_of(self._image, self._faces[index])
        return self._described[index]


def picture_signature(image: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "n"]:
    """Sample the green of a whole picture on a coarse lattice, in [0, 1]; some 20 microseconds."""
    rows, columns = (np.arange(count) * side // count for count, side in zip((18, 32), image.shape[:2], strict=True))
    return image[rows[:, None], columns[None, :], 1].astype(np.float32).ravel() / 255


def _region(image: UInt8[np.ndarray, "h w 3"], box: Box) -> np.ndarray:
    """Every n-th pixel of the part of a box inside the picture; empty when less than a quarter is inside."""
    height, width = image.shape[:2]
    left, right = (min(max(round(x), 0), width) for x in (box.left_px, box.right_px))
    top, bottom = (min(max(round(y), 0), height) for y in (box.top_px, box.bottom_px))
    if (right - left) * (bottom - top) < 0.25 * box.width_px * box.height_px:
        return image[:0, :0]
    across, down = (max(1, side // SAMPLES_PER_SIDE) for side in (right - left, bottom - top))
    return image[top:bottom:down, left:right:across]


def _clothes(region: np.ndarray) -> Float[np.ndarray, "q"]:
    if not region.size:
        return np.zeros(HUE_BINS + GREY_BINS, dtype=np.float32)
    hue, saturation, value = cv2.cvtColor(np.ascontiguousarray(region), cv2.COLOR_RGB2HSV).reshape(-1, 3).T.astype(int)
    coloured = (saturation >= LEAST_SATURATION) & (value >= LEAST_SATURATION)
    bins = np.where(coloured, hue * HUE_BINS // 180, HUE_BINS + value * GREY_BINS // 256)
    counts = np.bincount(bins, minlength=HUE_BINS + GREY_BINS).astype(np.float32)
    return _unit(np.sqrt(counts))


def _unit(vector: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    length = math.sqrt(vector @ vector)
    return np.asarray(vector / length if length > 1e-6 else np.zeros_like(vector), dtype=np.float32)
