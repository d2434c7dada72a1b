"""Table `sfn-nme`: 68-point error of SFN on development photographs, in crops placed by the true landmarks."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from commedia.evaluation.mediapipe import ibug_points, read_around
from commedia.evaluation.metrics import mean_per_yaw_bin, normalised_mean_error
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.sfn import SfnPredictor, open_sfn
from commedia.faces.weights import find_weights
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.labelling.pictures import PictureGroup
from commedia.labelling.teacher import Teacher

GOALS = {"helen-dev": 2.5, "ytf-dev": 3.1}
"""Largest NME in percent."""
MOBILE_GOALS = {"helen-dev": 2.8}
MOBILE_MB = 2.0
"""Of networks whose file is named so, which may be no larger (1 MB: a million bytes)."""
CONTOUR_COUNT = 17


def sfn_nme(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure SFN, and MediaPipe where its landmarker is at hand, on `helen-dev` and `ytf-dev`."""
    regressor = open_sfn(settings.sfn, threads=1, flip_average=settings.flip_average)
    mobile = find_weights(settings.sfn) if Path(settings.sfn).stem == "sfn-mobile" else None
    rows: list[tuple[Cell, ...]] = []
    goals = [] if mobile is None else [Goal("size, MB", mobile.stat().st_size / 1e6, MOBILE_MB, at_most=True)]
    for name in GOALS:
        ours, theirs, yaw_deg = _errors(settings, name, regressor, progress)
        rows.append(_row(name, "SFN", ours, yaw_deg))
        if np.isfinite(theirs).any():
            found = np.isfinite(theirs[:, 0])
            rows.append(_row(name, f"MediaPipe ({found.sum()} found)", theirs[found], yaw_deg[found]))
            rows.append(_row(name, "SFN, the same faces", ours[found], yaw_deg[found]))
        goals += nme_goals(name, ours, theirs, MOBILE_GOALS if mobile else GOALS)
    notes = (
        "NME, in percent: mean distance of the points over sqrt(w h) of the true points' tight box, as in 3DDFA.",
        "Crops are placed by the true landmarks; yaw is SFN's own prediction.",
        "MediaPipe is called at its best crop, which is SFN's: 1.5 times the longer side of the points' box, upright; "
        "at 512 px.",
        "'Inner' leaves out the 17 jaw points, which on turned faces are marked on the outline and not on the jaw.",
        "SFN's points are placed where people mark them, as fitted to other photographs (`scripts/fit_marks.py`).",
        "Truth is used as annotated. By a teacher that was averaged over a picture and its mirror image, it lies "
        "0.3 px (helen) and 0.6 px (ytf) to the right of pixel centres at one half, as one-based coordinates would.",
    )
    columns = ("set", "reader", "faces", "NME %", "median", "inner", "|yaw| <= 30", "30 to 60", "> 60")
    return [Table("sfn-nme", "68-point error, SFN in true crops", columns, tuple(rows), notes, tuple(goals))]


def nme_goals(
    name: str, ours: Float[np.ndarray, "n 2"], theirs: Float[np.ndarray, "n 2"], bounds: Mapping[str, float]
) -> list[Goal]:
    """From NME and inner NME per face to goals: a bound on ours, and no worse than MediaPipe's where it has a face."""
    goals = []
    if name in bounds:
        goals.append(Goal(f"NME of SFN on {name}, %", float(ours[:, 0].mean()), bounds[name], at_most=True))
    found = np.isfinite(theirs[:, 0])
    if bounds is GOALS and found.any():
        inner, bound = float(ours[found, 1].mean()), float(theirs[found, 1].mean())
        goals.append(Goal(f"inner NME on {name}, % (bound: MediaPipe's)", inner, bound, at_most=True))
    return goals


def _errors(
    settings: EvaluationSettings, name: str, regressor: SfnPredictor, progress: Progress
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
    """Per face: NME and inner NME in percent, of SFN and of MediaPipe (NaN where it finds nothing), and yaw."""
    pictures = PictureGroup(name, (settings.file("faces", f"{name}-000.tar"),))
    count = min(len(pictures), settings.limit or len(pictures))
    landmarker = settings.landmarker_file()
    teacher = Teacher(landmarker) if landmarker else None
    ours, theirs, yaws = [], [], []
    for index, picture in enumerate(islice(pictures, count)):
        progress(name, index, count)
        truth = picture.gold_px
        assert truth is not None, f"'{picture.key}' of {name} carries no landmarks"
        image = picture.decoded()
        params = regressor.regress(image, [crop_from_landmarks(truth)])
        ours.append(_both_errors(regressor.landmarks(params)[0], truth))
        theirs.append(_teacher_errors(teacher, image, truth))
        yaws.append(np.degrees(yaw_pitch_roll_from_wxyz(params[0].pose.wxyz)[0]))
    if teacher is not None:
        teacher.close()
    progress(name, count, count)
    return np.array(ours), np.array(theirs), np.array(yaws)


def _teacher_errors(
    teacher: Teacher | None, image: UInt8[np.ndarray, "h w 3"], truth: Float[np.ndarray, "68 2"]
) -> tuple[float, float]:
    prediction = read_around(teacher, image, truth) if teacher else None
    if prediction is None:
        return float("nan"), float("nan")
    return _both_errors(ibug_points(prediction), truth)


def _both_errors(found: Float[np.ndarray, "68 2"], truth: Float[np.ndarray, "68 2"]) -> tuple[float, float]:
    inner = slice(CONTOUR_COUNT, None)
    return 100 * normalised_mean_error(found, truth), 100 * normalised_mean_error(found, truth, inner)


def _row(
    name: str, reader: str, errors: Float[np.ndarray, "n 2"], yaw_deg: Float[np.ndarray, " n"]
) -> tuple[Cell, ...]:
    bins = mean_per_yaw_bin(errors[:, 0], yaw_deg, (0.0, 30.0, 60.0, 181.0))
    means = float(errors[:, 0].mean()), float(np.median(errors[:, 0])), float(errors[:, 1].mean())
    return (name, reader, len(errors), *means, *map(float, bins))
