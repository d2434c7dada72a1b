"""Timecodes to seconds: how far their last number counts before the next second begins is read off the labels.

At 15 frames per second they go from 14 to 0, in a capture of 30 pictures counted at 60 from 58 to 0, in milliseconds
from 966 to 0. All three say where a second ends.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median

from commedia.errors import CommediaError
from commedia.formats.livelink_csv import DEFAULT_RATE
from commedia.formats.stamps import Label
from commedia.formats.timecode import DAY_S, labels_per_second

BASES = (10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144, 200, 240, 1000, 10**6, 10**9)
"""To what a second's last number may count: frames, hundredths, milliseconds, micro- and nanoseconds."""
PARTS = {100: "hundredths", 1000: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}
FINEST_RATE = 240
"""A number that counts further within a second counts parts of it, not pictures."""
LONGEST_STEP = 12
"""Pictures are not so many labels apart."""
NARROW = 3
"""Digits from which on a number that is always as wide is taken for a decimal part of the second."""


@dataclass(frozen=True)
class Count:
    """How timecodes count within a second."""

    base: int
    """Labels per second."""
    words: str
    """What they were taken for."""
    told: str
    """As `Clock.told`."""
    rate: Fraction | None = None
    """Pictures per second, where every picture has a label; None where the steps of the labels have to say it."""

    def seconds(self, label: Label) -> Fraction:
        """Time of a label since 00:00:00:00."""
        if self.rate is None:
            return self.day_s(label)
        minutes = label.whole_s // 60
        # Drop-frame leaves out labels, not frames: the first two (of 30) of every minute but each tenth.
        left_out = (self.base // 15) * (minutes - minutes // 10) if label.mark == ";" else 0
        return (label.whole_s * self.base + label.count - left_out) / self.rate

    def day_s(self, label: Label) -> Fraction:
        """The time of day that a label shows."""
        return label.whole_s + label.count / self.base


def choose_count(labels: Sequence[Label], given: Fraction | None, own: Fraction | None) -> Count:
    """Read off the first labels how far they count; `given` is the user's rate, `own` the file's."""
    highest, step = int(max(label.count for label in labels)), _step(labels)
    base, ends = _base(labels, highest, step)
    if base in PARTS and (base > FINEST_RATE or step > 1):
        return Count(base, f"timecodes that count {PARTS[base]}", "measured")
    if given is not None and labels_per_second(given) <= highest:
        shown = f"{float(given):.6g}"
        raise CommediaError(f"--rate {shown} cannot be: the timecodes count to {highest} within a second")
    if given is not None:
        return Count(labels_per_second(given), "timecodes", "given", given)
    if own is not None and labels_per_second(own) > highest and (not ends or base == labels_per_second(own)):
        return Count(labels_per_second(own), "timecodes", "named", own)
    if any(label.mark == ";" for label in labels):
        rate = Fraction((30 if highest < 30 else 60) * 1000, 1001)
        return Count(labels_per_second(rate), "drop-frame timecodes", "assumed", rate)
    if base == 0:
        base = max(int(DEFAULT_RATE), highest + 1)
        return Count(base, "timecodes too short to show their rate", "assumed")
    return Count(base, f"timecodes, whose frames go to {highest}", "counted" if ends else "assumed")


def is_label_with_a_point(labels: Sequence[Label]) -> bool:
    """Whether HH:MM:SS.FF are timecodes rather than times of day with hundredths: only frames count 29 and then 0."""
    highest = int(max(label.count for label in labels))
    base, ends = _base(labels, highest, _step(labels))
    return ends and {label.digits for label in labels} == {2} and 0 < base < 100 and highest < 60


def _base(labels: Sequence[Label], highest: int, step: float) -> tuple[int, bool]:
    """How far labels count, 0 where nothing says so; and whether the ends of seconds said it."""
    ends = Counter[int]()
    for one, other in pairwise(labels):
        if (other.whole_s - one.whole_s) % DAY_S == 1:
            end = float(one.count - other.count) + step
            near = [base for base in BASES if base > highest and abs(base - end) <= max(0.5, 0.5 * step)]
            ends.update(near and [min(near, key=lambda base: abs(base - end))])
    if ends:
        most = max(ends.values())
        return max(base for base, times in ends.items() if times == most), True
    widths = {label.digits for label in labels}
    if len(widths) == 1 and min(widths) >= NARROW and (highest >= FINEST_RATE or step > 2):
        return 10 ** min(widths), False
    if highest >= FINEST_RATE or step > LONGEST_STEP:
        return next(base for base in PARTS if base > highest), False
    passed = len({label.whole_s for label in labels}) > 1
    return (next(base for base in BASES if base >= max(24, highest + 1)) if passed else 0), False


def _step(labels: Sequence[Label]) -> float:
    """How much labels count from one picture to the next, within a second."""
    steps = [other.count - one.count for one, other in pairwise(labels) if other.whole_s == one.whole_s]
    return float(median(steps)) if (steps := [step for step in steps if step > 0]) else 1.0
