"""What a run says of the hours after it: lines are found exactly, and beginnings do not count."""

import numpy as np
import pytest
from scipy.signal import lfilter

from commedia.outputs.streams.trend import Trend


def trend_of(values: np.ndarray, step_s: float) -> Trend:
    trend = Trend()
    for index, value in enumerate(values.tolist()):
        trend.add(1000 + index * step_s, value)
    return trend


def test_a_line_is_found_whatever_came_before_it() -> None:
    """400 MiB and 12 more every hour in the second half; the first half rises as programs do when they begin."""
    times_s = np.arange(0, 1800, 0.5)
    values = 400 + 12 * times_s / 3600 - 90 * np.clip(1 - times_s / 700, 0, 1)
    growth = trend_of(values, 0.5).growth()
    assert growth is not None
    assert growth.per_hour == pytest.approx(12, abs=1e-6)
    assert growth.after_a_day == pytest.approx(400 + 12 * 24, abs=0.1)


def test_single_late_frames_are_no_growth(rng: np.random.Generator) -> None:
    """One frame in fifty takes a second, more of them towards the end."""
    times_s = np.arange(0, 600, 1 / 30)
    late = rng.random(len(times_s)) < 0.04 * times_s / times_s[-1]
    growth = trend_of(20 + rng.normal(0, 1, len(times_s)) + 1000 * late, 1 / 30).growth()
    assert growth is not None
    assert abs(growth.per_hour) < 3


def test_what_comes_and_goes_by_minutes_is_within_what_is_said_to_be_uncertain() -> None:
    """Latency that other programs push up and down, and that does not grow: twice the error holds 19 of 20 runs."""
    noise = np.random.default_rng(0).normal(0, 1, (60, 360))
    load = 25 + lfilter([1.0], [1.0, -0.6], noise, axis=1)
    growths = [trend_of(values, 5.0).growth() for values in load]
    assert all(growth is not None for growth in growths)
    assert 50 <= sum(abs(growth.per_hour) < 2 * growth.uncertain for growth in growths) < 60
    assert np.mean([growth.uncertain for growth in growths]) == pytest.approx(
        np.std([growth.per_hour for growth in growths]), rel=0.3
    )


def test_a_short_run_says_nothing_and_unknown_values_do_not_count() -> None:
    assert Trend().growth() is None
    assert trend_of(np.arange(40.0), 1.0).growth() is None
    known = np.where(np.arange(600) % 2, np.nan, 7.0)
    growth = trend_of(known, 1.0).growth()
    assert growth is not None
    assert growth == pytest.approx((0, 0, 7), abs=1e-6)
