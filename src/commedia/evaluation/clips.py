"""Table `clips-correlation`: does an expression move as MediaPipe says it does, for the blendshapes that it sees well.

Follows the largest person of each clip, once through the tracker as a user gets it, and once by SFN alone in crops
placed by MediaPipe's points.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.errors import CommediaError
from commedia.evaluation.landmarks import ibug_from_mediapipe
from commedia.evaluation.metrics import correlation
from commedia.evaluation.report import Cell, Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.faces.crop import crop_from_landmarks
from commedia.faces.protocol import RegressorProtocol
from commedia.files import named_aside, sha256_of
from commedia.labelling.teacher import Teacher
from commedia.sources.open import open_frames
from commedia.structures import Frame, TrackedFrame
from commedia.tracking.models import Models, open_models
from commedia.tracking.tracker import Tracker

BLENDSHAPES = (
    *("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight", "mouthLeft", "mouthRight"),
)
MOVES = 0.3
"""A blendshape moves in a clip when its 5th and 95th percentile are further apart than this."""
GOAL = 0.85
TRACKED, ALONE = "tracked", "SFN alone"


def clips_correlation(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Correlate, clip by clip, the seven blendshapes with the teacher's scores."""
    landmarker = settings.landmarker_file()
    if landmarker is None:
        raise CommediaError("this table needs MediaPipe's face landmarker; say where it is with --landmarker")
    paths = sorted(settings.file("clips").glob("liveportrait-*.mp4"))[: settings.limit]
    rows: list[tuple[Cell, ...]] = []
    for index, path in enumerate(paths):
        progress("clips", index, len(paths))
        scores, points = _teacher_track(path, landmarker, settings.output)
        ours = _our_tracks(path, points, settings)
        covered = np.isfinite(ours[0][:, 0]) & np.isfinite(scores[:, 0])
        share = float(covered.sum() / max(np.isfinite(scores[:, 0]).sum(), 1))
        rows += [(path.stem, *row, share) for row in blendshape_rows(scores, ours)]
    progress("clips", len(paths), len(paths))
    columns = ("clip", "blendshape", "frames", "range", TRACKED, ALONE, "share of frames tracked")
    detail = Table("clips-correlation-detail", "Correlation with MediaPipe, clip by clip", columns, tuple(rows))
    return [_summary(rows, len(paths)), detail]


def blendshape_rows(
    scores: Float[np.ndarray, "n 52"], ours: Sequence[Float[np.ndarray, "n 52"]]
) -> list[tuple[str, int, float, float, float]]:
    """Blendshape, frames the teacher reads, its range there, each of our correlations, for the blendshapes that move.

    Frames without a prediction are rows of NaN; a correlation uses the frames where both sides have one.
    """
    rows = []
    seen = np.isfinite(scores[:, 0])
    for name in BLENDSHAPES:
        blendshape = EXPRESSION_INDEX[name]
        if not seen.any():
            continue
        low, high = np.percentile(scores[seen, blendshape], [5, 95])
        if high - low <= MOVES:
            continue
        values = []
        for track in ours:
            both = seen & np.isfinite(track[:, 0])
            values.append(
                correlation(scores[both, blendshape], track[both, blendshape]) if both.sum() > 2 else float("nan")
            )
        rows.append((name, int(seen.sum()), float(high - low), *values))
    return rows


def _summary(rows: list[tuple[Cell, ...]], clips: int) -> Table:
    def median(column: int, blendshape: str | None) -> float:
        values = [float(row[column] or 0) for row in rows if blendshape is None or row[1] == blendshape]
        # A clip in which our reading is missing altogether counts as no agreement.
        return float(np.median(np.nan_to_num(values))) if values else float("nan")

    summary = [
        (blendshape, sum(row[1] == blendshape for row in rows), median(4, blendshape), median(5, blendshape))
        for blendshape in BLENDSHAPES
    ]
    whole = median(4, None)
    summary.append(("all", len(rows), whole, median(5, None)))
    notes = (
        f"{clips} clips; a blendshape counts where the teacher's 5th and 95th percentile are more than {MOVES} apart.",
        "The median is over clips (last row: and blendshapes). Frames without a face on either side are left out.",
        "MediaPipe's scores are themselves predictions: see the table of what it can see in docs/evaluation.md.",
    )
    goal = Goal("median correlation over clips and blendshapes, tracked", whole, GOAL, at_most=False)
    columns = ("blendshape", "clips", f"median, {TRACKED}", f"median, {ALONE}")
    return Table("clips-correlation", "Agreement with MediaPipe on clips", columns, tuple(summary), notes, (goal,))


def _teacher_track(
    path: Path, landmarker: Path, remembered: Path
) -> tuple[Float[np.ndarray, "n 52"], Float[np.ndarray, "n 68 2"]]:
    """The teacher's scores and 68 points frame by frame, NaN where it sees nobody; read once and remembered."""
    memory = remembered / "teacher" / f"{path.stem}-{sha256_of(path)[:12]}.npz"
    if memory.is_file():
        with np.load(memory, allow_pickle=False) as arrays:
            return arrays["scores"], arrays["points"]
    scores, points = [], []
    with Teacher(landmarker) as teacher, open_frames(path) as source:
        for frame in source:
            prediction = teacher.read(frame.image)
            nothing = prediction is None
            scores.append(np.full(EXPRESSION_COUNT, np.nan) if nothing else prediction.scores)
            points.append(np.full((68, 2), np.nan) if nothing else prediction.points_px[ibug_from_mediapipe(), :2])
    score_rows, point_rows = np.array(scores, dtype=np.float32), np.array(points, dtype=np.float32)
    with named_aside(memory, ".npz") as aside:
        np.savez_compressed(aside, scores=score_rows, points=point_rows)
    return score_rows, point_rows


def _our_tracks(
    path: Path, points: Float[np.ndarray, "n 68 2"], settings: EvaluationSettings
) -> tuple[Float[np.ndarray, "n 52"], Float[np.ndarray, "n 52"]]:
    """Expression of the person seen longest, and of SFN in the teacher's crops; NaN where there is none."""
    models = open_models(settings.mfn, settings.sfn, flip_average=settings.flip_average)
    detector, regressor = models.detector, models.regressor
    alone = np.full((len(points), EXPRESSION_COUNT), np.nan, dtype=np.float32)
    followed: list[TrackedFrame] = []
    with open_frames(path) as source:
        for frame, tracked in islice(Tracker(Models(detector, regressor)).follow(source), len(points)):
            followed.append(tracked)
            if frame is not None and np.isfinite(points[frame.index]).all():
                alone[frame.index] = _read_alone(regressor, frame, points[frame.index])
    return main_expression(followed, len(points)), alone


def _read_alone(
    regressor: RegressorProtocol, frame: Frame, points: Float[np.ndarray, "68 2"]
) -> Float[np.ndarray, "52"]:
    return regressor.regress(frame.image, [crop_from_landmarks(points)])[0].expression


def main_expression(frames: Sequence[TrackedFrame], count: int) -> Float[np.ndarray, "n 52"]:
    """Expression of the person who is tracked in most frames; NaN where they are not."""
    result = np.full((count, EXPRESSION_COUNT), np.nan, dtype=np.float32)
    seen = Counter(face.id for frame in frames for face in frame.faces if face.status == "tracked")
    if not seen:
        return result
    person = seen.most_common(1)[0][0]
    for frame in frames:
        for face in frame.faces:
            if face.id == person and face.status == "tracked":
                result[frame.index] = face.params.expression
    return result
