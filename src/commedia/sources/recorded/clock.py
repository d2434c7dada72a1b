"""From what a file says about time to exact seconds: timecodes, times of day, counts of milliseconds, frame numbers.

Seldom does a file say in which unit its times are, or at which rate its timecodes count. Both are read off the first
frames, and said in a note.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import fmean, median_low

from commedia.formats.columns import number
from commedia.formats.livelink_csv import DEFAULT_RATE
from commedia.formats.recorded import Stamp
from commedia.formats.timecode import PLAUSIBLE_RATES, USUAL_RATES, labels_per_second, milliframes_from_timecode

UNITS_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
UNIT_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
FALLBACK_RATE = Fraction(30)
LARGEST_STAMP = 1e19
"""Nanoseconds since 1970 are below it."""

_TIMECODE = re.compile(r"\s*([0-9]{1,4}):([0-9]{1,2}):([0-9]{1,2})([:;])([0-9]{1,4})(?:\.[0-9]{1,9})?\s*")
_TIME_OF_DAY = re.compile(r"\s*([0-9]{1,4}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]{1,9}))?\s*")


@dataclass(frozen=True)
class Clock:
    """How a file tells the time."""

    rate: Fraction
    """Nominal frames per second."""
    words: str
    """What the times were taken for."""
    seconds: Callable[[Stamp, int], Fraction | None]
    """Seconds of a frame from its stamp and its number from 0; None for a stamp that is no time."""
    day_s: Fraction | None = None
    """After so many seconds the clock starts from zero."""


def choose_clock(stamps: Sequence[Stamp], unit: str, rate: Fraction | None) -> Clock:
    """Learn from the first stamps of a file how to read all of them; a given rate is believed."""
    texts = [stamp for stamp in stamps if isinstance(stamp, str)]
    labels = [found for text in texts if (found := _TIMECODE.fullmatch(text))]
    if labels:
        return _timecode_clock(labels, rate)
    numbers = [value for stamp in stamps if (value := number(stamp)) is not None]
    if any(_TIME_OF_DAY.fullmatch(text) for text in texts):
        times = [float(time_s) for text in texts if (time_s := _time_of_day(text, 0)) is not None]
        return Clock(rate or _rate(_steps(times)), "times of day", _time_of_day, Fraction(24 * 3600))
    if unit == "frame" and numbers:
        return _frame_clock(rate)
    steps = _steps(numbers)
    if not numbers or (not steps and len(stamps) > 1):
        return _count_clock(rate)
    return _number_clock(steps, unit or _guessed_unit(steps), rate)


def _timecode_clock(labels: list[re.Match[str]], rate: Fraction | None) -> Clock:
    highest = max(int(label[5]) for label in labels)
    drop = any(label[4] == ";" for label in labels)
    words = "timecodes"
    if rate is None and drop:
        rate = Fraction((30 if highest < 30 else 60) * 1000, 1001)
        words = "drop-frame timecodes"
    elif rate is None and len({label.group(1, 2, 3) for label in labels}) > 1:
        # The last label of a whole second tells the rate, as a rate of 29.97 counts like one of 30.
        whole = sorted(usual for usual in USUAL_RATES if usual.denominator == 1)
        rate = next((usual for usual in whole if usual > highest), Fraction(highest + 1))
        words = f"timecodes, whose frames go to {highest}"
    elif rate is None:
        rate = max(DEFAULT_RATE, Fraction(highest + 1))
        words = "timecodes too short to show their rate"
    rate = min(rate, PLAUSIBLE_RATES[1])
    per_second = labels_per_second(rate)

    def seconds(stamp: Stamp, _: int) -> Fraction | None:
        label = _TIMECODE.fullmatch(stamp) if isinstance(stamp, str) else None
        if label is None:
            return None
        thousandths = milliframes_from_timecode(label[0].strip(), rate)
        minutes = int(label[1]) * 60 + int(label[2])
        # Drop-frame leaves out labels, not frames: the first two (of 30) of every minute but each tenth.
        left_out = (per_second // 15) * (minutes - minutes // 10) if label[4] == ";" else 0
        return Fraction(thousandths - 1000 * left_out, 1000) / rate

    return Clock(rate, words, seconds, Fraction(24 * 3600 * per_second) / rate)


def _time_of_day(stamp: Stamp, _: int) -> Fraction | None:
    found = _TIME_OF_DAY.fullmatch(stamp) if isinstance(stamp, str) else None
    if found is None:
        return None
    decimals = found[4] or "0"
    whole = (int(found[1]) * 60 + int(found[2])) * 60 + int(found[3])
    return whole + Fraction(int(decimals), 10 ** len(decimals))


def _frame_clock(rate: Fraction | None) -> Clock:
    chosen = rate or FALLBACK_RATE

    def seconds(stamp: Stamp, _: int) -> Fraction | None:
        value = _nanoseconds(stamp, 10**9)
        return None if value is None else Fraction(value, 10**9) / chosen

    return Clock(chosen, "frame numbers" + ("" if rate else " without a rate"), seconds)


def _count_clock(rate: Fraction | None) -> Clock:
    chosen = rate or FALLBACK_RATE
    return Clock(chosen, "frames without a time", lambda _, index: index / chosen)


def _number_clock(steps: list[float], unit: str, rate: Fraction | None) -> Clock:
    per_unit = UNITS_NS[unit]

    def seconds(stamp: Stamp, _: int) -> Fraction | None:
        value = _nanoseconds(stamp, per_unit)
        return None if value is None else Fraction(value, 10**9)

    return Clock(rate or _rate([step * per_unit / 1e9 for step in steps]), f"times in {UNIT_WORDS[unit]}", seconds)


def _nanoseconds(stamp: Stamp, per_unit: int) -> int | None:
    value = number(stamp)
    if value is None or abs(value) > LARGEST_STAMP:
        return None
    # Whole numbers stay whole: as a float, nanoseconds since 1970 are off by a hundred.
    return stamp * per_unit if isinstance(stamp, int) else round(value * per_unit)


def _steps(times: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times) if later > earlier]


def _guessed_unit(steps: list[float]) -> str:
    """Faces are filmed at 1 to 1000 frames per second, so units a thousand apart cannot be confused."""
    step = median_low(steps) if steps else 1.0
    return "s" if step < 0.9 else "ms" if step < 900 else "us" if step < 900_000 else "ns"


def _rate(steps: list[float]) -> Fraction:
    """The usual rate nearest to that of most steps (gaps do not count), or what was measured where none is near."""
    if not steps:
        return FALLBACK_RATE
    middle = median_low(steps)
    step = fmean(step for step in steps if 0.5 * middle <= step <= 1.5 * middle)
    slowest, fastest = PLAUSIBLE_RATES
    measured = min(max(Fraction(1 / max(step, 1e-9)).limit_denominator(1001), slowest), fastest)
    usual = min(USUAL_RATES, key=lambda rate: abs(rate - measured))
    # Milliseconds without decimals say 30.3 where 30 is meant.
    return usual if abs(usual - measured) * 60 <= usual else measured
