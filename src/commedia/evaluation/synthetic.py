"""Table `synthetic`: SFN on drawn faces that were never trained on, where the truth of everything is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_NAMES
from commedia.data.sample import FaceSample, PictureSample
from commedia.data.shards import read_encoded
from commedia.errors import BadShard, CommediaError
from commedia.evaluation import metrics
from commedia.evaluation.metrics import ACTIVE
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.strength import strength_table
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.landmarks import landmarks_of_faces
from commedia.faces.protocol import RegressorProtocol
from commedia.faces.sfn import open_sfn
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.structures import FaceParams

GOAL_ERROR, GOAL_REST, GOAL_AUC, GOAL_CORRELATION = 0.065, 0.05, 0.93, 0.70
"""Mean error over all blendshapes, mean prediction where truth is 0, mean AUC and median correlation."""
GOALS_POSE_DEG = (3.0, 5.5)
"""Up to `GOAL_YAW_DEG`, and beyond."""
GOAL_YAW_DEG = 60.0
YAW_EDGES_DEG = (0.0, 30.0, 60.0, 181.0)


@dataclass(frozen=True)
class Predictions:
    """Truth and prediction of every face, row by row."""

    truth: Float[np.ndarray, "n 52"]
    predicted: Float[np.ndarray, "n 52"]
    yaw_deg: Float[np.ndarray, " n"]
    """True yaw."""
    pose_error_deg: Float[np.ndarray, " n"]
    nme: Float[np.ndarray, " n"]
    identity_truth: Float[np.ndarray, "n 50"]
    identity: Float[np.ndarray, "n 50"]


def synthetic(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Measure expression blendshape by blendshape, head pose and landmarks in crops placed by the true landmarks."""
    if not settings.shards:
        raise CommediaError("this table needs held-back synthetic shards; name them with --shards")
    regressor = open_sfn(settings.sfn, threads=1, flip_average=settings.flip_average)
    predictions = read_shards(regressor, settings.shards, settings.limit, progress)
    everything = np.ones_like(predictions.truth, dtype=bool)
    played = strength_table("synthetic", predictions.predicted, predictions.truth, everything)
    return [summary_table(predictions, settings.shards), blendshape_table(predictions), played]


def read_shards(
    regressor: RegressorProtocol, shards: Sequence[Path], limit: int | None, progress: Progress
) -> Predictions:
    """Run SFN over every face whose expression is known exactly."""
    rows: list[tuple[FaceSample, FaceParams, float]] = []
    for picture in islice(_pictures(shards), limit):
        # Of re-enacted photographs too; what nobody added is as exact there as its label.
        known = [face for face in picture.faces if face.expression is not None and picture.kind == "synthetic"]
        read = regressor.regress(picture.image, [crop_from_landmarks(face.landmarks_px) for face in known])
        for face, params, points in zip(known, read, landmarks_of_faces(read), strict=True):
            rows.append((face, params, metrics.normalised_mean_error(points, face.landmarks_px)))
        progress("synthetic faces", len(rows), limit or 0)
    if not rows:
        raise BadShard(f"no synthetic face with a known expression in {', '.join(map(str, shards))}")
    return _predictions(rows)


def summary_table(predictions: Predictions, shards: Sequence[Path]) -> Table:
    """Means over all faces, and by true yaw."""
    error = metrics.active_error(predictions.predicted, predictions.truth)
    by_yaw = [
        metrics.active_error(predictions.predicted[at], predictions.truth[at]) for at in _yaw_bins(predictions.yaw_deg)
    ]
    silent = metrics.active_error(np.zeros_like(predictions.truth), predictions.truth)
    everywhere = np.abs(predictions.predicted - predictions.truth).mean(axis=1)
    resting = predictions.predicted[predictions.truth == 0]
    false_activation = float(resting.mean()) if resting.size else float("nan")
    identity = np.abs(predictions.identity - predictions.identity_truth).mean(axis=1)
    rows: list[tuple[Cell, ...]] = [
        ("expression, everywhere", *_with_bins(everywhere, predictions)),
        ("the same of a reader that always says 0", *_with_bins(predictions.truth.mean(axis=1), predictions)),
        (f"expression, where truth > {ACTIVE}", error, *by_yaw),
        ("expression, where truth is 0 (mean prediction)", false_activation, *[None] * 3),
        ("head pose, degrees", *_with_bins(predictions.pose_error_deg, predictions)),
        ("68 points, NME %", *_with_bins(100 * predictions.nme, predictions)),
        ("identity, standard deviations", *_with_bins(identity, predictions)),
    ]
    columns = ("mean error of", "all", "|yaw| <= 30", "30 to 60", "> 60")
    counts = ", ".join(str(int(chosen.sum())) for chosen in _yaw_bins(predictions.yaw_deg))
    notes = (
        f"{len(predictions.truth)} faces of {', '.join(path.name for path in shards)}; by yaw: {counts}.",
        "Crops are placed by the true landmarks. Head pose is the angle between the rotations; yaw is the true one.",
        f"A silent reader, which always says 0, errs by {silent:.3f} where truth > {ACTIVE}.",
    )
    goals = (
        Goal("mean absolute error over all blendshapes", float(everywhere.mean()), GOAL_ERROR, at_most=True),
        Goal("mean prediction where truth is 0", false_activation, GOAL_REST, at_most=True),
        *_pose_goals(predictions),
    )
    return Table("synthetic", "SFN on held-back synthetic faces", columns, tuple(rows), notes, goals)


def blendshape_table(predictions: Predictions) -> Table:
    """Every blendshape by itself."""
    scores = dict(
        zip(EXPRESSION_NAMES, metrics.blendshape_scores(predictions.predicted, predictions.truth), strict=True)
    )
    pairs = zip(predictions.predicted.T, predictions.truth.T, strict=True)
    correlations = [metrics.correlation(ours, truth) for ours, truth in pairs]
    rows = [
        (*(name, score.active_count, score.active_error, score.error, score.false_activation, score.ranking), moves)
        for (name, score), moves in zip(scores.items(), correlations, strict=True)
    ]
    rows.append(("mean", *np.mean([row[1:6] for row in rows], axis=0).tolist(), float(np.mean(correlations))))
    goals = (
        Goal("mean AUC", float(rows[-1][5]), GOAL_AUC, at_most=False),
        Goal("median correlation", float(np.median(correlations)), GOAL_CORRELATION, at_most=False),
    )
    notes = (
        f"Active: truth > {ACTIVE}. False activation: mean prediction where truth is 0.",
        "AUC: chance that a face with the blendshape active gets a higher value than one with the blendshape at 0.",
    )
    columns = ("blendshape", "active faces", "MAE active", "MAE", "false activation", "AUC", "correlation")
    return Table("synthetic-blendshapes", "Expression, blendshape by blendshape", columns, tuple(rows), notes, goals)


def _pose_goals(predictions: Predictions) -> Iterator[Goal]:
    """One for either side of `GOAL_YAW_DEG` that has faces."""
    near = np.abs(predictions.yaw_deg) <= GOAL_YAW_DEG
    for side, chosen, bound in (("up to", near, GOALS_POSE_DEG[0]), ("beyond", ~near, GOALS_POSE_DEG[1])):
        if chosen.any():
            name = f"head pose, degrees, yaw {side} {GOAL_YAW_DEG:g}"
            yield Goal(name, float(predictions.pose_error_deg[chosen].mean()), bound, at_most=True)


def _pictures(shards: Sequence[Path]) -> Iterator[PictureSample]:
    for path in shards:
        for encoded in read_encoded(path):
            yield encoded.decoded()


def _predictions(rows: Sequence[tuple[FaceSample, FaceParams, float]]) -> Predictions:
    truth_wxyz = np.stack([face.pose.wxyz for face, _, _ in rows])
    read_wxyz = np.stack([params.pose.wxyz for _, params, _ in rows])
    unknown = np.full(rows[0][1].identity.shape, np.nan)
    return Predictions(
        truth=np.stack([face.expression for face, _, _ in rows if face.expression is not None]),
        predicted=np.stack([params.expression for _, params, _ in rows]),
        yaw_deg=np.degrees(yaw_pitch_roll_from_wxyz(truth_wxyz)[:, 0]),
        pose_error_deg=metrics.geodesic_deg(truth_wxyz, read_wxyz),
        nme=np.array([nme for _, _, nme in rows]),
        identity_truth=np.stack([unknown if face.identity is None else face.identity for face, _, _ in rows]),
        identity=np.stack([params.identity for _, params, _ in rows]),
    )


def _yaw_bins(yaw_deg: Float[np.ndarray, " n"]) -> list[np.ndarray]:
    size = np.abs(yaw_deg)
    return [size <= 30, (size > 30) & (size <= 60), size > 60]


def _with_bins(errors: Float[np.ndarray, " n"], predictions: Predictions) -> tuple[float, ...]:
    return float(errors.mean()), *map(float, metrics.mean_per_yaw_bin(errors, predictions.yaw_deg, YAW_EDGES_DEG))
