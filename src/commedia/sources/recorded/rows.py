"""Rows of a stranger's file as a source: what is the same for all formats (time, ids, gaps) is here."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from commedia.conventions import IDENTITY_COUNT, LANDMARK_COUNT
from commedia.errors import UnreadableMedia
from commedia.formats.recorded import PEEKED_ROWS, RecordedFace, RecordedReader, RecordedRow
from commedia.formats.stamps import is_time
from commedia.formats.timecode import DAY_S
from commedia.sources.recorded.cleaning import IDENTITY_WXYZ, Cleaning
from commedia.sources.recorded.clock import SAME, Clock, choose_clock
from commedia.sources.source import MediaInfo, RecordedSource
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace, TrackedFrame

NOWHERE = Box(0.0, 0.0, 0.0, 0.0)
SHOWN_STAMP = 40
"""Characters of a time that a note shows."""


class RowSource(RecordedSource):
    """A reader of rows to frames of tracked faces."""

    def __init__(
        self,
        reader: RecordedReader,
        *,
        rate: Fraction | None,
        own: Fraction | None = None,
        more_notes: Sequence[str] = (),
    ):
        """`rate` is what the user says, `own` what lies beside the file and knows it; the file's own word counts last.
        `more_notes` are of what lies beside the file."""
        self.path, self._reader = reader.path, reader
        first = reader.first_rows
        if not first:
            raise UnreadableMedia(f"'{self.path}' was taken for {reader.kind}, but holds no frames")
        unit = next((row.unit for row in first if row.stamp is not None), "")
        self._clock = choose_clock([row.stamp for row in first], unit, rate, own or reader.rate)
        count = len(first) if len(first) < PEEKED_ROWS else reader.row_count()
        self.info = MediaInfo(
            *(0, 0, self._clock.rate, count),
            is_still=count == 1,
            pictures=False,
            start_day_s=None if self._clock.start_day_s is None else self._clock.start_day_s % DAY_S,
        )
        self._opening = [
            f"'{self.path.name}' was read as {reader.kind}: {_clock_words(self._clock)}",
            *more_notes,
            *_unused(first, self._clock, own or reader.rate),
        ]
        self.notes = [*self._opening, *reader.remarks]

    def __iter__(self) -> Iterator[TrackedFrame]:
        cleaning, turned = Cleaning(limit=True), dict[int, np.ndarray]()
        midnight_s, last_s = Fraction(0), None
        for index, row in enumerate(self._reader.rows()):
            time_s = self._clock.seconds(row.stamp, index)
            if time_s is not None and self._clock.day_s is not None:
                # The app's timecode is the time of day, and people also perform at midnight.
                if last_s is not None and last_s - time_s > self._clock.day_s / 2:
                    midnight_s += self._clock.day_s
                last_s = time_s
                time_s += midnight_s
            faces = (_tracked(number, face, turned) for number, face in enumerate(row.faces, start=1))
            frame = cleaning.frame(time_s, faces)
            if frame is not None:
                yield frame
        self.notes[:] = [*self._opening, *self._reader.remarks, *cleaning.notes()]


def _tracked(person: int, face: RecordedFace, turned: dict[int, np.ndarray]) -> TrackedFace:
    """A face that nobody saw: it has no place in a picture, and the mean head's identity."""
    wxyz = turned.get(person, IDENTITY_WXYZ) if face.head_wxyz is None else face.head_wxyz
    if np.isfinite(wxyz).all():
        turned[person] = wxyz
    params = FaceParams(np.zeros(IDENTITY_COUNT), face.expression, HeadPose(wxyz, np.zeros(2), 1.0))
    return TrackedFace(person, "tracked", NOWHERE, params, np.zeros((LANDMARK_COUNT, 2)), 1.0)


def _clock_words(clock: Clock) -> str:
    shown = f"{float(clock.rate):.6g} frames per second"
    ends = {
        **{"measured": f"about {shown}", "counted": f"{shown} (--rate says otherwise)", "given": f"{shown} as given"},
        **{"named": f"{shown} as the file says", "assumed": f"{shown} assumed (--rate says otherwise)"},
    }
    return f"{clock.words}, {ends[clock.told]}"


def _unused(first: Sequence[RecordedRow], clock: Clock, own: Fraction | None) -> list[str]:
    """What the file says about time and nobody believed."""
    remarks = []
    if own is not None and abs(own - clock.rate) > SAME * clock.rate:
        remarks.append(f"the file names {float(own):.6g} frames per second, which its times contradict")
    odd = next((row.stamp for row in first if row.stamp not in (None, "")), None)
    if odd is not None and not any(is_time(row.stamp) for row in first):
        remarks.append(f"times such as '{str(odd)[:SHOWN_STAMP]}' are in no form that is read")
    return remarks
