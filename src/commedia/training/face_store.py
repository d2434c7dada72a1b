"""Faces of shards as squares on disk, decoded once and mapped into memory; labels beside them.

A square has the side of two landmark boxes, so that a crop (1.5 boxes) has room to move and turn, and `size` pixels: at
256 a crop of 192 keeps every one. Unlike `pictures.py`, more faces than memory holds are no trouble.
"""

import mmap
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
from commedia.files import named_aside
from commedia.training.labels import FaceArrays, arrays_from_faces, joined
from commedia.training.pictures import squares

SQUARE_SIZE = 256
WINDOWS = 4
"""Of each picture without faces."""
_OTHERS = ("labelled", "gold", "person", "clip", "negatives")


@dataclass(frozen=True)
class FaceStore:
    """Faces of several shards, one after the other."""

    parts: tuple[UInt8[np.ndarray, "_ s s 3"], ...]
    """Of each shard."""
    faces: FaceArrays
    labelled: Bool[np.ndarray, " n"]
    """Whether it is a photograph."""
    gold: Bool[np.ndarray, " n"]
    """Whether people marked its landmarks."""
    person: np.ndarray
    """Name of who is seen, empty where nobody knows; of the clip likewise."""
    clip: np.ndarray
    negatives: UInt8[np.ndarray, "m s s 3"]
    """Windows of pictures without a face."""

    def __len__(self) -> int:
        return len(self.labelled)

    def image(self, row: int) -> UInt8[np.ndarray, "s s 3"]:
        starts = [0, *accumulate(len(part) for part in self.parts)]
        part = int(np.searchsorted(starts, row, side="right")) - 1
        return _fetched(self.parts[part], row - starts[part])


def open_store(shards: Sequence[Path], folder: Path | None = None, *, size: int = SQUARE_SIZE) -> FaceStore:
    """Map the faces of shards; those not seen before are decoded into `folder` (by default the user's cache) first."""
    folder = folder or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "commedia" / "squares"
    folder.mkdir(parents=True, exist_ok=True)
    stems = [_decoded(shard, folder, size) for shard in shards]
    labels = [dict(np.load(f"{stem}.npz")) for stem in stems]
    others = [np.concatenate([part.pop(name) for part in labels]) for name in _OTHERS]
    if not len(others[0]):
        raise BadShard(f"no face with landmarks in {', '.join(path.name for path in shards)}")
    parts = tuple(_mapped(f"{stem}.npy") for stem in stems)
    return FaceStore(parts, joined([FaceArrays(**part) for part in labels]), *others)


def _mapped(path: str) -> UInt8[np.ndarray, "_ s s 3"]:
    """Map squares that are read in no order: what a disk would read around one on its own is not wanted."""
    part = np.load(path, mmap_mode="r")
    if isinstance(part.base, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        part.base.madvise(mmap.MADV_RANDOM)
    return part


def _fetched(part: UInt8[np.ndarray, "_ s s 3"], row: int) -> UInt8[np.ndarray, "s s 3"]:
    """One square, asked for as a whole instead of page by page."""
    square = part[row]
    if isinstance(part, np.memmap) and isinstance(part.base, mmap.mmap) and hasattr(mmap, "MADV_WILLNEED"):
        start = part.offset + row * square.nbytes
        page = start - start % mmap.PAGESIZE
        part.base.madvise(mmap.MADV_WILLNEED, page, start + square.nbytes - page)
    return square


def _decoded(shard: Path, folder: Path, size: int) -> str:
    """Write a shard's squares and labels unless they are there; returns their path without the ending."""
    state = shard.stat()
    stem = str(folder / f"{shard.stem}-{state.st_size}-{state.st_mtime_ns}-{size}")
    if Path(f"{stem}.npz").exists():
        return stem
    found, negatives = [], []
    for encoded in read_encoded(shard):
        if encoded.faces:
            found += squares(encoded, size)
        else:
            negatives += _windows(encoded, size)
    images = np.stack([one.image for one in found]) if found else np.zeros((0, size, size, 3), np.uint8)
    arrays = joined([one.faces for one in found]) if found else arrays_from_faces([])
    others = {
        "labelled": np.array([one.labelled for one in found], dtype=bool),
        "gold": np.array([one.gold for one in found], dtype=bool),
        "person": np.array([one.person for one in found], dtype=str),
        "clip": np.array([one.clip for one in found], dtype=str),
        "negatives": np.stack(negatives) if negatives else np.zeros((0, size, size, 3), np.uint8),
    }
    with named_aside(Path(f"{stem}.npy"), ".npy") as aside:
        np.save(aside, images)
    with named_aside(Path(f"{stem}.npz"), ".npz") as aside:
        np.savez(aside, **others, **arrays._asdict())
    return stem


def _windows(encoded: EncodedPicture, size: int) -> Iterator[UInt8[np.ndarray, "s s 3"]]:
    """Cut a picture without faces into squares, large ones and small ones; always the same."""
    image, rng = encoded.decoded().image, np.random.default_rng(len(encoded.jpeg))
    height, width = image.shape[:2]
    for _ in range(WINDOWS):
        side = int(min(height, width) * rng.uniform(0.25, 1.0))
        top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
        yield cv2.resize(image[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
