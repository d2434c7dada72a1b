"""A quantity over a run to how fast it grows: what the second half says of the hours after it."""

import math
from typing import NamedTuple

import numpy as np

PERIOD_S = 5.0
"""One value is kept for so long."""
FEWEST = 6
"""Values in the second half; fewer say nothing of growth."""
HOUR_S, DAY_H = 3600.0, 24.0


class Growth(NamedTuple):
    """Of the second half of a run, by least squares."""

    per_hour: float
    after_a_day: float
    """What it would be 24 hours after the beginning."""


class Trend:
    """Keeps a value for each period of `PERIOD_S`: the median of what was added in it."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, float]] = []
        self._begun_s, self._waiting = math.nan, list[float]()

    def add(self, time_s: float, value: float) -> None:
        """Take in a value; times rise, and what is not finite does not count."""
        if not math.isfinite(value):
            return
        self._begun_s = time_s if math.isnan(self._begun_s) else self._begun_s
        self._waiting.append(value)
        if time_s - self._begun_s >= PERIOD_S:
            self._kept.append(((self._begun_s + time_s) / 2, float(np.median(self._waiting))))
            self._begun_s, self._waiting = time_s, []

    def growth(self) -> Growth | None:
        """How it grows; None where the run was too short to say."""
        times_s, values = np.array(self._kept).reshape(-1, 2).T
        late = times_s >= (times_s[0] + times_s[-1]) / 2 if len(times_s) else np.zeros(0, bool)
        if late.sum() < FEWEST:
            return None
        slope, at_first = np.polyfit(times_s[late] - times_s[0], values[late], 1)
        return Growth(float(slope * HOUR_S), float(at_first + slope * DAY_H * HOUR_S))
