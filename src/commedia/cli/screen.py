"""What is printed of a stream while it runs, on a terminal one line that changes, and what is printed at its end."""

import math
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from commedia.outputs.attendance import Attendance
from commedia.outputs.streams.latency import Latency, LatencyMeter, latency_in_words
from commedia.outputs.streams.trend import Trend
from commedia.sources.source import Source

EVERY_S = 2.0
WEIGHED_EVERY_S = 0.5
"""The program's memory is looked up so often."""
CLEAR_LINE = "\r\x1b[K"


class Screen:
    """Standard error: sentences, and on a terminal a line of state below them."""

    def __init__(self, source: Source | None = None, meter: LatencyMeter | None = None):
        self.source, self.meter, self._shown_s = source, meter, time.monotonic()
        self._begun_s, self._cpu_s = time.monotonic(), time.process_time()
        self._memory_mib: float | None = None
        self._weighed_s, self._memory, self._latency = 0.0, Trend(), Trend()

    def say(self, sentence: str) -> None:
        """Print a sentence; may be called from another thread."""
        print(f"{CLEAR_LINE if sys.stderr.isatty() else ''}commedia: {sentence}", file=sys.stderr)

    def frame_done(self, done: int, _: int | None) -> None:
        """Show the state now and then; the first frame is where measuring begins, as the networks are loaded then."""
        now_s = time.monotonic()
        if done == 1:
            self._begun_s, self._cpu_s, self._memory_mib = now_s, time.process_time(), resident_mib()
        self._note(now_s)
        if now_s - self._shown_s >= EVERY_S and sys.stderr.isatty():
            self._shown_s = now_s
            print(CLEAR_LINE + self.state(), end="", flush=True, file=sys.stderr)

    def _note(self, now_s: float) -> None:
        """Remember how much memory there is and how old moments are sent, for what is said of growth at the end."""
        if self.meter is not None:
            self._latency.add(now_s, self.meter.last_ms)
        if now_s - self._weighed_s >= WEIGHED_EVERY_S and (mib := resident_mib()) is not None:
            self._weighed_s = now_s
            self._memory.add(now_s, mib)

    def state(self) -> str:
        """Frames per second, latency and what was left out, so far."""
        assert self.meter is not None
        overall = self.meter.overall()
        parts = [f"{self.meter.frames_per_second:.1f} frames/s"]
        if overall.quantiles_ms:
            parts.append(f"capture to send {latency_in_words(overall.quantiles_ms)}")
        dropped = getattr(self.source, "dropped", 0)
        return "; ".join([*parts, f"{dropped} frames left out"] if dropped else parts)

    def measures(self) -> dict[str, Any]:
        """The same as numbers, for a page: latency of each stage in ms, frames per second, frames left out."""
        if self.meter is None:
            return {}
        stages = {name: round(ms, 1) for name, ms in self.meter.stages_ms.items() if math.isfinite(ms)}
        late = getattr(self.source, "dropped", 0)
        return {"stages_ms": stages, "frames_per_second": round(self.meter.frames_per_second, 1), "late": late}

    def print_bench(self, seen: Attendance) -> None:
        """Print latency by number of people, the share of the processor, the memory and how both grow, on standard
        output."""
        assert self.meter is not None
        table = Table("people", "frames", "p50", "p95", "p99", title="capture to send, in ms")
        for row in [*self.meter.by_people(), self.meter.overall()]:
            table.add_row(*_cells(row))
        console = Console()
        console.print(table)
        wall_s = max(time.monotonic() - self._begun_s, 1e-9)
        console.print(f"{self.state()}; {len(seen.people)} people in {wall_s:.1f} s", highlight=False, soft_wrap=True)
        share = (time.process_time() - self._cpu_s) / wall_s
        first, last = self._memory_mib, resident_mib()
        memory = "" if first is None or last is None else f"; memory {first:.0f} MiB at first, {last:.0f} at the end"
        console.print(f"processor: {share:.0%} of one core{memory}", highlight=False, soft_wrap=True)
        for sentence in (_in_words("memory", self._memory, "MiB"), _in_words("latency", self._latency, "ms")):
            console.print(sentence, highlight=False, soft_wrap=True)


def resident_mib() -> float | None:
    """The memory that this program holds; None where the system does not say it so."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next((line for line in status.read_text().splitlines() if line.startswith("VmRSS:")), None)
    return None if line is None else int(line.split()[1]) / 1024


def _in_words(what: str, trend: Trend, unit: str) -> str:
    growth = trend.growth()
    if growth is None:
        return f"{what}: the run was too short to say how it grows; --minutes 5 is enough"
    return (
        f"{what} over the second half: {growth.per_hour:+.1f} ± {growth.uncertain:.1f} {unit} an hour, at which "
        f"it would be {growth.after_a_day:.0f} {unit} after 24 hours"
    )


def _cells(row: Latency) -> tuple[str, ...]:
    people = "all" if row.people is None else str(row.people)
    return people, str(row.frames), *(f"{ms:.1f}" for ms in row.quantiles_ms or (float("nan"),) * 3)
