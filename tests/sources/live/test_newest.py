"""Capture in a thread of its own: what a slow reader gets, what it misses, and how it ends."""

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numbered import HangingCapture, number_in, numbered

from commedia.errors import UnreadableMedia
from commedia.sources.live.camera import CameraSource
from commedia.sources.live.newest import NewestSource
from commedia.sources.source import MediaInfo
from commedia.structures import Frame


class Stepped:
    """A camera that captures when it is told to: frame n at n / 30 s."""

    def __init__(self, total: int, error: Exception | None = None) -> None:
        self.path, self.notes = Path("stepped"), ["a note of its own"]
        self.info = MediaInfo(128, 64, Fraction(30), None, is_still=False)
        self._total, self._error = total, error
        self._allowed, self._captured = threading.Semaphore(0), threading.Semaphore(0)
        self.closed = False

    def capture(self, count: int) -> None:
        """Let so many frames be captured, and wait until they are."""
        for _ in range(count):
            self._allowed.release()
            self._captured.acquire()

    def __iter__(self) -> Iterator[Frame]:
        self._allowed.acquire()
        for number in range(self._total):
            yield Frame(numbered(number), number, 5 + Fraction(number, 30))
            # Asked for the next one: this one is where the reader finds it.
            self._captured.release()
            self._allowed.acquire()
        if self._error is not None:
            raise self._error

    def now_s(self) -> float:
        return 100.0

    def stop(self) -> None:
        self._allowed.release()

    def close(self) -> None:
        self.closed = True


def first_frame(camera: Stepped, frames: Iterator[Frame]) -> Frame:
    """Capture one frame and take it, with nobody left who still waits for its capture."""
    capture = threading.Thread(target=camera.capture, args=(1,), daemon=True)
    capture.start()
    frame = next(frames)
    capture.join()
    return frame


def test_a_slow_reader_gets_the_newest_frame_only(rng: np.random.Generator) -> None:
    """Law: whatever was captured meanwhile, the frame taken is the last one; every other is counted."""
    steps = [int(count) for count in rng.integers(1, 9, 12)]
    camera = Stepped(total=63)
    source = NewestSource(camera)
    frames, captured = iter(source), 1
    given = [first_frame(camera, frames)]
    for count in steps:
        if captured + count > 60:
            break
        camera.capture(count)
        captured += count
        given.append(next(frames))
        assert number_in(given[-1].image) == captured - 1
    assert [frame.index for frame in given] == list(range(len(given)))
    assert [frame.time_s for frame in given] == [Fraction(number_in(frame.image), 30) for frame in given]
    assert source.dropped == captured - len(given) > 10
    source.stop()
    assert list(frames) == []
    assert source.notes == ["a note of its own", f"frames left out, as newer ones had come: {source.dropped}"]
    assert camera.closed


def test_what_is_captured_before_anybody_asks_is_not_counted() -> None:
    camera = Stepped(total=20)
    source = NewestSource(camera)
    source.start()
    camera.capture(10)
    frame = next(iter(source))
    assert (number_in(frame.image), frame.index, frame.time_s, source.dropped) == (9, 0, 0, 0)
    assert source.now_s() == pytest.approx(100 - (5 + 9 / 30))
    source.close()


def test_the_last_frame_comes_and_then_the_end_or_the_error() -> None:
    for error in (None, UnreadableMedia("the disk is gone")):
        camera = Stepped(1, error)
        source = NewestSource(camera)
        frames = iter(source)
        assert number_in(first_frame(camera, frames).image) == 0
        camera.stop()
        if error is None:
            assert list(frames) == []
        else:
            with pytest.raises(UnreadableMedia, match="the disk is gone"):
                next(frames)


def test_it_ends_after_the_seconds_it_was_given() -> None:
    camera = Stepped(total=60)
    source = NewestSource(camera, seconds=0.5)
    source.start()
    camera.capture(1)
    frames = iter(source)
    next(frames)
    camera.capture(15)
    assert list(frames) == []


def test_a_camera_that_hangs_is_black_and_can_be_stopped() -> None:
    """A driver may hang in a read; everybody comes to rest meanwhile, and Ctrl-C is heard."""
    capture = HangingCapture(pictures=3)
    source = NewestSource(CameraSource("camera://0", lambda: capture), blanks=True)
    seen = []
    for frame in source:
        seen.append(frame)
        if len(seen) > 3 and not frame.image.any() and not seen[-2].image.any():
            source.stop()
    assert seen[0].image.any()
    assert [frame.index for frame in seen] == list(range(len(seen)))
    times = [frame.time_s for frame in seen]
    assert times == sorted(set(times))
    assert {frame.image.shape for frame in seen} == {(64, 128, 3)}
    capture.let_go.set()


def test_a_slow_file_is_never_black() -> None:
    camera = Stepped(total=2)
    source = NewestSource(camera)
    source.start()
    camera.capture(1)
    frames = iter(source)
    next(frames)
    timer = threading.Timer(0.7, camera.capture, args=(1,))
    timer.start()
    assert number_in(next(frames).image) == 1
    source.close()
    timer.join()
