"""Faces of shards as squares on disk, decoded once and mapped into memory; labels beside them.

A square has the side of two landmark boxes, so that a crop (1.5 boxes) has room to move and turn, and `size` pixels: at
256 a crop of 192 keeps every one. Unlike `pictures.py`, more faces than memory holds are no trouble.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from commedia.data.shards import EncodedPicture, read_encoded
from commedia.errors import BadShard
from commedia.training.labels import FaceArrays, Placement, arrays_from_faces, joined, placed
from commedia.training.pictures import landmark_square, warp

SQUARE_SIZE = 256
SQUARE_SCALE = 2.0
"""Side of a square over its landmark box."""
SMALLEST_BOX_PX = 20
"""A face whose landmark box is smaller says nothing about its expression."""


@dataclass(frozen=True)
class FaceStore:
    """Faces of several shards, one after the other."""

    parts: tuple[UInt8[np.ndarray, "_ s s 3"], ...]
    """Of each shard."""
    faces: FaceArrays
    labelled: Bool[np.ndarray, " n"]
    """Whether it is a photograph."""

    def __len__(self) -> int:
        return len(self.labelled)

    def image(self, row: int) -> UInt8[np.ndarray, "s s 3"]:
        starts = [0, *accumulate(len(part) for part in self.parts)]
        part = int(np.searchsorted(starts, row, side="right")) - 1
        return self.parts[part][row - starts[part]]


def open_store(shards: Sequence[Path], folder: Path, *, size: int = SQUARE_SIZE) -> FaceStore:
    """Map the faces of shards; those not seen before are decoded into `folder` first."""
    folder.mkdir(parents=True, exist_ok=True)
    stems = [_decoded(shard, folder, size) for shard in shards]
    labels = [dict(np.load(f"{stem}.npz")) for stem in stems]
    labelled = np.concatenate([label.pop("labelled") for label in labels])
    if not len(labelled):
        raise BadShard(f"no face with landmarks in {', '.join(path.name for path in shards)}")
    parts = tuple(np.load(f"{stem}.npy", mmap_mode="r") for stem in stems)
    return FaceStore(parts, joined([FaceArrays(**label) for label in labels]), labelled)


def _decoded(shard: Path, folder: Path, size: int) -> str:
    """Write a shard's squares and labels unless they are there; returns their path without the ending."""
    state = shard.stat()
    stem = str(folder / f"{shard.stem}-{state.st_size}-{state.st_mtime_ns}-{size}")
    if Path(f"{stem}.npz").exists():
        return stem
    found = [face for encoded in read_encoded(shard) for face in _squares(encoded, size)]
    images = np.stack([image for image, _, _ in found]) if found else np.zeros((0, size, size, 3), np.uint8)
    arrays = joined([arrays for _, arrays, _ in found]) if found else arrays_from_faces([])
    aside = f"{stem}.{os.getpid()}.part"  # two runs may meet here
    np.save(f"{aside}.npy", images)
    np.savez(f"{aside}.npz", labelled=np.array([kind for _, _, kind in found], dtype=bool), **arrays._asdict())
    for ending in (".npy", ".npz"):
        Path(aside + ending).replace(stem + ending)
    return stem


def _squares(encoded: EncodedPicture, size: int) -> Iterator[tuple[np.ndarray, FaceArrays, bool]]:
    image = encoded.decoded().image
    for face in encoded.faces:
        arrays = arrays_from_faces([face])
        center, side = landmark_square(arrays.landmarks[0])
        if arrays.landmark_trust[0] == 0 or side < SMALLEST_BOX_PX:
            continue
        scale = size / (SQUARE_SCALE * side)
        placement = Placement(0.0, scale, False, center, np.full(2, size / 2))
        square = warp(_averaged(image, placement), _on(image, placement), (size, size), border=cv2.BORDER_CONSTANT)
        yield square, placed(arrays, placement, np.ones(arrays.identity.shape[1], np.float32)), encoded.kind == "labelled"


def _factor(image: np.ndarray, scale: float) -> tuple[int, int]:
    height, width = image.shape[:2]
    return max(1, round(width * scale)), max(1, round(height * scale))


def _averaged(image: np.ndarray, placement: Placement) -> np.ndarray:
    """Average down first when much detail is dropped, because bilinear sampling alone would alias."""
    if placement.scale > 0.6:
        return image
    return cv2.resize(image, _factor(image, placement.scale), interpolation=cv2.INTER_AREA)


def _on(image: np.ndarray, placement: Placement) -> Placement:
    """The placement on what `_averaged` made."""
    if placement.scale > 0.6:
        return placement
    factor = _factor(image, placement.scale)[0] / image.shape[1]
    return Placement(0.0, placement.scale / factor, False, placement.source_px * factor, placement.target_px)
