"""How old each moment is when everybody has been sent it: by number of people, in memory that does not grow."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from commedia.outputs.sink import Sink, StreamInfo
from commedia.structures import Moment

STEP_MS = 0.25
LONGEST_MS = 4000.0
"""What takes longer counts as this."""
MOST_PEOPLE = 16
"""More people than this count as this many."""
QUANTILES = (0.5, 0.95, 0.99)
STAGES = ("wait", "track", "send")
"""From capture until somebody works on the frame; until everyone in it is known and posed; until all is sent."""
NEWEST_SHARE = 0.1
"""Of the newest frame in what is said of the stages now."""


@dataclass(frozen=True)
class Latency:
    """What was measured of the moments with so many people; None stands for all moments."""

    people: int | None
    frames: int
    quantiles_ms: tuple[float, ...]
    """At `QUANTILES`, rounded up to `STEP_MS`; empty where nothing could be measured."""


class LatencyMeter:
    """A sink with another in it, which is sent everything before it is measured. Keeps counts, not moments."""

    def __init__(
        self,
        sink: Sink,
        now_s: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        given_s: Callable[[], float] | None = None,
    ):
        """`now_s` is the time now on the clock of the frames' times, `given_s` the time on it when the last frame was
        taken to be worked on; not a number where nobody knows. Without it stages are not measured."""
        self.name, self._sink, self._now_s, self._clock = sink.name, sink, now_s, clock
        self._given_s = given_s
        self.stages_ms: dict[str, float] = dict.fromkeys(STAGES, math.nan)
        """How long each stage takes now."""
        self.last_ms = math.nan
        """How old the last moment was; not a number where it cannot be known."""
        self._counts: Int64[np.ndarray, "people steps"] = np.zeros(
            (MOST_PEOPLE + 1, int(LONGEST_MS / STEP_MS) + 1), np.int64
        )
        self._frames = np.zeros(MOST_PEOPLE + 1, np.int64)
        self._first_s = self._last_s = 0.0

    def open(self, info: StreamInfo) -> None:
        self._sink.open(info)

    def send(self, moment: Moment) -> None:
        known_s = math.nan if self._given_s is None else self._now_s()
        self._sink.send(moment)
        people = min(sum(face.status == "tracked" for face in moment.tracked.faces), MOST_PEOPLE)
        captured_s, sent_s = float(moment.tracked.time_s), self._now_s()
        age_ms = self.last_ms = (sent_s - captured_s) * 1000
        if self._given_s is not None:
            self._note_stages(captured_s, self._given_s(), known_s, sent_s)
        self._last_s = self._clock()
        self._first_s = self._first_s if self._frames.any() else self._last_s
        self._frames[people] += 1
        if math.isfinite(age_ms):
            self._counts[people, math.ceil(min(max(age_ms, 0.0), LONGEST_MS) / STEP_MS)] += 1

    def close(self) -> None:
        self._sink.close()

    def discard(self) -> None:
        self._sink.discard()

    def _note_stages(self, *marks: float) -> None:
        for name, begun_s, done_s in zip(STAGES, marks, marks[1:], strict=False):
            before, now_ms = self.stages_ms[name], (done_s - begun_s) * 1000
            self.stages_ms[name] = before + NEWEST_SHARE * (now_ms - before) if math.isfinite(before) else now_ms

    @property
    def frames_per_second(self) -> float:
        """From the first moment to the last."""
        seconds = self._last_s - self._first_s
        return (int(self._frames.sum()) - 1) / seconds if seconds > 0 else 0.0

    def overall(self) -> Latency:
        """Of all moments."""
        return Latency(None, int(self._frames.sum()), _quantiles_ms(self._counts.sum(axis=0)))

    def by_people(self) -> list[Latency]:
        """Of the moments with so many people each, where there were any."""
        return [
            Latency(people, int(self._frames[people]), _quantiles_ms(self._counts[people]))
            for people in np.flatnonzero(self._frames).tolist()
        ]


def latency_in_words(quantiles_ms: Sequence[float]) -> str:
    """`p50 12 ms, p95 20 ms, p99 31 ms`, or nothing."""
    return ", ".join(f"p{round(100 * q)} {ms:.0f} ms" for q, ms in zip(QUANTILES, quantiles_ms, strict=False))


def _quantiles_ms(counts: Int64[np.ndarray, "steps"]) -> tuple[float, ...]:
    """The smallest age that so large a share of the moments does not exceed."""
    total = int(counts.sum())
    if not total:
        return ()
    below = np.cumsum(counts)
    return tuple(float(np.searchsorted(below, math.ceil(share * total)) * STEP_MS) for share in QUANTILES)
