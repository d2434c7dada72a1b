"""What is counted on clips: MediaPipe's shut eyes and grins in ours, correlation, people; pure functions and tables."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.evaluation.mediapipe import ClipReading
from commedia.evaluation.metrics import correlation
from commedia.evaluation.report import Cell, Goal, Table
from commedia.labelling.blendshapes import load_blendshapes
from commedia.structures import TrackedFace, TrackedFrame

GOALS = {
    **dict.fromkeys(("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight"), 0.93),
    **dict.fromkeys(("mouthLeft", "mouthRight"), 0.93),
    "browInnerUp": 0.80,
    "mouthPucker": 0.75,
}
"""Least median correlation over clips."""
MOVES = 0.3
"""A blendshape moves in a clip when MediaPipe's 5th and 95th percentile are further apart than this."""
BLINK_LEFT, BLINK_RIGHT, JAW = (EXPRESSION_INDEX[name] for name in ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen"))
SMILES = [EXPRESSION_INDEX["mouthSmileLeft"], EXPRESSION_INDEX["mouthSmileRight"]]
THEIRS_SHUT, OURS_SHUT, SIDES_DIFFER = 0.55, 0.7, 0.3
THEIR_SMILE, THEIR_JAW = 0.5, 0.1
GOAL_SHUT, GOAL_DIFFER, GOAL_JAW = 0.85, 0.05, 0.10
TRACKED, ALONE, MEANT = "tracked", "SFN alone", "tracked, as labelled"

Expressions = Float[np.ndarray, "n 52"]


@dataclass(frozen=True)
class ClipTracks:
    """One clip, read by MediaPipe and by us; rows of NaN where nobody is read."""

    name: str
    theirs: ClipReading
    tracked: Expressions
    """Of the person tracked longest."""
    alone: Expressions
    """Of SFN in MediaPipe's crops."""
    people: int
    """Ids that were tracked in any frame."""

    @property
    def expected(self) -> int:
        """How many people are there: one, or nobody where MediaPipe sees nobody in nine of ten frames."""
        return int(self.theirs.shows_somebody)


def shut_eyes(scores: Expressions) -> Bool[np.ndarray, " n"]:
    """Frames in which MediaPipe calls both eyes shut."""
    return (scores[:, BLINK_LEFT] > THEIRS_SHUT) & (scores[:, BLINK_RIGHT] > THEIRS_SHUT)


def grins(scores: Expressions) -> Bool[np.ndarray, " n"]:
    """Frames in which MediaPipe sees a smile (mean of both sides) and a shut jaw."""
    return (scores[:, SMILES].mean(axis=1) > THEIR_SMILE) & (scores[:, JAW] < THEIR_JAW)


def main_faces(frames: Sequence[TrackedFrame]) -> dict[int, TrackedFace]:
    """By frame, the face of the person who is tracked in most frames."""
    seen = Counter(face.id for frame in frames for face in frame.faces if face.status == "tracked")
    person = seen.most_common(1)[0][0] if seen else None
    return {
        frame.index: face for frame in frames for face in frame.faces if face.id == person and face.status == "tracked"
    }


def main_expression(frames: Sequence[TrackedFrame], count: int) -> Expressions:
    """Expression of the person who is tracked in most frames; NaN where they are not."""
    result = np.full((count, EXPRESSION_COUNT), np.nan, dtype=np.float32)
    for index, face in main_faces(frames).items():
        result[index] = face.params.expression
    return result


def blendshape_rows(
    scores: Expressions, ours: Sequence[Expressions]
) -> list[tuple[str, int, float, float, float, float]]:
    """Blendshape, frames the teacher reads, its range there, each of our correlations, for the blendshapes that move;
    last, the correlation of the first of ours with the weights that the scores stand for in our labels.

    Frames without a prediction are rows of NaN; a correlation uses the frames where both sides have one.
    """
    rows = []
    seen = np.isfinite(scores[:, 0])
    for name in GOALS:
        blendshape = EXPRESSION_INDEX[name]
        if not seen.any():
            continue
        low, high = np.percentile(scores[seen, blendshape], [5, 95])
        if high - low <= MOVES:
            continue
        values = []
        for track in ours:
            both = seen & np.isfinite(track[:, 0])
            values.append(_agreement(scores[both, blendshape], track[both, blendshape]))
        both = seen & np.isfinite(ours[0][:, 0])
        meant = load_blendshapes().stands_for(scores[both, blendshape], blendshape)
        values.append(_agreement(meant, ours[0][both, blendshape]))
        rows.append((name, int(seen.sum()), float(high - low), *values))
    return rows


def moments_table(clips: Sequence[ClipTracks]) -> Table:
    """Shut eyes, grins and people over all clips, with their goals; a frame without our reading counts as missed."""
    shown = _of_people(clips)
    shut = _at(shown, shut_eyes)[:, [BLINK_LEFT, BLINK_RIGHT]]
    jaws = _at(shown, grins)[:, JAW]
    both = _share((shut > OURS_SHUT).all(axis=1))
    differ = _share(np.nan_to_num(np.abs(shut[:, 0] - shut[:, 1]), nan=1.0) > SIDES_DIFFER)
    jaw = float(np.nan_to_num(jaws, nan=1.0).mean()) if len(jaws) else float("nan")
    extra = sum(max(0, clip.people - clip.expected) for clip in clips)
    lost = sum(max(0, clip.expected - clip.people) for clip in clips)
    rows = (
        (f"eyes shut (MediaPipe: both > {THEIRS_SHUT}): both of ours > {OURS_SHUT}, share", len(shut), both),
        (f"the same: left and right differ by more than {SIDES_DIFFER}, share", len(shut), differ),
        (f"grins (MediaPipe: smile > {THEIR_SMILE}, jawOpen < {THEIR_JAW}): our mean jawOpen", len(jaws), jaw),
        ("people too many, all clips", len(clips), extra),
        ("people missing, all clips", len(clips), lost),
    )
    goals = (
        Goal("both eyes shut where MediaPipe's are, share", both, GOAL_SHUT, at_most=False),
        Goal("eyes that differ there, share", differ, GOAL_DIFFER, at_most=True),
        Goal("mean jawOpen in grins", jaw, GOAL_JAW, at_most=True),
        Goal("people too many", float(extra), 0.0, at_most=True),
        Goal("people missing", float(lost), 0.0, at_most=True),
    )
    notes = (
        f"{len(clips)} clips of one person, or of nobody where MediaPipe sees somebody in less than a tenth of the "
        "frames. Ours is the person tracked longest, as a user gets it.",
        "MediaPipe is called at its best crop: 1.5 times the longer side of the points' box, upright, 512 px.",
        "A frame in which we read nobody counts as eyes that differ and do not shut, and as a jaw wide open.",
        "Pictures, actor beside character: clips-grins.jpg, clips-blinks.jpg.",
    )
    columns = ("measure", "frames or clips", "value")
    return Table("clips", "Blinks, grins and people in clips", columns, rows, notes, goals)


def correlation_table(clips: Sequence[ClipTracks]) -> Table:
    """Median over clips of the correlation with MediaPipe, blendshape by blendshape, with its goals."""
    rows = [
        row for clip in _of_people(clips) for row in blendshape_rows(clip.theirs.scores, (clip.tracked, clip.alone))
    ]

    def median(column: int, blendshape: str) -> float:
        values = [row[column] for row in rows if row[0] == blendshape]
        # A clip in which our reading is missing altogether counts as no agreement.
        return float(np.median(np.nan_to_num(values))) if values else float("nan")

    summary = [(name, sum(row[0] == name for row in rows), *(median(n, name) for n in (3, 4, 5))) for name in GOALS]
    goals = tuple(
        Goal(f"median correlation of {name}", tracked, GOALS[name], at_most=False) for name, _, tracked, *_ in summary
    )
    notes = (
        f"A blendshape counts in a clip where MediaPipe's 5th and 95th percentile are more than {MOVES} apart; "
        "one that moves in no clip fails.",
        "Frames without a face on either side are left out.",
        f"{MEANT}: with what MediaPipe's scores stand for in our labels (`assets/mappings/teacher-weights.toml`): an "
        "eye of score 0.4 is a third shut, one of 0.55 nearly; who reads lids so bends away from the scores.",
        "MediaPipe's scores are themselves predictions: see the table of what it can see in docs/evaluation.md.",
    )
    columns = ("blendshape", "clips", f"median, {TRACKED}", f"median, {ALONE}", f"median, {MEANT}")
    return Table("clips-correlation", "Agreement with MediaPipe on clips", columns, tuple(summary), notes, goals)


def detail_tables(clips: Sequence[ClipTracks]) -> list[Table]:
    """The same clip by clip: people, moments and jaws; and every correlation."""
    rows: list[tuple[Cell, ...]] = []
    for clip in clips:
        seen, ours = clip.theirs.seen, np.isfinite(clip.tracked[:, 0])
        shut = clip.tracked[shut_eyes(clip.theirs.scores)][:, [BLINK_LEFT, BLINK_RIGHT]]
        grin = clip.tracked[grins(clip.theirs.scores)][:, JAW]
        share = float((seen & ours).sum() / seen.sum()) if seen.any() else float("nan")
        counts = len(seen), clip.expected, clip.people, share
        rows.append((clip.name, *counts, len(shut), _share((shut > OURS_SHUT).all(axis=1)), len(grin), _mean(grin)))
    columns = ("clip", "frames", "people there", "found", "share of frames tracked")
    columns += ("eyes shut", "both of ours", "grins", "mean jawOpen")
    correlations = tuple(
        (clip.name, *row) for clip in clips for row in blendshape_rows(clip.theirs.scores, (clip.tracked, clip.alone))
    )
    heads = ("clip", "blendshape", "frames", "range", TRACKED, ALONE, MEANT)
    return [
        Table("clips-detail", "Clip by clip", columns, tuple(rows)),
        Table("clips-correlation-detail", "Correlation with MediaPipe, clip by clip", heads, correlations),
    ]


def _of_people(clips: Sequence[ClipTracks]) -> list[ClipTracks]:
    """Clips that show somebody: where nobody is, MediaPipe's few faces are mistakes, and prove nothing."""
    return [clip for clip in clips if clip.expected]


def _at(clips: Sequence[ClipTracks], wanted: Callable[[Expressions], Bool[np.ndarray, " n"]]) -> Expressions:
    """Our expressions in the frames of MediaPipe's that are wanted, of all clips."""
    nothing = np.zeros((0, EXPRESSION_COUNT))
    return np.concatenate([nothing, *(clip.tracked[wanted(clip.theirs.scores)] for clip in clips)])


def _agreement(theirs: Float[np.ndarray, " n"], ours: Float[np.ndarray, " n"]) -> float:
    """Correlation; NaN of less than three frames."""
    return correlation(theirs, ours) if len(theirs) > 2 else float("nan")


def _share(chosen: Bool[np.ndarray, " n"]) -> float:
    return float(chosen.mean()) if len(chosen) else float("nan")


def _mean(values: Float[np.ndarray, " n"]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
