"""Table `winks`: drawn performers shut one eye at a time; does the other one stay open, tracked and smoothed."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from commedia.conventions import EXPRESSION_INDEX
from commedia.demo.performance import FRAME_RATE, STAGE_HEIGHT_PX, STAGE_WIDTH_PX, TROUPE, Beat, Performer, params_at
from commedia.demo.troupe import stage_picture
from commedia.evaluation.report import Goal, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.face_model.model import head_or_default
from commedia.structures import TrackedFace
from commedia.tracking.models import open_models
from commedia.tracking.tracker import Tracker

LEFT, RIGHT = "eyeBlinkLeft", "eyeBlinkRight"
SCRIPT: tuple[Beat, ...] = ((0.7, 0.9, 1.0, (LEFT,)), (1.8, 0.9, 1.0, (RIGHT,)))
FRAMES = round(2.4 * FRAME_RATE)
TAKES = 2
"""Of four performers each, whose faces, looks and movements are those of the demo's, with other identities."""
WINKING = 0.8
"""Frames count where the truth of one eye is above this; the other is 0."""
SHUT, OPEN = 0.5, 0.3
GOAL = 0.9


class Wink(NamedTuple):
    """One performer in one frame that winks; NaN where they are not found."""

    performer: str
    side: str
    winking: float
    """What we read of the eye that is shut."""
    other: float

    @property
    def one_eyed(self) -> bool:
        return self.winking > SHUT and self.other < OPEN


def winks(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Draw the takes and follow them as video."""
    read: list[Wink] = []
    for take in range(TAKES):
        performers = tuple(
            replace(one, name=f"{one.name} {take + 1}", seed=100 * (take + 1) + one.seed, script=SCRIPT)
            for one in TROUPE
        )
        tracker = Tracker(open_models(settings.mfn, settings.sfn))
        for index, faces in _followed(tracker, performers):
            progress("winks", take * FRAMES + index, TAKES * FRAMES)
            read += winks_of(faces, performers, index / FRAME_RATE)
    progress("winks", TAKES * FRAMES, TAKES * FRAMES)
    return [winks_table(read)]


def _followed(tracker: Tracker, performers: tuple[Performer, ...]) -> Iterator[tuple[int, tuple[TrackedFace, ...]]]:
    for index in range(FRAMES):
        cast = [(performer, params_at(performer, index / FRAME_RATE)) for performer in performers]
        yield index, tracker.step(stage_picture(cast, head_or_default(None)), Fraction(index, FRAME_RATE)).faces


def winks_of(faces: tuple[TrackedFace, ...], performers: tuple[Performer, ...], time_s: float) -> list[Wink]:
    """The performers who wink at a moment, with what is read of both eyes."""
    found = []
    for performer in performers:
        truth = params_at(performer, time_s).expression
        for shut, other in ((LEFT, RIGHT), (RIGHT, LEFT)):
            if truth[EXPRESSION_INDEX[shut]] > WINKING:
                face = face_at(faces, performer)
                expression = None if face is None else face.params.expression
                values = [
                    float("nan") if expression is None else float(expression[EXPRESSION_INDEX[name]])
                    for name in (shut, other)
                ]
                found.append(Wink(performer.name, shut, *values))
    return found


def winks_table(read: list[Wink]) -> Table:
    """Tabulate by performer and side; a performer who is not found is not one-eyed."""
    groups: dict[tuple[str, str], list[Wink]] = {}
    for wink in read:
        groups.setdefault((wink.performer, wink.side), []).append(wink)
    rows = tuple(
        (name, side, len(group), *np.mean([wink[2:] for wink in group], axis=0).tolist(), _share(group))
        for (name, side), group in groups.items()
    )
    notes = (
        f"Frames in which one eye's truth is above {WINKING} and the other's 0. One-eyed: ours are above {SHUT} and "
        f"below {OPEN}.",
        f"{TAKES} takes of {FRAMES} drawn frames with four performers, followed and smoothed as video.",
    )
    goals = (Goal("winks that stay one-eyed, share of frames", _share(read), GOAL, at_most=False),)
    columns = ("performer", "eye", "frames", "that eye", "the other", "one-eyed")
    return Table("winks", "One eye shut", columns, rows, notes, goals)


def _share(read: list[Wink]) -> float:
    return float(np.mean([wink.one_eyed for wink in read])) if read else float("nan")


def face_at(faces: tuple[TrackedFace, ...], performer: Performer) -> TrackedFace | None:
    """The tracked face nearest a performer's place, if it is nearer than half a neighbour's."""
    x = performer.place[0] * STAGE_WIDTH_PX
    near = [(abs(face.box.center_px[0] - x), face.id, face) for face in faces if face.status == "tracked"]
    distance, _, face = min(near, default=(STAGE_HEIGHT_PX, 0, None))
    return face if distance < STAGE_WIDTH_PX / 8 else None
