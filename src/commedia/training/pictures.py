"""Whole shards in memory: every JPEG decoded once, kept as small uint8 pictures with their labels.

Single faces are kept as squares of 176 pixels around 2.0 landmark boxes, 93 kB each, so that 50,000 of them fit in
5 GB; scenes keep their shape at 448 pixels at most. Which of them a batch draws is the business of the tasks.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from commedia.data.shards import EncodedPicture, read_encoded
from commedia.data.truth import PARSE_UNKNOWN, DrawnTruth, ParseMap
from commedia.errors import BadShard
from commedia.faces.crop import PADDING_GREY
from commedia.geometry.placement import warp as warp_affine
from commedia.training.labels import FaceArrays, Placement, arrays_from_faces, joined, placed

STORED_SIZE = 176
STORED_SCALE = 2.0
"""Side of a stored single over its landmark box; the crop itself is 1.5, the rest is room to move and turn."""
PICTURE_SIZE = 448
SMALLEST_FACE_PX = 20
"""A face whose landmark box is smaller says nothing about its expression."""


@dataclass(frozen=True)
class FaceCrops:
    """One face per picture."""

    images: UInt8[np.ndarray, "n 176 176 3"]
    faces: FaceArrays
    labelled: np.ndarray
    """Whether it is a photograph (bool)."""
    gold: np.ndarray
    """Whether people marked its landmarks (bool)."""
    person: np.ndarray
    """Who it is, and ..."""
    clip: np.ndarray
    """... where it was taken, with the name of the data set (text); empty where nobody says."""
    masks: UInt8[np.ndarray, "n 176 176"] | None = None
    """How much of each pixel shows skin, 0 to 255; all 255 for pictures without a mask, None where none has one."""
    parse: UInt8[np.ndarray, "n 176 176"] | None = None
    """Which part of the face each pixel shows, as in `PictureSample`; `PARSE_UNKNOWN` for pictures without a parse map,
    None where none has one."""
    truth: np.ndarray | None = None
    """`DrawnTruth` of each, None of photographs (objects); None where there is none at all."""

    def __len__(self) -> int:
        return len(self.images)

    def face(self, row: int) -> FaceArrays:
        return self.faces.at(slice(row, row + 1))

    def at(self, rows: np.ndarray) -> "FaceCrops":
        parts = (self.images, self.faces.at(rows), self.labelled, self.gold, self.person, self.clip)
        parts = (*parts, self.masks, self.parse, self.truth)
        return FaceCrops(*(part[rows] if isinstance(part, np.ndarray) else part for part in parts))


@dataclass(frozen=True)
class Picture:
    """A picture with every face in it."""

    image: UInt8[np.ndarray, "h w 3"]
    faces: FaceArrays


def shard_paths(places: Iterable[Path]) -> list[Path]:
    """List the shards named, and those in the folders named; raises BadShard when there are none."""
    paths = [path for place in places for path in (sorted(place.rglob("*.tar")) if place.is_dir() else [place])]
    if not paths:
        raise BadShard(f"no shards (*.tar) in {', '.join(str(place) for place in places)}")
    return paths


class ShardPictures:
    """The pictures of shards, decoded when first asked for and kept for every stage of a run."""

    def __init__(self, places: Iterable[Path]):
        self.paths = shard_paths(places)

    @cached_property
    def face_crops(self) -> FaceCrops:
        return load_face_crops(self.paths)

    @cached_property
    def pictures_and_face_crops(self) -> tuple[list[Picture], FaceCrops | None]:
        return load_pictures_and_face_crops(self.paths)


def load_face_crops(paths: Sequence[Path]) -> FaceCrops:
    """Decode every face of every picture that has landmarks; raises BadShard when there is none."""
    found = _Collected()
    with ThreadPoolExecutor() as pool:
        for path in paths:
            for cut in pool.map(partial(squares, size=STORED_SIZE), read_encoded(path)):
                found.add(cut)
    if not found.images:
        raise BadShard(f"no face with landmarks in {', '.join(path.name for path in paths)}")
    return found.face_crops()


def load_pictures_and_face_crops(paths: Sequence[Path]) -> tuple[list[Picture], FaceCrops | None]:
    """Decode pictures filled by one face as singles, all others, also empty ones, whole; shrunk to `PICTURE_SIZE`."""
    found, pictures = _Collected(), []
    with ThreadPoolExecutor() as pool:
        for path in paths:
            for picture, cut in pool.map(_picture_or_squares, read_encoded(path)):
                found.add(cut)
                pictures += [] if picture is None else [picture]
    if not found.images and not pictures:
        raise BadShard(f"no picture in {', '.join(path.name for path in paths)}")
    return pictures, found.face_crops() if found.images else None


def warp(
    image: UInt8[np.ndarray, "h w *c"],
    placement: Placement,
    size: tuple[int, int],
    *,
    border: int,
    padding: int = PADDING_GREY,
) -> np.ndarray:
    """Redraw a picture or mask at `size` (width, height); `border` is one of OpenCV's BORDER_ constants."""
    return warp_affine(image, placement.target_from_source, size, border=border, grey=padding)


def redrawn(
    image: UInt8[np.ndarray, "h w *c"],
    placement: Placement,
    size: tuple[int, int],
    *,
    border: int = cv2.BORDER_CONSTANT,
) -> np.ndarray:
    """As `warp`; averages down first where much detail is dropped, because bilinear sampling alone would alias."""
    if placement.scale < 0.6:
        height, width = image.shape[:2]
        small = max(1, round(width * placement.scale)), max(1, round(height * placement.scale))
        image, factor = cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.array(small) / (width, height)
        placement = replace(placement, scale=placement.scale / factor[0], source_px=placement.source_px * factor)
    return warp(image, placement, size, border=border)


class Square(NamedTuple):
    """One face cut out to be stored, with the facts of `FaceCrops`."""

    image: UInt8[np.ndarray, "s s 3"]
    faces: FaceArrays
    mask: UInt8[np.ndarray, "s s"] | None
    parse: UInt8[np.ndarray, "s s"] | None
    truth: DrawnTruth | None
    labelled: bool
    gold: bool
    person: str
    clip: str


def squares(encoded: EncodedPicture, size: int) -> list[Square]:
    """Cut out every face with landmarks that is large enough, `STORED_SCALE` landmark boxes wide, at `size` pixels."""
    picture = encoded.decoded()
    cut: list[Square] = []
    for face in encoded.faces:
        arrays = arrays_from_faces([face])
        low, high = arrays.landmarks[0].min(0), arrays.landmarks[0].max(0)
        side = float((high - low).max())
        if arrays.landmark_weight[0] == 0 or side < SMALLEST_FACE_PX:
            continue
        placement = Placement(0.0, size / (STORED_SCALE * side), False, (low + high) / 2, np.full(2, size / 2))
        mask = picture.mask
        if mask is not None:
            mask = warp(mask, placement, (size, size), border=cv2.BORDER_CONSTANT, padding=0)
        parse = None if picture.parse is None else _parse_square(picture.parse, placement, encoded.size[0], size)
        image = redrawn(picture.image, placement, (size, size))
        arrays = placed(arrays, placement, np.ones(arrays.identity.shape[1], np.float32))
        names = (_name(picture.source, name) for name in (face.identity_name, picture.clip))
        known = mask, parse, picture.truth if len(encoded.faces) == 1 else None
        cut.append(Square(image, arrays, *known, picture.kind == "labelled", face.landmark_kind == "gold", *names))
    return cut


class _Collected:
    """Singles while they are read."""

    def __init__(self) -> None:
        self.images = _Stack()
        self.others: list[tuple[Any, ...]] = []

    def add(self, cut: Sequence[Square]) -> None:
        for square in cut:
            self.images.append(square.image)
            self.others.append(square[1:])

    def face_crops(self) -> FaceCrops:
        labels, masks, parses, truths, *facts = zip(*self.others, strict=True)
        images = self.images.whole()
        maps = (_stacked(masks, images, 255), _stacked(parses, images, PARSE_UNKNOWN))
        truth = None if all(one is None for one in truths) else _objects(truths)
        return FaceCrops(images, joined(labels), *(np.array(column) for column in facts), *maps, truth)


def _objects(values: Sequence[Any]) -> np.ndarray:
    array = np.full(len(values), None, object)
    array[:] = values
    return array


def _stacked(
    maps: Sequence[UInt8[np.ndarray, "s s"] | None], images: UInt8[np.ndarray, "n s s 3"], missing: int
) -> UInt8[np.ndarray, "n s s"] | None:
    """Maps of pictures as one array, `missing` everywhere where there is none; None where there are none at all."""
    if all(part is None for part in maps):
        return None
    whole = np.full(images.shape[:3], missing, np.uint8)
    for row, part in enumerate(maps):
        whole[row] = missing if part is None else part
    return whole


def _parse_square(parse: ParseMap, placement: Placement, width: int, size: int) -> UInt8[np.ndarray, "s s"]:
    """Cut a parse map, which may be smaller than its picture of `width`, as the picture is cut."""
    finer = len(parse) / width
    of_map = replace(placement, scale=placement.scale / finer, source_px=placement.source_px * finer)
    affine = of_map.target_from_source
    return warp_affine(parse, affine, (size, size), grey=PARSE_UNKNOWN, flags=cv2.INTER_NEAREST)


def _name(source: str, name: str | None) -> str:
    """Tell persons and clips of two data sets apart."""
    return "" if name is None else f"{source.partition('/')[0] if '/' in source else ''}/{name}"


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


def _picture_or_squares(encoded: EncodedPicture) -> tuple[Picture | None, list[Square]]:
    """A picture whose only face is more than a third of it tall was cut around that face."""
    if len(encoded.faces) == 1 and np.ptp(encoded.faces[0].landmarks_px, axis=0).max() > max(encoded.size) / 3:
        return None, squares(encoded, STORED_SIZE)
    image = encoded.decoded().image
    height, width = image.shape[:2]
    factor = min(1.0, PICTURE_SIZE / max(height, width))
    if factor < 1:
        image = cv2.resize(
            image, (max(1, round(width * factor)), max(1, round(height * factor))), interpolation=cv2.INTER_AREA
        )
        factor = image.shape[1] / width
    arrays = arrays_from_faces(encoded.faces)
    return Picture(image, arrays._replace(box=arrays.box * factor, landmarks=arrays.landmarks * factor)), []
