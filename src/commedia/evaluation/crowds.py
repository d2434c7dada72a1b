"""Table `mfn-crowds`: MFN on held-back synthetic crowds, whose boxes and points are known exactly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from jaxtyping import Float, UInt8

from commedia.data.sample import FaceSample
from commedia.data.shards import EncodedPicture, read_encoded
from commedia.errors import CommediaError
from commedia.evaluation import metrics
from commedia.evaluation.metrics import PictureBoxes
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.grid import DEFAULT_THRESHOLD
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.mfn import open_mfn
from commedia.faces.protocol import DetectorProtocol, RegressorProtocol
from commedia.faces.sfn import open_sfn
from commedia.geometry.boxes import intersection_over_union
from commedia.structures import Face

LEAST_CONFIDENCE = 0.01
"""AP looks at the whole curve, so that doubtful faces are kept too."""
GOAL_AP50 = 0.95
EYES = slice(36, 48)


@dataclass(frozen=True)
class Tally:
    """What is counted picture by picture."""

    boxes: list[PictureBoxes] = field(default_factory=list)
    sure: list[PictureBoxes] = field(default_factory=list)
    """The same with faces of the detection threshold and above."""
    errors: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: {"MFN": [], "MFN, then SFN": []})
    """By reader: error of all points and of the eyes, %, of every face that was found."""


def mfn_crowds(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure average precision, recall, precision, and the points of whom MFN finds: its own, and SFN's after it."""
    if not settings.shards:
        raise CommediaError("this table needs held-back synthetic crowds; name their shards with --shards")
    mfn = open_mfn(settings.mfn, threads=1, threshold=LEAST_CONFIDENCE)
    sfn = open_sfn(settings.sfn, threads=1, flip_average=settings.flip_average)
    tally = Tally()
    pictures = list(_pictures(settings))
    for index, encoded in enumerate(pictures):
        progress("crowds", index, len(pictures))
        count(tally, encoded.decoded().image, encoded.faces, mfn, sfn, settings.smallest_face)
    progress("crowds", 1, 1)
    return [_detection(tally, settings), _points(tally)]


def _pictures(settings: EvaluationSettings) -> Iterator[EncodedPicture]:
    return islice((encoded for path in settings.shards for encoded in read_encoded(path)), settings.limit)


def count(
    tally: Tally,
    image: UInt8[np.ndarray, "h w 3"],
    truth: Sequence[FaceSample],
    mfn: DetectorProtocol,
    sfn: RegressorProtocol,
    smallest: float,
) -> None:
    """Add one picture; faces whose longer side is below `smallest` of the picture's need not be found."""
    least_px = smallest * max(image.shape[:2])
    asked = [max(face.box.width_px, face.box.height_px) >= least_px for face in truth]
    required = [face.box for face, is_asked in zip(truth, asked, strict=True) if is_asked]
    optional = [face.box for face, is_asked in zip(truth, asked, strict=True) if not is_asked]
    faces = mfn.detect(image)
    sure = [face for face in faces if face.confidence >= DEFAULT_THRESHOLD]
    tally.boxes.append(_picture_boxes(faces, required, optional))
    tally.sure.append(_picture_boxes(sure, required, optional))
    marked = [face for face, is_asked in zip(truth, asked, strict=True) if is_asked]
    _measure_points(tally, image, sure, marked, sfn)


def _picture_boxes(faces: Sequence[Face], required: list, optional: list) -> PictureBoxes:
    return PictureBoxes([face.box for face in faces], [face.confidence for face in faces], required, optional)


def _measure_points(
    tally: Tally, image: np.ndarray, faces: Sequence[Face], truth: Sequence[FaceSample], sfn: RegressorProtocol
) -> None:
    pairs = []
    for real in truth:
        best = max(faces, key=lambda face: intersection_over_union(face.box, real.box), default=None)
        if best is not None and intersection_over_union(best.box, real.box) >= 0.5:
            pairs.append((best.landmarks_px, real.landmarks_px))
    params = sfn.regress(image, [crop_from_landmarks(found) for found, _ in pairs])
    for (found, real), refined in zip(pairs, landmarks_of_faces(params), strict=True):
        tally.errors["MFN"].append(errors_percent(found, real))
        tally.errors["MFN, then SFN"].append(errors_percent(refined, real))


def errors_percent(found: Float[np.ndarray, "68 2"], real: Float[np.ndarray, "68 2"]) -> tuple[float, float]:
    """Mean distance of all points and of the eyes', in % of the root of the area of the true points' box."""
    return 100 * metrics.normalised_mean_error(found, real), 100 * metrics.normalised_mean_error(found, real, EYES)


def _detection(tally: Tally, settings: EvaluationSettings) -> Table:
    precision = metrics.coco_precision(tally.boxes)
    matches = [metrics.match_boxes(one.found, one.confidence, one.required, one.optional) for one in tally.sure]
    required = sum(len(one.required) for one in tally.sure)
    found, right, false = (sum(len(getattr(one, kind)) for one in matches) for kind in ("found", "right", "false"))
    recall, exactness = found / max(required, 1), right / max(right + false, 1)
    row: tuple[Cell, ...] = (len(tally.boxes), required, *precision, recall, exactness)
    columns = ("pictures", "required faces", "AP", "AP50", "AP75", "recall", "precision")
    notes = (
        f"{', '.join(path.stem for path in settings.shards)}. Required: longer side >= {settings.smallest_face:.0%} of "
        "the picture's; finding a smaller one is no error.",
        f"Recall and precision at IoU 0.5 and the detection threshold, {DEFAULT_THRESHOLD}.",
    )
    goal = Goal("AP50", precision.ap50, GOAL_AP50, at_most=False)
    return Table("mfn-crowds", "Faces found in synthetic crowds", columns, (row,), notes, (goal,))


def _points(tally: Tally) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for reader, errors in tally.errors.items():
        whole, eyes = np.array(errors).reshape(-1, 2).mean(0).tolist() if errors else (None, None)
        rows.append((reader, len(errors), whole, eyes))
    notes = ("Of the faces found; in % of the root of the area of the true points' box. Eyes: points 37 to 48.",)
    return Table("mfn-crowds-points", "Their points", ("read by", "faces", "68 points", "eyes"), tuple(rows), notes)
