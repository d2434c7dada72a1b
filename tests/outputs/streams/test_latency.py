"""Latency as numpy would have it, in memory that does not grow; and a meter changes nothing of what is sent."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from faces_to_send import face_params
from streams_world import everybody, info, moment

from commedia.errors import OutputFailed
from commedia.outputs.sink import Sinks, StreamInfo
from commedia.outputs.streams.latency import LONGEST_MS, MOST_PEOPLE, STEP_MS, LatencyMeter, latency_in_words
from commedia.structures import Box, Moment, TrackedFace

LANDMARKS = np.zeros((68, 2))


class Kept:
    name = "kept"

    def __init__(self) -> None:
        self.done: list[object] = []

    def open(self, info: StreamInfo) -> None:
        self.done.append("open")

    def send(self, moment: Moment) -> None:
        self.done.append(moment)

    def close(self) -> None:
        self.done.append("close")

    def discard(self) -> None:
        self.done.append("discard")


def people(count: int, status: str = "tracked") -> list[TrackedFace]:
    box = Box(0.0, 0.0, 1.0, 1.0)
    return [TrackedFace(number + 1, status, box, face_params(), LANDMARKS, 1.0) for number in range(count)]


def ages(values_ms: list[float]) -> Iterator[float]:
    return (0.5 + value / 1000 for value in values_ms)


def test_quantiles_are_those_of_numpy(rng: np.random.Generator) -> None:
    values = rng.gamma(3.0, 12.0, 300).tolist()
    now, crowd = ages(values), [int(count) for count in rng.integers(0, 3, 300)]
    kept = Kept()
    meter = LatencyMeter(kept, lambda: next(now), clock=iter(np.arange(0, 400, 0.05).tolist()).__next__)
    moments = [moment(people(count), Fraction(1, 2)) for count in range(3)]
    meter.open(info(everybody()))
    for count in crowd:
        meter.send(moments[count])
    meter.close()
    assert kept.done == ["open", *(moments[count] for count in crowd), "close"]
    rows = meter.by_people()
    assert [(row.people, row.frames) for row in rows] == [(count, crowd.count(count)) for count in range(3)]
    for row in (*rows, meter.overall()):
        chosen = [ms for ms, count in zip(values, crowd, strict=True) if row.people in (None, count)]
        expected = np.quantile(chosen, (0.5, 0.95, 0.99), method="inverted_cdf")
        assert np.all((row.quantiles_ms >= expected - 1e-6) & (row.quantiles_ms <= expected + STEP_MS + 1e-6))
    assert meter.frames_per_second == pytest.approx(20)


def test_what_is_unknown_negative_or_endless_is_no_surprise() -> None:
    now = iter([float("nan"), 0.4, 1e9, float("inf")])
    meter = LatencyMeter(Kept(), lambda: next(now))
    for count in (1, 1, MOST_PEOPLE + 5, 1):
        meter.send(moment(people(count)))
    assert [(row.people, row.frames, row.quantiles_ms[-1]) for row in meter.by_people()] == [
        (1, 3, 0.0),
        (MOST_PEOPLE, 1, LONGEST_MS),
    ]
    assert latency_in_words(meter.overall().quantiles_ms) == "p50 0 ms, p95 4000 ms, p99 4000 ms"
    assert LatencyMeter(Kept(), lambda: 0.0).overall().quantiles_ms == ()


def test_only_who_is_seen_counts() -> None:
    meter = LatencyMeter(Kept(), lambda: 1.0)
    meter.send(moment([*people(2), *people(3, "held")]))
    assert [row.people for row in meter.by_people()] == [2]


def test_when_every_stream_has_failed_so_has_the_meter() -> None:
    class Failing(Kept):
        def send(self, moment: Moment) -> None:
            raise OutputFailed("the cable is out")

    meter = LatencyMeter(Sinks([Failing()], lambda _: None), lambda: 1.0)
    with pytest.raises(OutputFailed):
        meter.send(moment(people(1)))
    assert meter.by_people() == []


def test_each_stage_is_measured_and_their_sum_is_the_age() -> None:
    """Captured at 0.5 s, taken 10 ms later, known after 30 more, sent after another 5."""
    now = iter([0.54, 0.545, 0.64, 0.645] * 50)
    meter = LatencyMeter(Kept(), lambda: next(now), given_s=lambda: 0.51)
    meter.open(info(everybody()))
    meter.send(moment(people(1), Fraction(1, 2)))
    assert {name: round(ms, 6) for name, ms in meter.stages_ms.items()} == {"wait": 10, "track": 30, "send": 5}
    assert 45 <= meter.overall().quantiles_ms[0] <= 45 + STEP_MS
    for _ in range(99):
        meter.send(moment(people(1), Fraction(1, 2)))
    assert 30 < meter.stages_ms["track"] < 130, "the newest count, and not alone"


def test_without_knowing_when_a_frame_was_taken_no_stage_is_made_up() -> None:
    meter = LatencyMeter(Kept(), lambda: 0.6)
    meter.open(info(everybody()))
    meter.send(moment(people(1), Fraction(1, 2)))
    assert np.isnan(list(meter.stages_ms.values())).all()
