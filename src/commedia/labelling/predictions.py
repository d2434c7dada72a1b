"""The teacher over a group of pictures, in up to two processes, kept in a file so that the fit can be run again."""

import json
import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from commedia.conventions import EXPRESSION_COUNT
from commedia.faces.crop import Crop, crop_image
from commedia.files import named_aside, sha256_of
from commedia.labelling.pictures import PictureGroup, SourcePicture
from commedia.labelling.rfb import FaceFinder
from commedia.labelling.teacher import POINT_COUNT, Teacher, TeacherPrediction
from commedia.structures import Box

Advance = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""

_CROP_SCALE = 2.0
"""Side of a scene's crop over the longer side of the detector's box."""
_CROP_PX = 256
_BATCH = 256
_SMALLEST_FACE_PX = 20.0
"""Faces that are smaller in a scene are left alone: there is nothing in them to label or to learn."""


@dataclass(frozen=True)
class GroupPredictions:
    """Every face the teacher read in a group, in the order of the pictures."""

    picture: Int[np.ndarray, "f"]
    """Position of each face's picture in the group."""
    points_px: Float[np.ndarray, "f 478 3"]
    scores: Float[np.ndarray, "f 52"]
    unread: Int[np.ndarray, "n"]
    """Positions of pictures with a face that was not read; they would teach a detector to overlook faces."""
    picture_count: int


@dataclass(frozen=True)
class Readers:
    """Where the networks are that read pictures, and how many processes may."""

    landmarker: Path
    detector: Path | None = None
    """None: every picture is about one face."""
    processes: int = 1


def read_group(group: PictureGroup, readers: Readers, kept: Path, advance: Advance) -> GroupPredictions:
    """Read every face of a group; a second call with the same pictures and networks only opens the file `kept`."""
    asked = _fingerprint(group, readers)
    if kept.is_file() and (found := _load(kept, asked)) is not None:
        return found
    total = len(group)
    picture, points, scores, unread = [], [], [], []
    for index, (faces, complete) in enumerate(_read_all(group, readers)):
        advance(f"reading {group.name}", index + 1, total)
        picture += [index] * len(faces)
        points += [face.points_px for face in faces]
        scores += [face.scores for face in faces]
        unread += [] if complete else [index]
    result = GroupPredictions(
        np.array(picture, dtype=np.int64),
        np.array(points, dtype=np.float32).reshape(-1, POINT_COUNT, 3),
        np.array(scores, dtype=np.float32).reshape(-1, EXPRESSION_COUNT),
        np.array(unread, dtype=np.int64),
        total,
    )
    _save(kept, asked, result)
    return result


def _read_all(group: PictureGroup, readers: Readers) -> Iterator[tuple[list[TeacherPrediction], bool]]:
    if readers.processes <= 1:
        with _Reader(readers) as reader:
            yield from map(reader, group)
        return
    # A missing file or package should be one sentence from here, not a pile of dying workers.
    with _Reader(readers):
        pass
    with multiprocessing.get_context("spawn").Pool(readers.processes, _start_worker, (readers,)) as pool:
        pictures = iter(group)
        while batch := list(islice(pictures, _BATCH)):  # a pool asked for more would hold every picture in memory
            yield from pool.imap(_read_in_worker, batch, chunksize=8)


class _Reader:
    """Teacher and detector as one function from a stored picture to its faces."""

    def __init__(self, readers: Readers):
        self._finder = None if readers.detector is None else FaceFinder(readers.detector)
        self._teacher = Teacher(readers.landmarker)

    def __enter__(self) -> "_Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._teacher.close()

    def __call__(self, picture: SourcePicture) -> tuple[list[TeacherPrediction], bool]:
        """Return the faces, and whether these are all the faces there are."""
        image = picture.decoded()
        if self._finder is None:
            prediction = self._teacher.read(image)
            return ([], False) if prediction is None else ([prediction], True)
        boxes = [found.box for found in self._finder.find(image)]
        boxes = [box for box in boxes if min(box.width_px, box.height_px) >= _SMALLEST_FACE_PX]
        predictions = [self._read_box(image, box) for box in boxes]
        return [prediction for prediction in predictions if prediction is not None], None not in predictions

    def _read_box(self, image: UInt8[np.ndarray, "h w 3"], box: Box) -> TeacherPrediction | None:
        crop = Crop(np.array(box.center_px, np.float32), _CROP_SCALE * max(box.width_px, box.height_px))
        prediction = self._teacher.read(crop_image(image, crop, _CROP_PX))
        if prediction is None:
            return None
        scale = crop.side_px / _CROP_PX
        corner = np.array([*(crop.center_px - crop.side_px / 2), 0], dtype=np.float32)
        points = (prediction.points_px * np.float32(scale) + corner).astype(np.float32)
        # The crop may hold a neighbour who is easier to read.
        miss = np.linalg.norm(points[:, :2].mean(axis=0) - box.center_px)
        return TeacherPrediction(points, prediction.scores) if miss < 0.5 * box.height_px else None


_worker: _Reader | None = None


def _start_worker(readers: Readers) -> None:
    global _worker
    _worker = _Reader(readers)


def _read_in_worker(picture: SourcePicture) -> tuple[list[TeacherPrediction], bool]:
    assert _worker is not None
    return _worker(picture)


def _fingerprint(group: PictureGroup, readers: Readers) -> str:
    networks = [path and sha256_of(path)[:16] if path and path.is_file() else None
                for path in (readers.landmarker, readers.detector)]  # fmt: skip
    stats = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in group.files()]
    return json.dumps([networks, stats])


def _load(kept: Path, asked: str) -> GroupPredictions | None:
    try:
        with np.load(kept, allow_pickle=False) as stored:
            if str(stored["asked"]) != asked:
                return None
            picture, points_px, scores, unread = (stored[name] for name in ("picture", "points_px", "scores", "unread"))
            return GroupPredictions(picture, points_px, scores, unread, int(stored["picture_count"]))
    except (OSError, ValueError, KeyError):
        return None


def _save(kept: Path, asked: str, predictions: GroupPredictions) -> None:
    with named_aside(kept, ".npz") as aside:
        np.savez(aside, asked=np.array(asked), **vars(predictions))
