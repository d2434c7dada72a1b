"""From what a file says about time to exact seconds: timecodes, times of day, dates, counts of milliseconds, frames.

Seldom does a file say in which unit its times are, or at which rate its timecodes count. Both are read off the first
frames, and said in a note.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import fmean, median_low

from commedia.formats import stamps as reading
from commedia.formats.columns import number
from commedia.formats.recorded import Stamp
from commedia.formats.timecode import DAY_S, PLAUSIBLE_RATES, USUAL_RATES
from commedia.sources.recorded.labels import choose_count, is_label_with_a_point

UNITS_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ticks": 100, "ns": 1}
UNIT_WORDS = {
    **{"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"},
    "ticks": "steps of 100 nanoseconds",
}
FALLBACK_RATE = Fraction(30)
LARGEST_STAMP = 1e19
"""Nanoseconds since 1970 are below it."""
TICKS_SINCE = (1.2e17, 1.7e17), (5.5e17, 7.5e17)
"""Steps of 100 ns as Windows and .NET count them, since 1601 and since the year 1, in this century."""
SAME = 0.05
"""Share by which the file's own rate may miss that of its times."""

Seconds = Callable[[Stamp, int], Fraction | None]


@dataclass(frozen=True)
class Clock:
    """How a file tells the time."""

    rate: Fraction
    """Nominal frames per second."""
    words: str
    """What the times were taken for."""
    seconds: Seconds
    """Seconds of a frame from its stamp and its number from 0; None for a stamp that is no time."""
    told: str
    """Where the rate comes from: `measured` on the times, `counted` by timecodes, `given` by the user, `named` by the
    file, or `assumed`."""
    day_s: Fraction | None = None
    """After so many seconds the clock starts from zero."""
    start_day_s: Fraction | None = None
    """The time of day of the first frame, where stamps show one."""


def choose_clock(stamps: Sequence[Stamp], unit: str, given: Fraction | None, own: Fraction | None = None) -> Clock:
    """Learn from the first stamps of a file how to read all of them; a given rate is believed, the file's own where
    nothing contradicts it."""
    labels = [found for stamp in stamps if (found := reading.label(stamp)) is not None]
    if labels and (any(label.mark in ":;" for label in labels) or is_label_with_a_point(labels)):
        return _timecode_clock(labels, given, own)
    for read, words, day_s, start in _TEXTS:
        times = [time_s for stamp in stamps if (time_s := read(stamp)) is not None]
        if times:
            start_day_s = next((shown for stamp in stamps if (shown := start(stamp)) is not None), None)
            return _measured_clock(
                times, words, lambda stamp, _, read=read: read(stamp), given, own, day_s, start_day_s
            )
    numbers = [value for stamp in stamps if (value := number(stamp)) is not None]
    if unit == "frame" and numbers:
        return _frame_clock("frame numbers", given, own)
    steps = _steps(numbers)
    if not numbers or (not steps and len(stamps) > 1):
        return _count_clock(given, own)
    if not unit and 2 < len(steps) == len(numbers) - 1 and set(steps) == {1.0}:
        return _frame_clock("whole numbers one apart, taken for frame numbers", given, own)
    return _number_clock(numbers, unit or _guessed_unit(numbers, steps), given, own)


_TEXTS: tuple[tuple[Callable[[Stamp], Fraction | None], str, int | None, Callable[[Stamp], Fraction | None]], ...] = (
    (reading.date_and_time, "dates with times", None, reading.local_day_s),
    (reading.time_of_day, "times of day", DAY_S, reading.time_of_day),
)


def _timecode_clock(labels: list[reading.Label], given: Fraction | None, own: Fraction | None) -> Clock:
    count = choose_count(labels, given, own)
    steps = _steps([float(count.seconds(label)) for label in labels])
    if len(labels) > 1 and len({count.seconds(label) for label in labels}) == 1:
        return _count_clock(given, own)
    measured = _rate(steps)
    # Where every picture has its label the count is the rate; where labels are left out, their steps say it.
    every = count.told == "assumed" or abs(measured - count.base) * 60 <= count.base
    pictures = Fraction(count.base) if every else measured

    def seconds(stamp: Stamp, _: int) -> Fraction | None:
        label = reading.label(stamp)
        return None if label is None else count.seconds(label)

    day_s = DAY_S * Fraction(count.base) / (count.rate or count.base)
    return Clock(given or count.rate or pictures, count.words, seconds, count.told, day_s, count.day_s(labels[0]))


def _measured_clock(
    times: Sequence[Fraction | float],
    words: str,
    seconds: Seconds,
    given: Fraction | None,
    own: Fraction | None,
    day_s: int | None = None,
    start_day_s: Fraction | None = None,
) -> Clock:
    """A clock whose stamps are times, unless they are so coarse that many frames share one."""
    floats = [float(time_s - times[0]) for time_s in times]
    if len(floats) > 1 and len(set(floats)) == 1:
        return _count_clock(given, own)
    shared = _frames_per_stamp(floats)
    if shared is not None:
        step = median_low(_steps(floats))
        rate = given or own or _rate([step / shared])
        words = f"{words} that {shared:.3g} frames share each, so the frames were spread evenly"
        told = "given" if given else "named" if own else "assumed"
        return Clock(rate, words, lambda _, index: index / rate, told, None, start_day_s)
    measured = _rate(_steps(floats))
    rate = given or (own if own is not None and abs(own - measured) <= SAME * measured else measured)
    day = None if day_s is None else Fraction(day_s)
    return Clock(rate, words, seconds, "given" if given else "measured", day, start_day_s)


def _frame_clock(words: str, given: Fraction | None, own: Fraction | None) -> Clock:
    chosen = given or own or FALLBACK_RATE

    def seconds(stamp: Stamp, _: int) -> Fraction | None:
        value = _nanoseconds(stamp, 10**9)
        return None if value is None else Fraction(value, 10**9) / chosen

    told = "given" if given else "named" if own else "assumed"
    return Clock(chosen, words if given or own else f"{words} without a rate", seconds, told)


def _count_clock(given: Fraction | None, own: Fraction | None) -> Clock:
    chosen = given or own or FALLBACK_RATE
    told = "given" if given else "named" if own else "assumed"
    return Clock(chosen, "frames without a time", lambda _, index: index / chosen, told)


def _number_clock(numbers: list[float], unit: str, given: Fraction | None, own: Fraction | None) -> Clock:
    per_unit = UNITS_NS[unit]

    def seconds(stamp: Stamp, _: int) -> Fraction | None:
        value = _nanoseconds(stamp, per_unit)
        return None if value is None else Fraction(value, 10**9)

    times = [(value - numbers[0]) * per_unit / 1e9 for value in numbers]
    return _measured_clock(times, f"times in {UNIT_WORDS[unit]}", seconds, given, own)


def _nanoseconds(stamp: Stamp, per_unit: int) -> int | None:
    value = number(stamp)
    if value is None or abs(value) > LARGEST_STAMP:
        return None
    # Whole numbers stay whole: as a float, nanoseconds since 1970 are off by a hundred.
    whole = stamp if isinstance(stamp, int) else _whole(stamp)
    return whole * per_unit if whole is not None else round(value * per_unit)


def _whole(stamp: Stamp) -> int | None:
    digits = stamp.strip() if isinstance(stamp, str) else ""
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) <= 20 else None


def _steps(times: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times) if later > earlier]


def _frames_per_stamp(times: Sequence[float]) -> float | None:
    """How many frames share one stamp, where most do: clocks that only tell the second; None for all others."""
    steps = _steps(times)
    repeated = sum(later == earlier for earlier, later in pairwise(times))
    if not steps or repeated <= len(steps):
        return None
    # The first and the last stamp may have lost some of theirs.
    counts = [times.count(stamp) for stamp in dict.fromkeys(times)]
    inner = counts[1:-1] or counts
    return fmean(inner)


def _guessed_unit(numbers: list[float], steps: list[float]) -> str:
    """Faces are filmed at 1 to 1000 frames per second, so units a thousand apart cannot be confused."""
    step = median_low(steps) if steps else 1.0
    if any(low < numbers[0] < high for low, high in TICKS_SINCE):
        return "ticks"
    return "s" if step < 0.9 else "ms" if step < 900 else "us" if step < 900_000 else "ns"


def _rate(steps: list[float]) -> Fraction:
    """The usual rate nearest to that of most steps (gaps do not count), or what was measured where none is near."""
    if not steps:
        return FALLBACK_RATE
    middle = median_low(steps)
    step = fmean(step for step in steps if 0.45 * middle <= step <= 1.55 * middle)
    slowest, fastest = PLAUSIBLE_RATES
    measured = min(max(Fraction(1 / max(step, 1e-9)).limit_denominator(1001), slowest), fastest)
    usual = min(USUAL_RATES, key=lambda rate: abs(rate - measured))
    # Milliseconds without decimals say 30.3 where 30 is meant.
    if abs(usual - measured) * 60 <= usual:
        return usual
    return Fraction(round(measured)) if abs(round(measured) - measured) * 200 <= measured else measured
