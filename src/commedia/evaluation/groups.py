"""Table `mfn-groups`: is everybody found in photographs of groups, measured against a reference detector.

By MFN alone, in one pass over the picture; and end to end: MFN, tiled detection, and SFN's judgement of every crop.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from commedia.evaluation.metrics import Matches, average_precision, match_boxes
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.sheets import write_sheet
from commedia.faces.mfn import open_mfn
from commedia.files import sha256_of
from commedia.geometry.placement import affine_between, warp
from commedia.labelling.rfb import FaceFinder, FoundFace
from commedia.sources.open import open_frames
from commedia.structures import Box, Face, TrackedFace
from commedia.tracking.models import open_models
from commedia.tracking.settings import PHOTO_SETTINGS
from commedia.tracking.tracker import Tracker

SURE, UNSURE = 0.9, 0.5
"""Confidence of the reference detector from which a face must be found, and from which finding it is no error."""
MOST_FACES = 20
SMALL = 0.03
"""The smallest faces asked for, whatever `--smallest-face` says."""
ALONE, END_TO_END = "MFN alone", "end to end"
GOALS = ((ALONE, 0.05, (0.92, 0.95)), (END_TO_END, SMALL, (0.96, 0.97)))
"""Who, faces from which share of the picture on, recall and precision."""

Found = tuple[list[Box], list[float]]
"""Boxes and confidences."""


class Reference(NamedTuple):
    """One photograph, and whom the reference detector sees in it."""

    name: str
    image: UInt8[np.ndarray, "h w 3"]
    faces: Sequence[FoundFace]


@dataclass(frozen=True)
class Outcome:
    """One photograph, measured."""

    name: str
    image: UInt8[np.ndarray, "h w 3"]
    found: list[Box]
    confidence: list[float]
    required: list[Box]
    optional: list[Box]
    matches: Matches


def mfn_groups(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure recall and precision at IoU 0.5 on `groups`, and draw misses and false alarms."""
    readers, finder = {ALONE: _alone(settings), END_TO_END: _end_to_end(settings)}, FaceFinder(settings.detector_file())
    paths, copies = _distinct(sorted(settings.file("groups").glob("*.jpg")))
    references, found, crowded = [], {name: [] for name in readers}, 0
    for index, path in enumerate(paths[: settings.limit]):
        progress("groups", index, len(paths[: settings.limit]))
        image = next(iter(open_frames(path))).image
        faces = finder.find(image, confidence=UNSURE)
        if sum(face.confidence >= SURE for face in faces) > MOST_FACES:
            crowded += 1
            continue
        references.append(Reference(path.name, image, faces))
        for name, reader in readers.items():
            found[name].append(reader(image))
    progress("groups", 1, 1)
    sizes = sorted({settings.smallest_face, SMALL}, reverse=True)
    outcomes = {(name, size): measured(references, found[name], size) for name in readers for size in sizes}
    for name, file in ((ALONE, "mfn-groups.jpg"), (END_TO_END, "mfn-groups-end-to-end.jpg")):
        _write_sheet(settings.output / file, outcomes[name, SMALL])
    return [groups_summary(outcomes, crowded, copies), _per_picture({name: outcomes[name, SMALL] for name in readers})]


def _alone(settings: EvaluationSettings) -> Callable[[np.ndarray], Found]:
    detector = open_mfn(settings.mfn, threads=1)
    return lambda image: _boxes(detector.detect(image))


def _end_to_end(settings: EvaluationSettings) -> Callable[[np.ndarray], Found]:
    tracker = Tracker(open_models(settings.mfn, settings.sfn, flip_average=settings.flip_average), PHOTO_SETTINGS)

    def find(image: UInt8[np.ndarray, "h w 3"]) -> Found:
        tracker.reset()
        return _boxes(tracker.step(image, 0).faces)

    return find


def _boxes(faces: Sequence[Face | TrackedFace]) -> Found:
    return [face.box for face in faces], [face.confidence for face in faces]


def measured(references: Sequence[Reference], found: Sequence[Found], smallest_face: float) -> list[Outcome]:
    """Match what was found with whom the reference sees."""
    outcomes = []
    for (name, image, faces), (boxes, confidence) in zip(references, found, strict=True):
        required, optional = sorted_out(faces, smallest_face * max(image.shape[:2]))
        matches = match_boxes(boxes, confidence, required, optional)
        outcomes.append(Outcome(name, image, boxes, confidence, required, optional, matches))
    return outcomes


def sorted_out(reference: Sequence[FoundFace], least_px: float) -> tuple[list[Box], list[Box]]:
    """Boxes of faces that must be found, and of those that may be: smaller ones and less sure ones."""

    def is_required(face: FoundFace) -> bool:
        return face.confidence >= SURE and max(face.box.width_px, face.box.height_px) >= least_px

    required = [face.box for face in reference if is_required(face)]
    return required, [face.box for face in reference if not is_required(face)]


def _distinct(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """Leave out files with the same content as an earlier one."""
    seen: dict[str, Path] = {}
    copies = []
    for path in paths:
        digest = sha256_of(path)
        if digest in seen:
            copies.append(f"{path.name} = {seen[digest].name}")
        seen.setdefault(digest, path)
    return list(seen.values()), copies


def groups_summary(outcomes: dict[tuple[str, float], list[Outcome]], crowded: int, copies: list[str]) -> Table:
    """Tabulate every reader at every size, with the goals."""
    rows = [(name, size, *_counts(measured)) for (name, size), measured in outcomes.items()]
    notes = [
        f"End to end: MFN on the whole picture and on overlapping squares of it, each face of confidence "
        f"{PHOTO_SETTINGS.lifecycle.doubtful_confidence} or more judged by SFN. {ALONE}: one pass, its own threshold.",
        f"Reference: the RFB-640 detector. Required: score >= {SURE}, longer side >= 'smallest' of the picture's. "
        f"Optional: score >= {UNSURE} of any size; a prediction on one is not counted at all.",
        f"Left out: {crowded} pictures with more than {MOST_FACES} reference faces of score >= {SURE}.",
        "AP is COCO's at IoU 0.5 of what is found. Pictures of errors: mfn-groups.jpg, mfn-groups-end-to-end.jpg.",
    ]
    if copies:
        notes.append(f"Counted once although stored twice: {'; '.join(copies)}.")
    columns = ("found by", "smallest", "pictures", "required", "found", "predictions", "recall", "precision", "AP50")
    goals = tuple(
        Goal(f"{columns[place]}, {name}, faces from {size:.0%}", float(row[place]), bound, at_most=False)  # type: ignore[arg-type]
        for name, size, bounds in GOALS
        for row in rows
        if row[:2] == (name, size)
        for place, bound in zip((6, 7), bounds, strict=True)
    )
    return Table("mfn-groups", "Faces found in group photographs at IoU 0.5", columns, tuple(rows), tuple(notes), goals)


def _counts(outcomes: list[Outcome]) -> tuple[Cell, ...]:
    required = sum(len(outcome.required) for outcome in outcomes)
    found = sum(len(outcome.matches.found) for outcome in outcomes)
    right = sum(len(outcome.matches.right) for outcome in outcomes)
    false = sum(len(outcome.matches.false) for outcome in outcomes)
    recall = found / required if required else float("nan")
    precision = right / (right + false) if right + false else float("nan")
    scores = [(outcome.confidence[index], True) for outcome in outcomes for index in outcome.matches.right]
    scores += [(outcome.confidence[index], False) for outcome in outcomes for index in outcome.matches.false]
    confidence, is_right = np.array([score for score, _ in scores]), np.array([ok for _, ok in scores], dtype=bool)
    area = average_precision(confidence, is_right, required)
    return len(outcomes), required, found, right + false, recall, precision, area


def _per_picture(outcomes: dict[str, list[Outcome]]) -> Table:
    rows = [
        (
            *(alone.name, len(alone.required), len(alone.optional)),
            *(len(part) for one in (alone, whole) for part in (one.found, one.matches.missed, one.matches.false)),
        )
        for alone, whole in zip(outcomes[ALONE], outcomes[END_TO_END], strict=True)
    ]
    kinds = "alone: predicted", "missed", "false", "end to end", "missed", "false"
    columns = ("picture", "required", "optional", *kinds)
    return Table("mfn-groups-pictures", f"The same, picture by picture, faces from {SMALL:.0%}", columns, tuple(rows))


def _write_sheet(path: Path, outcomes: Sequence[Outcome], *, tile: int = 160, columns: int = 8) -> None:
    """Cut out every miss (red) and every false alarm (yellow); other references are thin green, predictions blue."""
    tiles = []
    for outcome in outcomes:
        errors = [(outcome.required[index], (255, 60, 60)) for index in outcome.matches.missed]
        errors += [(outcome.found[index], (255, 210, 0)) for index in outcome.matches.false]
        if not errors:
            continue
        picture = outcome.image.copy()
        thickness = max(1, round(max(picture.shape) / 500))
        for box in (*outcome.required, *outcome.optional):
            _draw_box(picture, box, (60, 200, 90), thickness)
        for box in outcome.found:
            _draw_box(picture, box, (70, 150, 255), thickness)
        tiles += [_cut_out(picture, box, colour, tile) for box, colour in errors]
    write_sheet(path, tiles, columns=columns)


def _cut_out(picture: np.ndarray, box: Box, colour: tuple[int, int, int], size: int) -> np.ndarray:
    side = 2.2 * max(box.width_px, box.height_px)
    scale = size / side
    square_from_picture = affine_between(scale * np.eye(2), np.array(box.center_px), np.full(2, size / 2))
    cut = warp(picture, square_from_picture, (size, size))
    half = np.array([box.width_px, box.height_px]) * scale / 2
    first, second = ((size / 2 + sign * half).round().astype(int).tolist() for sign in (-1, 1))
    cv2.rectangle(cut, first, second, colour, 2, cv2.LINE_AA)
    return cut


def _draw_box(picture: np.ndarray, box: Box, colour: tuple[int, int, int], thickness: int) -> None:
    first, second = (round(box.left_px), round(box.top_px)), (round(box.right_px), round(box.bottom_px))
    cv2.rectangle(picture, first, second, colour, thickness, cv2.LINE_AA)
