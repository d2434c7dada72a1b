"""Motion in a stranger's file: moments with readings of faces, made into frames of the take.

The readers of formats yield moments; what is the same for all of them (time, ids, gaps) is here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import IDENTITY_COUNT, LANDMARK_COUNT
from commedia.errors import UnreadableMedia
from commedia.sources.recorded.cleaning import IDENTITY_WXYZ, Cleaning
from commedia.sources.recorded.clock import Clock, Stamp, choose_clock
from commedia.sources.recorded.lines import PEEKED_FRAMES
from commedia.sources.source import MediaInfo, RecordedSource
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace, TrackedFrame

NOWHERE = Box(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Reading:
    """What one face does at one moment."""

    expression: Float[np.ndarray, "e"]
    """In the order of `EXPRESSION_NAMES`; NaN where the file says something that is no number."""
    head_wxyz: Float[np.ndarray, "4"] | None
    """camera_from_head; None where the file says nothing about the head, NaN where it says what cannot be read."""


@dataclass(frozen=True)
class Moment:
    """One row, or one frame, of a file."""

    stamp: Stamp
    unit: str
    """Of the stamp, as `clock.unit_from_name` has it."""
    faces: tuple[Reading, ...]


class MomentSource(RecordedSource):
    """Frames from moments. The n-th face of every moment is person n: these files have no lasting ids."""

    def __init__(
        self,
        path: Path,
        kind: str,
        moments: Callable[[], Iterator[Moment]],
        *,
        rate: Fraction | None,
        frame_count: int | None = None,
        remarks: list[str],
    ):
        """`moments` starts from the beginning each time; `remarks` may grow while it runs."""
        self.path, self._moments, self._remarks = path, moments, remarks
        peeked = list(islice(moments(), PEEKED_FRAMES))
        if not peeked:
            raise UnreadableMedia(f"'{path}' was taken for {kind}, but holds no frames")
        unit = next((moment.unit for moment in peeked if moment.stamp is not None), "")
        self._clock = choose_clock([moment.stamp for moment in peeked], unit, rate)
        count = len(peeked) if len(peeked) < PEEKED_FRAMES else frame_count
        self.info = MediaInfo(0, 0, self._clock.rate, count, is_still=count == 1, pictures=False)
        self._opening = f"'{path.name}' was read as {kind}: {_clock_words(self._clock, rate)}"
        self.notes = [self._opening, *remarks]

    def __iter__(self) -> Iterator[TrackedFrame]:
        cleaning, turned = Cleaning(limit=True), dict[int, np.ndarray]()
        midnight_s, last_s = Fraction(0), None
        for index, moment in enumerate(self._moments()):
            time_s = self._clock.seconds(moment.stamp, index)
            if time_s is not None and self._clock.day_s is not None:
                # The app's timecode is the time of day, and people also perform at midnight.
                if last_s is not None and last_s - time_s > self._clock.day_s / 2:
                    midnight_s += self._clock.day_s
                last_s = time_s
                time_s += midnight_s
            faces = (_tracked(number, reading, turned) for number, reading in enumerate(moment.faces, start=1))
            frame = cleaning.frame(time_s, faces)
            if frame is not None:
                yield frame
        self.notes[:] = [self._opening, *self._remarks, *cleaning.notes()]


def _tracked(person: int, reading: Reading, turned: dict[int, np.ndarray]) -> TrackedFace:
    """A face that nobody saw: it has no place in a picture, and the mean head's identity."""
    wxyz = turned.get(person, IDENTITY_WXYZ) if reading.head_wxyz is None else reading.head_wxyz
    if np.isfinite(wxyz).all():
        turned[person] = wxyz
    params = FaceParams(np.zeros(IDENTITY_COUNT), reading.expression, HeadPose(wxyz, np.zeros(2), 1.0))
    return TrackedFace(person, "tracked", NOWHERE, params, np.zeros((LANDMARK_COUNT, 2)), 1.0)


def _clock_words(clock: Clock, given: Fraction | None) -> str:
    shown = f"{float(clock.rate):.6g} frames per second"
    if given is not None:
        return f"{clock.words}, {shown} as given"
    if "time" in clock.words and "code" not in clock.words and "without" not in clock.words:
        return f"{clock.words}, about {shown}"
    return f"{clock.words}, {shown} assumed (--rate says otherwise)"
