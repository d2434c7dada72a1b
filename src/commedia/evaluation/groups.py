"""Table `mfn-groups`: does MFN find everybody in photographs of groups, measured against a reference detector."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from commedia.capture.open import open_source
from commedia.evaluation.benchmarks import EvaluationSettings, Progress
from commedia.evaluation.metrics import Matches, average_precision, match_boxes
from commedia.evaluation.report import Cell, Goal, Table
from commedia.inference.predictor import open_mfn
from commedia.labelling.rfb import FaceFinder, FoundFace
from commedia.outputs.atomic import written_aside
from commedia.structures import Box

SURE, UNSURE = 0.9, 0.5
"""Confidence of the reference detector from which a face must be found, and from which finding it is no error."""
MOST_FACES = 20
GOAL = 0.90


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
    detector, finder = open_mfn(settings.mfn, threads=1), FaceFinder(settings.detector_file())
    paths, copies = _distinct(sorted(settings.file("groups").glob("*.jpg")))
    outcomes, crowded = [], 0
    for index, path in enumerate(paths[: settings.limit]):
        progress("groups", index, len(paths[: settings.limit]))
        image = next(iter(open_source(path))).image
        reference = finder.find(image, confidence=UNSURE)
        if sum(face.confidence >= SURE for face in reference) > MOST_FACES:
            crowded += 1
            continue
        required, optional = sorted_out(reference, settings.smallest_face * max(image.shape[:2]))
        faces = detector.detect(image)
        boxes, confidence = [face.box for face in faces], [face.confidence for face in faces]
        matches = match_boxes(boxes, confidence, required, optional)
        outcomes.append(Outcome(path.name, image, boxes, confidence, required, optional, matches))
    progress("groups", 1, 1)
    sheet = settings.output / "mfn-groups.jpg"
    _write_sheet(sheet, outcomes)
    return [_summary(outcomes, crowded, copies, settings, sheet), _per_picture(outcomes)]


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
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest in seen:
            copies.append(f"{path.name} = {seen[digest].name}")
        seen.setdefault(digest, path)
    return list(seen.values()), copies


def _summary(
    outcomes: list[Outcome], crowded: int, copies: list[str], settings: EvaluationSettings, sheet: Path
) -> Table:
    required = sum(len(outcome.required) for outcome in outcomes)
    found = sum(len(outcome.matches.found) for outcome in outcomes)
    right = sum(len(outcome.matches.right) for outcome in outcomes)
    false = sum(len(outcome.matches.false) for outcome in outcomes)
    recall = found / required if required else float("nan")
    precision = right / (right + false) if right + false else float("nan")
    scores = [(outcome.confidence[index], True) for outcome in outcomes for index in outcome.matches.right]
    scores += [(outcome.confidence[index], False) for outcome in outcomes for index in outcome.matches.false]
    confidence, is_right = np.array([score for score, _ in scores]), np.array([ok for _, ok in scores], dtype=bool)
    row: tuple[Cell, ...] = (
        *(len(outcomes), required, found, right + false, recall, precision),
        average_precision(confidence, is_right, required),
    )
    notes = [
        f"Reference: the RFB-640 detector. Required: score >= {SURE}, longer side >= {settings.smallest_face:.0%} of "
        f"the picture's. Optional: score >= {UNSURE} of any size; a prediction on one is not counted at all.",
        f"Left out: {crowded} pictures with more than {MOST_FACES} reference faces of score >= {SURE}.",
        f"AP is COCO's at IoU 0.5 of the predictions above the detection threshold. Pictures of errors: {sheet.name}.",
    ]
    if copies:
        notes.append(f"Counted once although stored twice: {'; '.join(copies)}.")
    columns = ("pictures", "required faces", "found", "predictions", "recall", "precision", "AP50")
    goals = (Goal("recall", recall, GOAL, at_most=False), Goal("precision", precision, GOAL, at_most=False))
    return Table("mfn-groups", "Faces found in group photographs at IoU 0.5", columns, (row,), tuple(notes), goals)


def _per_picture(outcomes: list[Outcome]) -> Table:
    rows = [
        (
            *(outcome.name, len(outcome.required), len(outcome.optional), len(outcome.found)),
            *(len(outcome.matches.missed), len(outcome.matches.false)),
        )
        for outcome in outcomes
    ]
    columns = ("picture", "required", "optional", "predicted", "missed", "false")
    return Table("mfn-groups-pictures", "The same, picture by picture", columns, tuple(rows))


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
    rows = max(1, -(-len(tiles) // columns))
    sheet = np.full((rows * tile, columns * tile, 3), 24, dtype=np.uint8)
    for index, cut in enumerate(tiles):
        top, left = index // columns * tile, index % columns * tile
        sheet[top : top + tile, left : left + tile] = cut
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    with written_aside(path) as file:
        file.write(encoded.tobytes())


def _cut_out(picture: np.ndarray, box: Box, colour: tuple[int, int, int], size: int) -> np.ndarray:
    side = 2.2 * max(box.width_px, box.height_px)
    scale = size / side
    x, y = box.center_px
    matrix = np.array([[scale, 0, size / 2 - x * scale], [0, scale, size / 2 - y * scale]])
    cut = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_AREA)
    half = np.array([box.width_px, box.height_px]) * scale / 2
    first, second = ((size / 2 + sign * half).round().astype(int).tolist() for sign in (-1, 1))
    cv2.rectangle(cut, first, second, colour, 2, cv2.LINE_AA)
    return cut


def _draw_box(picture: np.ndarray, box: Box, colour: tuple[int, int, int], thickness: int) -> None:
    first, second = (round(box.left_px), round(box.top_px)), (round(box.right_px), round(box.bottom_px))
    cv2.rectangle(picture, first, second, colour, thickness, cv2.LINE_AA)
