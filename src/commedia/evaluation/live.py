"""Table `live`: drawn people who sit still before a noisy camera and blink; what arrives, smoothed as a stream is.

Followed frame by frame by those before it, as `commedia live` does it. Truth is exact, and so is when it happened.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.demo.performance import BLINK, TROUPE, Performer, params_at
from commedia.demo.troupe import stage_picture
from commedia.evaluation.report import Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.evaluation.takes import NOISE
from commedia.evaluation.winks import face_at
from commedia.face_model.model import head_or_default
from commedia.structures import FaceParams
from commedia.tracking.models import open_models
from commedia.tracking.settings import VIDEO_SETTINGS
from commedia.tracking.tracker import Tracker

FRAME_RATE = 30
STILL_S = (1.0, 9.0)
"""Nothing moves from the beginning to the end of it; who has just come into view may settle before it."""
BLINK_S = 0.12
BLINKS_S = tuple(9.5 + 0.71 * number for number in range(9))
"""Their middles: a third of them between two frames, and so on."""
FRAMES = round(FRAME_RATE * (BLINKS_S[-1] + 0.5))
AROUND_FRAMES = 6
"""A blink that comes later than this is none."""
LIDS = [EXPRESSION_INDEX[name] for name in BLINK]
READ, SENT = "as read", "as sent"
GOAL_STILL, GOAL_DEPTH, GOAL_LATE = 0.01, 0.8, 1.0

Curves = Float[np.ndarray, "p n 52"]
"""Expression of each performer in each frame; NaN where they are not found."""


@dataclass(frozen=True)
class Measured:
    """What arrives of people who sit still and blink."""

    still: float
    """Standard deviation of the least steady blendshape of anybody."""
    least_steady: str
    depth: float
    """How far blinks shut the eyes, over how far they did: the mean."""
    shallowest: float
    late: float
    """Frames from when eyes were most shut to when they are shown so: the mean."""
    latest: float


def live(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Draw the people and follow them twice: as read, and smoothed."""
    models = open_models(settings.mfn, settings.sfn)
    ways = {READ: replace(VIDEO_SETTINGS, smoothing=None), SENT: VIDEO_SETTINGS}
    trackers = {name: Tracker(models, own) for name, own in ways.items()}
    read = {name: np.full((len(TROUPE), FRAMES, EXPRESSION_COUNT), np.nan) for name in ways}
    for index, picture in enumerate(filmed(lambda done: progress("live", done, FRAMES))):
        for name, tracker in trackers.items():
            faces = tracker.step(picture, Fraction(index, FRAME_RATE)).faces
            for row, performer in enumerate(TROUPE):
                if (face := face_at(faces, performer)) is not None:
                    read[name][row, index] = face.params.expression
    truth = np.array([[played(one, index).expression for index in range(FRAMES)] for one in TROUPE], np.float64)
    return [live_table({name: measured(curves, truth) for name, curves in read.items()})]


def played(performer: Performer, frame: int) -> FaceParams:
    """What somebody does who sits still and blinks."""
    script = tuple((middle_s, BLINK_S, 1.0, BLINK) for middle_s in BLINKS_S)
    acted = params_at(replace(performer, script=script), frame / FRAME_RATE)
    return replace(acted, pose=params_at(performer, 0.0).pose)


def filmed(drawn: Callable[[int], None]) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Their pictures, as a camera sees them."""
    rng = np.random.default_rng(0)
    for index in range(FRAMES):
        drawn(index)
        picture = stage_picture([(one, played(one, index)) for one in TROUPE], head_or_default(None))
        yield np.clip(picture + NOISE * rng.standard_normal(picture.shape, np.float32), 0, 255).astype(np.uint8)
    drawn(FRAMES)


def measured(read: Curves, truth: Curves) -> Measured:
    """What was read against what was played."""
    still = slice(*(round(FRAME_RATE * time_s) for time_s in STILL_S))
    deviation = np.nan_to_num(read[:, still].std(axis=1), nan=np.inf)
    blinks = np.array([_blinks(read[row, :, lid], truth[row, :, lid]) for row in range(len(read)) for lid in LIDS])
    depths, delays = blinks.reshape(-1, 2).T
    return Measured(
        still=float(deviation.max()),
        least_steady=EXPRESSION_NAMES[int(deviation.max(axis=0).argmax())],
        depth=float(depths.mean()),
        shallowest=float(depths.min()),
        late=float(delays.mean()),
        latest=float(delays.max()),
    )


def _blinks(read: Float[np.ndarray, "n"], truth: Float[np.ndarray, "n"]) -> list[tuple[float, float]]:
    """Of each blink of one eye its depth over the truth's, and by how many frames its deepest comes late."""
    found = []
    for middle_s in BLINKS_S:
        near = slice(round(FRAME_RATE * middle_s) - AROUND_FRAMES, round(FRAME_RATE * middle_s) + AROUND_FRAMES + 1)
        shown, played = np.nan_to_num(read[near]), truth[near]
        # Between two frames it is as deep in both.
        deepest = int(np.flatnonzero(played > played.max() - 1e-3)[-1])
        found.append(((shown.max() - shown[0]) / played.max(), float(int(shown.argmax()) - deepest)))
    return found


def live_table(ways: dict[str, Measured]) -> Table:
    """Tabulate, way by way."""
    columns: Sequence[Measured] = tuple(ways.values())
    rows = (
        ("standard deviation of the least steady blendshape", *(way.still for way in columns)),
        ("which is", *(way.least_steady for way in columns)),
        ("depth of a blink of 120 ms over the truth's, mean", *(way.depth for way in columns)),
        ("the shallowest", *(way.shallowest for way in columns)),
        ("frames that its deepest comes late, mean", *(way.late for way in columns)),
        ("the latest", *(way.latest for way in columns)),
    )
    sent = ways[SENT]
    goals = (
        Goal("standard deviation of a still face's least steady blendshape", sent.still, GOAL_STILL, at_most=True),
        Goal("depth of a blink of 120 ms over the truth's", sent.depth, GOAL_DEPTH, at_most=False),
        Goal("frames that the latest blink comes late", sent.latest, GOAL_LATE, at_most=True),
    )
    notes = (
        f"{len(TROUPE)} drawn people who hold their heads still, {FRAMES} frames at {FRAME_RATE} a second with the "
        f"noise of a camera (standard deviation {NOISE:g} of 255), followed as a stream.",
        f"Still for {STILL_S[1] - STILL_S[0]:g} s; then {len(BLINKS_S)} blinks each, which rise and fall within "
        f"{1000 * BLINK_S:.0f} ms.",
    )
    return Table("live", "Still faces and blinks, live", ("measure", *ways), rows, notes, goals)
