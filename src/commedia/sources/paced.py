"""A source in real time: each frame when its time has come, as a camera gives them.

Frames that are late are left out and counted.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from commedia.sources.source import Source

LONGEST_GAP_S = 0.25
"""However late it is, a frame comes after so long: a machine that is too slow shows few, and not none."""
LATEST_S = 1.0
"""Who is later than this does not catch up: a file that cannot even be decoded in time goes on from there, slower than
it was taken, rather than ever later."""
EARLY_S = 0.0005
"""Nearer than this to its time a frame is given: no nap is as short."""
NAP_S = 0.05
"""Waiting is cut into pieces of this length, so that `stop` is heard."""


class PacedSource(Source):
    """Plays another source once, or round and round; times and numbers go on rising."""

    def __init__(
        self,
        source: Source,
        *,
        loop: bool = False,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        nap: Callable[[float], object] = time.sleep,
    ):
        """`seconds` after the first frame it ends by itself. `clock` and `nap` are time itself, which tests replace."""
        self.path, self.notes, self.late = source.path, source.notes, 0
        self.info = replace(source.info, frame_count=None) if loop else source.info
        self._source, self._loop, self._seconds = source, loop, seconds
        self._clock, self._nap, self._stopped = clock, nap, False
        self._begun_s: float | None = None

    def stop(self) -> None:
        """End the frames; may be called from a signal's handler or another thread."""
        self._stopped = True

    def now_s(self) -> float:
        """The time now, on the clock of the frames' times."""
        return 0.0 if self._begun_s is None else self._clock() - self._begun_s

    def close(self) -> None:
        self._source.close()

    def __iter__(self) -> Iterator[Any]:
        self._begun_s, given_s, count = None, float("-inf"), 0
        for item in self._items():
            self._begun_s = self._clock() if self._begun_s is None else self._begun_s
            due_s = float(item.time_s)
            if self._seconds is not None and due_s > self._seconds:
                break
            while not self._stopped and (ahead_s := due_s - self.now_s()) > EARLY_S:
                self._nap(min(ahead_s, NAP_S))
            if self._stopped:
                break
            now_s = self.now_s()
            if now_s - due_s > LATEST_S:
                self._begun_s += now_s - due_s
                now_s, given_s = due_s, float("-inf")
            if now_s - due_s > float(1 / self.info.frame_rate) and now_s - given_s < LONGEST_GAP_S:
                self.late += 1
                continue
            given_s = now_s
            yield replace(item, index=count)
            count += 1
        if self.late:
            self.notes.append(f"frames left out, as they were late: {self.late}")

    def _items(self) -> Iterator[Any]:
        """The frames, in rounds that follow each other at the source's rate."""
        after_s = Fraction(0)
        while True:
            last_s = None
            for item in self._source:
                last_s = item.time_s
                yield replace(item, time_s=after_s + last_s)
            if last_s is None or not self._loop or self._stopped:
                return
            after_s += last_s + 1 / self.info.frame_rate
