"""Whole shards in memory: every JPEG decoded once, kept as small uint8 pictures with their labels.

Single faces are kept as squares of 176 pixels around 2.0 landmark boxes, 93 kB each, so that 50,000 of them fit in
5 GB; scenes keep their shape at 448 pixels at most. Which of them a batch draws is the business of the tasks.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.data.shards import EncodedPicture, read_encoded
from commedia.errors import BadShard
from commedia.faces.crop import PADDING_GREY
from commedia.geometry.placement import warp as warp_affine
from commedia.training.labels import FaceArrays, Placement, arrays_from_faces, joined, placed

STORED_SIZE = 176
STORED_SCALE = 2.0
"""Side of a stored single over its landmark box; the crop itself is 1.5, the rest is room to move and turn."""
SCENE_SIZE = 448
SMALLEST_SINGLE_PX = 20
"""A face whose landmark box is smaller says nothing about its expression."""


@dataclass(frozen=True)
class Singles:
    """One face per picture."""

    images: UInt8[np.ndarray, "n 176 176 3"]
    faces: FaceArrays
    labelled: np.ndarray
    """Whether it is a photograph (bool)."""
    gold: np.ndarray
    """Whether people marked its landmarks (bool)."""

    def __len__(self) -> int:
        return len(self.images)

    def at(self, rows: np.ndarray) -> "Singles":
        return Singles(self.images[rows], self.faces.at(rows), self.labelled[rows], self.gold[rows])


@dataclass(frozen=True)
class Scene:
    """A picture with every face in it."""

    image: UInt8[np.ndarray, "h w 3"]
    faces: FaceArrays


def shard_paths(places: Iterable[Path]) -> list[Path]:
    """List the shards named, and those in the folders named; raises BadShard when there are none."""
    paths = [path for place in places for path in (sorted(place.rglob("*.tar")) if place.is_dir() else [place])]
    if not paths:
        raise BadShard(f"no shards (*.tar) in {', '.join(str(place) for place in places)}")
    return paths


def load_singles(paths: Sequence[Path]) -> Singles:
    """Decode every face of every picture that has landmarks; raises BadShard when there is none."""
    found = _Collected()
    with ThreadPoolExecutor() as pool:
        for path in paths:
            for picture, crops in pool.map(_single_crops, read_encoded(path)):
                found.add(picture, crops)
    if not found.images:
        raise BadShard(f"no face with landmarks in {', '.join(path.name for path in paths)}")
    return found.singles()


def load_scenes_and_singles(paths: Sequence[Path]) -> tuple[list[Scene], Singles | None]:
    """Decode pictures filled by one face as singles and all others whole, shrunk to `SCENE_SIZE`.

    Pictures without faces are scenes too: they teach what is no face.
    """
    found, scenes = _Collected(), []
    with ThreadPoolExecutor() as pool:
        for path in paths:
            for picture, scene, crops in pool.map(_scene_or_single, read_encoded(path)):
                if scene is None:
                    found.add(picture, crops)
                else:
                    scenes.append(scene)
    if not found.images and not scenes:
        raise BadShard(f"no picture in {', '.join(path.name for path in paths)}")
    return scenes, found.singles() if found.images else None


def warp(image: UInt8[np.ndarray, "h w 3"], placement: Placement, size: tuple[int, int], *, border: int) -> np.ndarray:
    """Redraw a picture at `size` (width, height); `border` is one of OpenCV's BORDER_ constants."""
    return warp_affine(image, placement.target_from_source, size, border=border, grey=PADDING_GREY)


def landmark_square(landmarks: Float[np.ndarray, "68 2"]) -> tuple[np.ndarray, float]:
    """Centre and longer side of the tight box of the points."""
    low, high = landmarks.min(0), landmarks.max(0)
    return (low + high) / 2, float(max((high - low).max(), 1.0))


class _Collected:
    """Singles while they are read."""

    def __init__(self) -> None:
        self.images = _Stack()
        self.labels: list[FaceArrays] = []
        self.labelled: list[bool] = []
        self.gold: list[bool] = []

    def add(self, picture: EncodedPicture, crops: Sequence[tuple[np.ndarray, FaceArrays]]) -> None:
        for face, (image, arrays) in zip(picture.faces, crops, strict=True):
            extent = face.landmarks_px.max(0) - face.landmarks_px.min(0)
            if arrays.landmark_trust[0] == 0 or extent.max() < SMALLEST_SINGLE_PX:
                continue
            self.images.append(image)
            self.labels.append(arrays)
            self.labelled.append(picture.kind == "labelled")
            self.gold.append(face.landmark_kind == "gold")

    def singles(self) -> Singles:
        return Singles(self.images.whole(), joined(self.labels), np.array(self.labelled), np.array(self.gold))


class _Stack:
    """Stored singles, in blocks that go back to the system one by one while they become one array.

    A list of 93 kB arrays does not: 94,000 singles held 17 GB for good instead of 9.
    """

    BLOCK = 512

    def __init__(self) -> None:
        self.count = 0
        self.blocks: list[np.ndarray] = []

    def __len__(self) -> int:
        return self.count

    def append(self, image: UInt8[np.ndarray, "176 176 3"]) -> None:
        if self.count == self.BLOCK * len(self.blocks):
            self.blocks.append(np.zeros((self.BLOCK, *image.shape), np.uint8))
        self.blocks[-1][self.count % self.BLOCK] = image
        self.count += 1

    def whole(self) -> UInt8[np.ndarray, "n 176 176 3"]:
        """Everything appended, in order; nothing is left in here."""
        images = np.zeros((self.count, *self.blocks[0].shape[1:]), np.uint8)
        for start in range(0, self.count, self.BLOCK):
            images[start : start + self.BLOCK] = self.blocks.pop(0)[: self.count - start]
        self.count = 0
        return images


def _scene_or_single(
    encoded: EncodedPicture,
) -> tuple[EncodedPicture, Scene | None, list[tuple[np.ndarray, FaceArrays]]]:
    """A picture whose only face is more than a third of it tall was cut around that face."""
    if len(encoded.faces) == 1:
        landmarks = encoded.faces[0].landmarks_px
        if (landmarks.max(0) - landmarks.min(0)).max() > max(encoded.size) / 3:
            return encoded, None, _single_crops(encoded)[1]
    return encoded, _scene(encoded), []


def _single_crops(encoded: EncodedPicture) -> tuple[EncodedPicture, list[tuple[np.ndarray, FaceArrays]]]:
    image = encoded.decoded().image
    crops: list[tuple[np.ndarray, FaceArrays]] = []
    for face in encoded.faces:
        arrays = arrays_from_faces([face])
        center, side = landmark_square(arrays.landmarks[0])
        scale = STORED_SIZE / (STORED_SCALE * side)
        source, factor = _shrunk(image, scale)
        placement = Placement(0.0, scale / factor, False, center * factor, np.full(2, STORED_SIZE / 2))
        crop = warp(source, placement, (STORED_SIZE, STORED_SIZE), border=cv2.BORDER_CONSTANT)
        whole = Placement(0.0, scale, False, center, np.full(2, STORED_SIZE / 2))
        crops.append((crop, placed(arrays, whole, np.ones(arrays.identity.shape[1], dtype=np.float32))))
    return encoded, crops


def _scene(encoded: EncodedPicture) -> Scene:
    image = encoded.decoded().image
    factor = min(1.0, SCENE_SIZE / max(image.shape[:2]))
    small, factor = _resized(image, factor)
    arrays = arrays_from_faces(encoded.faces)
    return Scene(small, arrays._replace(box=arrays.box * factor, landmarks=arrays.landmarks * factor))


def _shrunk(image: np.ndarray, scale: float) -> tuple[np.ndarray, float]:
    """Average down first when much detail is dropped, because bilinear sampling alone would alias."""
    return (image, 1.0) if scale > 0.6 else _resized(image, scale)


def _resized(image: np.ndarray, factor: float) -> tuple[np.ndarray, float]:
    if factor >= 1:
        return image, 1.0
    height, width = image.shape[:2]
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), size[0] / width
