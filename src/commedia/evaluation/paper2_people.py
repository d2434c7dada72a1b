"""Drawn people whose 3D is known, read by several readers of people: errors of shape, points and colours. Torch.

Frames come from shards that keep the truth (`scripts/make_synthetic.py --truth --frames-per-person 6`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.data.sample import PictureSample
from commedia.data.shards import read_shard
from commedia.data.truth import COVERED, DrawnTruth
from commedia.errors import BadShard
from commedia.evaluation.metrics import diagonal_error, normalised_mean_error
from commedia.evaluation.person_reading import PersonReader, PersonReading, PointsReader
from commedia.evaluation.settings import Progress
from commedia.evaluation.shape_error import FaceShape, shape_error_mm
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import FACE_REGIONS, REGIONS, MorphableModel, head_or_default
from commedia.faces.crop import PADDING_GREY, Crop, crop_from_landmarks, crop_image
from commedia.synthetic.truth import true_vertices

CROP_MM = 95.0
NOSE_TIP = 30
"""Of the 68 points."""
SURFACE = tuple(name for name in FACE_REGIONS if name not in ("left_eye", "right_eye", "inner_mouth"))
"""What a scan of a face shows and every frame has."""


Knowing = Callable[[DrawnTruth, MorphableModel], Float[np.ndarray, "v 3"]]
KNOWING: dict[str, Knowing] = {
    "the mean face with the true weights": lambda truth, model: vertices_from_params(model, NOBODY, truth.expression),
    "the true person at rest": lambda truth, model: vertices_from_params(model, truth.identity, AT_REST),
    "the true person and weights, everybody's blendshapes": lambda truth, model: vertices_from_params(
        model, truth.identity, truth.expression
    ),
}
"""What knows a part of the truth: how much there is to win, and by what."""
NOBODY, AT_REST = np.zeros(IDENTITY_COUNT, np.float32), np.zeros(EXPRESSION_COUNT, np.float32)


@dataclass
class PersonErrors:
    """Of one reader; a number a frame, and none of what it says nothing about."""

    shape_mm: list[float] = field(default_factory=list)
    scaled_mm: list[float] = field(default_factory=list)
    """Where the size is free: of a single camera nobody can tell a small face from a far one."""
    nme: list[float] = field(default_factory=list)
    diagonal: list[float] = field(default_factory=list)
    """Of the 68 points, over the diagonal of their box."""
    photo: list[float] = field(default_factory=list)

    def add_shape(self, said: Float[np.ndarray, "v 3"], truth: FaceShape) -> None:
        """Compare a head's vertices."""
        surface = surface_of(said)
        self.shape_mm.append(shape_error_mm(surface, truth, crop_mm=CROP_MM))
        self.scaled_mm.append(shape_error_mm(surface, truth, scale=True, crop_mm=CROP_MM))


def read_drawn_people(
    readers: Mapping[str, PersonReader], shards: Sequence[Path], limit: int | None, progress: Progress
) -> tuple[dict[str, PersonErrors], int]:
    """Read everybody with every reader, in crops that the true points place; and how many people there were.

    Errors of `KNOWING` are among them.
    """
    errors, count = {name: PersonErrors() for name in (*readers, *KNOWING)}, 0
    model = head_or_default(None).model
    for frames in people_of(shards):
        if limit is not None and count >= limit:
            break
        progress("reading people", count, limit or 0)
        crops = [crop_from_landmarks(frame.faces[0].landmarks_px) for frame in frames]
        truths = [frame.truth for frame in frames if frame.truth is not None]
        shapes = [surface_of(true_vertices(truth)) for truth in truths]
        for name, reader in readers.items():
            add_errors(errors[name], _read(reader, frames, crops), frames, crops, shapes)
        for name, known in KNOWING.items():
            for truth, shape in zip(truths, shapes, strict=True):
                errors[name].add_shape(known(truth, model), shape)
        count += 1
    if not count:
        raise BadShard(
            f"nobody's truth is in {', '.join(path.name for path in shards)}; make_synthetic.py --truth keeps it"
        )
    return errors, count


def _read(reader: PersonReader, frames: Sequence[PictureSample], crops: Sequence[Crop]) -> PersonReading:
    """What a reader says; who asks for true points is told them."""
    images = [frame.image for frame in frames]
    if isinstance(reader, PointsReader):
        return reader.read_points(images, crops, [frame.faces[0].landmarks_px for frame in frames])
    return reader.read(images, crops)


def people_of(shards: Sequence[Path]) -> Iterator[list[PictureSample]]:
    """The frames of each person, which follow each other; those without truth are left out."""
    for path in shards:
        known = (sample for sample in read_shard(path) if sample.truth is not None and len(sample.faces) == 1)
        for _, frames in groupby(known, key=lambda sample: sample.faces[0].identity_name):
            yield list(frames)


def add_errors(
    errors: PersonErrors,
    read: PersonReading,
    frames: Sequence[PictureSample],
    crops: Sequence[Crop],
    truths: Sequence[FaceShape],
) -> None:
    """Compare what is said of a person with the truth, frame by frame."""
    for number, (frame, crop, truth) in enumerate(zip(frames, crops, truths, strict=True)):
        marks = frame.faces[0].landmarks_px
        errors.add_shape(read.vertices[number], truth)
        errors.nme.append(100 * normalised_mean_error(read.landmarks_px[number], marks))
        errors.diagonal.append(diagonal_error(read.landmarks_px[number], marks))
        if read.drawn is not None and read.mask is not None:
            size = read.drawn.shape[1]
            mask = read.mask[number] & ~covered(frame, crop, size)
            if mask.any():
                errors.photo.append(photometric_error(read.drawn[number], crop_image(frame.image, crop, size), mask))


def covered(frame: PictureSample, crop: Crop, size: int) -> Bool[np.ndarray, "{size} {size}"]:
    """Where in its crop something is before a face: what is drawn there can explain nothing."""
    if frame.parse is None:
        return np.zeros((size, size), dtype=bool)
    hidden = np.where(frame.parse == COVERED, np.uint8(255), np.uint8(0))
    height, width = frame.image.shape[:2]
    whole = cv2.resize(hidden, (width, height), interpolation=cv2.INTER_NEAREST)
    return crop_image(np.repeat(whole[..., None], 3, axis=2), crop, size)[..., 0] > PADDING_GREY


def photometric_error(
    drawn: UInt8[np.ndarray, "s s 3"], seen: UInt8[np.ndarray, "s s 3"], mask: Bool[np.ndarray, "s s"]
) -> float:
    """Mean distance of colours, 0 to 255 a channel, where the face was drawn (Eq. 4 of paper 2, as a measure)."""
    return float(np.linalg.norm(drawn[mask].astype(np.float64) - seen[mask], axis=1).mean())


def surface_of(vertices: Float[np.ndarray, "v 3"]) -> FaceShape:
    """The surface of the face of a whole head's vertices."""
    head = head_or_default(None)
    kept = np.isin(head.vertex_region, [REGIONS.index(name) for name in SURFACE])
    inside = kept[head.model.triangles].all(1)
    numbered = np.cumsum(kept) - 1
    marks = points(load_scheme("ibug68"), vertices)
    return FaceShape(vertices[kept], numbered[head.model.triangles[inside]], marks[NOSE_TIP], marks)
