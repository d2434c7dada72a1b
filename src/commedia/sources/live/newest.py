"""A source in real time, read in a thread of its own, to its newest frames: who comes late gets the latest, once.

One frame waits, and one that a newer takes the place of is counted. So a picture is captured when it is there, however
long the last one is worked on, and none is old when it is taken.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from commedia.sources.source import FrameSource, MediaInfo
from commedia.structures import Frame

WAKE_S = 0.05
"""Waiting is cut into pieces of this length, so that `stop` is heard and Ctrl-C comes in."""
BLANK_AFTER_S = 0.5
"""After so long without a picture there are black ones, so that everybody comes to rest."""
BLANK_EVERY_S = 0.1
LEAVE_S = 0.5
"""Whoever is captured from and does not answer for so long is left to the end of the program."""


@runtime_checkable
class InRealTime(Protocol):
    """What `NewestSource` reads: frames that come when their time has come."""

    path: Path
    info: MediaInfo
    notes: list[str]

    def __iter__(self) -> Iterator[Frame]: ...

    def now_s(self) -> float:
        """The time now, on the clock of the frames' times."""
        ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


class NewestSource(FrameSource):
    """The newest frame each time; numbers and times begin at 0 with the first one given."""

    def __init__(
        self,
        source: InRealTime,
        *,
        seconds: float | None = None,
        blanks: bool = False,
        blank_after_s: float = BLANK_AFTER_S,
    ):
        """`seconds` after the first frame it ends by itself. With `blanks` a source that gives nothing for so long is
        black; a file may be as slow as it likes."""
        self.path, self.notes, self.dropped = source.path, [], 0
        self.info = replace(source.info, is_live=True)
        self._source, self._seconds, self._blanks = source, seconds, blanks
        self._blank_after_s = blank_after_s
        self._waiting: Frame | None = None
        self._changed = threading.Condition()
        self._stopped = self._ended = self._blank_before = False
        self._error: BaseException | None = None
        self.given_s = float("nan")
        """When the last frame was taken, on the clock of the frames' times."""
        self._begun_s = Fraction(0)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Capture from now on, so that the first frame is new when somebody asks for it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._capture, name=f"capture {self.path}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the frames; may be called from a signal's handler or another thread."""
        self._stopped = True
        self._source.stop()

    def close(self) -> None:
        """Let go of the source, unless it hangs."""
        self.stop()
        if self._thread is not None:
            self._thread.join(LEAVE_S)
        if self._thread is None or not self._thread.is_alive():
            self._source.close()

    def now_s(self) -> float:
        """The time now, on the clock of the frames' times."""
        return self._source.now_s() - float(self._begun_s)

    def __iter__(self) -> Iterator[Frame]:
        self.start()
        self.dropped, count = 0, 0
        try:
            for frame in self._rising():
                self._begun_s = self._begun_s if count else frame.time_s
                time_s = frame.time_s - self._begun_s
                if self._seconds is not None and time_s >= self._seconds:
                    break
                self.given_s = self.now_s()
                yield replace(frame, index=count, time_s=time_s)
                count += 1
        finally:
            self.close()
            left_out = [f"frames left out, as newer ones had come: {self.dropped}"] if self.dropped else []
            self.notes[:] = [*self._source.notes, *left_out]

    def _rising(self) -> Iterator[Frame]:
        """What is given, in order of time: a blank may be younger than a picture that was on its way."""
        last_s: Fraction | None = None
        while (frame := self._next(last_s)) is not None:
            if last_s is None or frame.time_s > last_s:
                last_s = frame.time_s
                yield frame
            else:
                self.dropped += 1

    def _next(self, last_s: Fraction | None) -> Frame | None:
        """Wait for a frame, or for so long that a blank one stands for it; None at the end."""
        asked_s = time.monotonic()
        blank_s = BLANK_EVERY_S if self._blank_before else self._blank_after_s
        while not self._stopped:
            with self._changed:
                if self._waiting is None and not self._ended:
                    self._changed.wait(WAKE_S)
                frame, self._waiting = self._waiting, None
                ended = self._ended
            if frame is not None:
                self._blank_before = False
                return frame
            if ended:
                if self._error is not None:
                    raise self._error
                return None
            if self._blanks and last_s is not None and time.monotonic() - asked_s >= blank_s:
                self._blank_before = True
                return self._blank()
        return None

    def _blank(self) -> Frame:
        image = np.zeros((self.info.height_px, self.info.width_px, 3), np.uint8)
        return Frame(image, 0, Fraction(round(self._source.now_s() * 1_000_000), 1_000_000))

    def _capture(self) -> None:
        try:
            for frame in self._source:
                with self._changed:
                    self.dropped += self._waiting is not None
                    self._waiting = frame
                    self._changed.notify()
                if self._stopped:
                    break
        except BaseException as error:
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
