"""A quantity over a run to how fast it grows: what the second half says of the hours after it."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

PERIOD_S = 5.0
"""One value is kept for so long."""
FEWEST = 6
"""Values in the second half; fewer say nothing of growth."""
HOUR_S, DAY_H = 3600.0, 24.0
MOST_ALIKE = 0.99
"""Correlation of neighbours is never taken to be more."""


class Growth(NamedTuple):
    """Of the second half of a run, by least squares."""

    per_hour: float
    uncertain: float
    """Standard error of `per_hour`. Neighbours are alike, as other programs come and go by minutes, which counts."""
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
        since_s, values = times_s[late] - times_s[0], values[late]
        slope, at_first = np.polyfit(since_s, values, 1)
        error = _slope_error(since_s, values - at_first - slope * since_s)
        return Growth(float(slope * HOUR_S), error * HOUR_S, float(at_first + slope * DAY_H * HOUR_S))


def _slope_error(times_s: Float64[np.ndarray, "n"], left: Float64[np.ndarray, "n"]) -> float:
    """Standard error of a line's slope from what it leaves over: of independent values, times how much fewer values
    there are in truth when each is like the one before (correlation r: by (1 - r) / (1 + r))."""
    spread = float(np.sum(left**2))
    if spread < 1e-12:
        return 0.0
    alike = min(max(float(np.sum(left[1:] * left[:-1])) / spread, 0.0), MOST_ALIKE)
    independent = spread / (len(left) - 2) / float(np.sum((times_s - times_s.mean()) ** 2))
    return math.sqrt(independent * (1 + alike) / (1 - alike))
