"""Playing in real time, on a clock that only moves when somebody waits or works."""

from fractions import Fraction
from pathlib import Path

import pytest
from faces_to_send import frame_of

from commedia.sources.paced import LATEST_S, LONGEST_GAP_S, PacedSource
from commedia.sources.source import MediaInfo, RecordedSource


class Clock:
    """Time that passes by naps, and by work."""

    def __init__(self) -> None:
        self.now_s, self.naps = 1000.0, 0

    def __call__(self) -> float:
        return self.now_s

    def nap(self, seconds: float) -> None:
        assert 0 < seconds <= 0.05
        self.now_s += seconds
        self.naps += 1


class Motion(RecordedSource):
    """So many frames at 30 per second."""

    def __init__(self, count: int):
        self.path, self.notes, self.count = Path("motion"), [], count
        self.info = MediaInfo(0, 0, Fraction(30), count, is_still=False, pictures=False)

    def __iter__(self):
        return (frame_of(Fraction(index, 30), [], index) for index in range(self.count))

    def close(self) -> None:
        self.closed = True


def played(
    source: PacedSource, clock: Clock, work_s: float = 0.0, frames: int = 10_000
) -> list[tuple[float, Fraction]]:
    """When each frame came, and its time."""
    begun, came = clock.now_s, []
    for frame in source:
        assert frame.index == len(came)
        came.append((clock.now_s - begun, frame.time_s))
        clock.now_s += work_s
        if len(came) == frames:
            break
    return came


def test_frames_come_when_their_time_has_come() -> None:
    clock = Clock()
    came = played(PacedSource(Motion(60), clock=clock, nap=clock.nap), clock, work_s=0.01)
    assert len(came) == 60
    for at_s, time_s in came:
        assert at_s == pytest.approx(float(time_s), abs=6e-4)


def test_the_clock_begins_with_the_first_frame_however_long_that_took() -> None:
    clock = Clock()

    class Heavy(Motion):
        def __iter__(self):
            clock.now_s += 3.0
            return super().__iter__()

    source = PacedSource(Heavy(10), clock=clock, nap=clock.nap)
    assert source.now_s() == 0
    ages = [source.now_s() - float(frame.time_s) for frame in source]
    assert ages == pytest.approx([0.0] * 10, abs=6e-4)


def test_late_frames_are_left_out_and_said() -> None:
    """Work of 0.1 s per frame at 30 per second: every third is shown, never far behind, and all are accounted for."""
    clock = Clock()
    source = PacedSource(Motion(300), clock=clock, nap=clock.nap)
    came = played(source, clock, work_s=0.1)
    assert 95 <= len(came) <= 105
    assert max(at_s - float(time_s) for at_s, time_s in came) <= 1 / 30 + 1e-6
    assert len(came) + source.late == 300
    assert source.notes == [f"frames left out, as they were late: {source.late}"]


def test_a_machine_that_cannot_even_read_in_time_shows_some_frames() -> None:
    clock = Clock()

    class Slow(Motion):
        def __iter__(self):
            for frame in super().__iter__():
                clock.now_s += 0.2
                yield frame

    source = PacedSource(Slow(300), clock=clock, nap=clock.nap)
    ages = [source.now_s() - float(frame.time_s) for frame in source]
    assert len(ages) >= 300 * 0.2 / (LONGEST_GAP_S + 0.2)
    assert max(ages) <= LATEST_S, "what is shown does not come later and later"
    assert len(ages) + source.late == 300


def test_rounds_follow_each_other() -> None:
    clock = Clock()
    source = PacedSource(Motion(30), loop=True, clock=clock, nap=clock.nap)
    came = played(source, clock, frames=75)
    assert [time_s for _, time_s in came] == [Fraction(index, 30) for index in range(75)]
    assert source.info.frame_count is None


def test_it_ends_after_the_seconds_it_was_given() -> None:
    clock = Clock()
    came = played(PacedSource(Motion(30), loop=True, seconds=2.0, clock=clock, nap=clock.nap), clock)
    assert came[-1][1] == 2


def test_stop_is_heard_while_it_waits() -> None:
    clock = Clock()

    def nap(seconds: float) -> None:
        clock.nap(seconds)
        if clock.naps == 5:
            source.stop()

    source = PacedSource(Motion(300), clock=clock, nap=nap)
    assert len(played(source, clock)) <= 6
    source.close()


def test_an_empty_source_in_a_loop_ends() -> None:
    clock = Clock()
    assert played(PacedSource(Motion(0), loop=True, clock=clock, nap=clock.nap), clock) == []
