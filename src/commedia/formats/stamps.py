"""One cell with a time to what it says: a timecode's label, a time of day, a date with a time (ISO 8601), a number.

Only what is written; which of several readings a file means, `sources/recorded/clock.py` learns from many cells.
"""

import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from commedia.formats.columns import number
from commedia.formats.recorded import Stamp
from commedia.formats.timecode import DAY_S

_LABEL = re.compile(r"([0-9]{1,4}):([0-5]?[0-9]):([0-5]?[0-9])([:;.,])([0-9]{1,9})(?:[.,]([0-9]{1,9}))?")
_TIME_OF_DAY = re.compile(r"(?:([0-9]{1,4}):)?([0-5]?[0-9]):([0-5]?[0-9])(?:[.,]([0-9]{1,9}))?")
_DATE = re.compile(
    r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})[T _]([0-9]{2}):?([0-5][0-9]):?([0-5][0-9]|60)(?:[.,]([0-9]{1,12}))?"
    r" ?(?:(Z)|(?:UTC)?([+-][0-9]{2}):?([0-9]{2})?|UTC)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Label:
    """HH:MM:SS and what is counted within the second: frames, or hundredths, thousandths, millionths of it."""

    whole_s: int
    """Of the label's hours, minutes and seconds."""
    mark: str
    """Between seconds and count: `:`, `;`, `.` or `,`."""
    count: Fraction
    """Within the second, with its decimals."""
    digits: int
    """How many the count is written with, without its decimals."""


def label(stamp: Stamp) -> Label | None:
    """Read HH:MM:SS:FF, HH:MM:SS;FF, HH:MM:SS:FF.fff, HH:MM:SS.FF; None for all else."""
    found = _LABEL.fullmatch(stamp.strip()) if isinstance(stamp, str) else None
    if found is None or (found[4] in ".," and found[6]):
        return None
    whole_s = (int(found[1]) * 60 + int(found[2])) * 60 + int(found[3])
    return Label(whole_s, found[4], int(found[5]) + _decimals(found[6]), len(found[5]))


def time_of_day(stamp: Stamp) -> Fraction | None:
    """Read HH:MM:SS, HH:MM:SS.fff or MM:SS.fff as seconds."""
    found = _TIME_OF_DAY.fullmatch(stamp.strip()) if isinstance(stamp, str) else None
    if found is None:
        return None
    return (int(found[1] or 0) * 60 + int(found[2])) * 60 + int(found[3]) + _decimals(found[4])


def date_and_time(stamp: Stamp) -> Fraction | None:
    """Read ISO 8601, with or without an offset, as seconds since the year 1, of the clock in Greenwich where the stamp
    says how far off it is."""
    found = _DATE.fullmatch(stamp.strip()) if isinstance(stamp, str) else None
    if found is None or int(found[4]) > 23:
        return None
    try:
        days = date(int(found[1]), int(found[2]), int(found[3])).toordinal()
    except ValueError:
        return None
    hours = int(found[9] or 0)
    minutes = int(found[10] or 0) * (-1 if (found[9] or "").startswith("-") else 1)
    local_s = (int(found[4]) * 60 + int(found[5])) * 60 + int(found[6])
    return days * DAY_S + local_s - 60 * (60 * hours + minutes) + _decimals(found[7])


def local_day_s(stamp: Stamp) -> Fraction | None:
    """The time of day that a date with a time shows, whatever its offset."""
    found = _DATE.fullmatch(stamp.strip()) if isinstance(stamp, str) else None
    if found is None:
        return None
    return (int(found[4]) * 60 + int(found[5])) * 60 + int(found[6]) + _decimals(found[7])


def is_time(stamp: Stamp) -> bool:
    """Whether a stamp can be read at all."""
    readings = (number, label, time_of_day, date_and_time)
    return any(read(stamp) is not None for read in readings)


def _decimals(digits: str | None) -> Fraction:
    return Fraction(int(digits), 10 ** len(digits)) if digits else Fraction(0)
