"""Moments in which somebody is not there to what is shown meanwhile: one motion, whatever format it is written in.

As a stream shows it, the last pose is held, then fades to neutral. A file knows who comes back: the way to the pose of
that frame begins before it, so that nothing jumps.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.face_model.fading import faded_params
from commedia.outputs.files.resampling import between_params
from commedia.outputs.streams.people import FADE_S, HOLD_S
from commedia.structures import FaceParams, HeadPose

NEUTRAL = FaceParams(
    np.zeros(IDENTITY_COUNT, np.float32),
    np.zeros(EXPRESSION_COUNT, np.float32),
    HeadPose(np.array([1, 0, 0, 0], np.float32), np.zeros(2, np.float32), 1.0),
)
"""What is shown of somebody who has not come yet, or is long gone."""
RETURN_S = Fraction(3, 10)
"""The way back takes this long, of a shorter absence half."""

Moment = tuple[Fraction, FaceParams]


def filled(frames: Iterable[tuple[Fraction, FaceParams | None]]) -> Iterator[Moment]:
    """Times and parameters of every frame, None where somebody is not there, to what is shown in each.

    Holds no more than the frames of `RETURN_S`.
    """
    last: Moment | None = None
    absent = deque[Fraction]()
    for time_s, params in frames:
        if params is None:
            absent.append(time_s)
            # Nobody comes back early enough to change what is shown so long before.
            while absent[0] <= time_s - RETURN_S:
                yield absent[0], _shown(last, absent.popleft())
            continue
        if last is None:
            yield from ((early_s, NEUTRAL) for early_s in absent)
        else:
            yield from _returning(last, absent, (time_s, params))
        absent.clear()
        last = time_s, params
        yield last
    yield from ((late_s, _shown(last, late_s)) for late_s in absent)


def without_rest(moments: Iterable[Moment]) -> Iterator[Moment]:
    """Leave out the moments amid a rest: those that are neutral between two that are."""
    before: Moment | None = None
    waiting: Moment | None = None
    for moment in moments:
        if waiting is not None:
            resting = before is not None and all(one[1] is NEUTRAL for one in (before, waiting, moment))
            if not resting:
                yield waiting
            before = waiting
        waiting = moment
    if waiting is not None:
        yield waiting


def _shown(last: Moment | None, time_s: Fraction) -> FaceParams:
    """What is shown of somebody who was seen last at `last`."""
    if last is None:
        return NEUTRAL
    share = (float(time_s - last[0]) - HOLD_S) / FADE_S
    return last[1] if share <= 0 else NEUTRAL if share >= 1 else faded_params(last[1], share)


def _returning(last: Moment, absent: Iterable[Fraction], back: Moment) -> Iterator[Moment]:
    way_s = min(RETURN_S, (back[0] - last[0]) / 2)
    for time_s in absent:
        share = 1 - float((back[0] - time_s) / way_s)
        shown = _shown(last, time_s)
        yield time_s, between_params(shown, back[1], share * share * (3 - 2 * share)) if share > 0 else shown
