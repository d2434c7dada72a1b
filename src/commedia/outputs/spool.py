"""A take on disk while it is being made: what everyone did, frame by frame, in memory that does not grow.

Raw rows in temporary files, appended as they come and mapped back at the end. Not a format: the files die with the run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT
from commedia.structures import Frame, RigPose, TrackedFace, TrackedFrame

TRACKED = 0
STATUS_CODES = {"tracked": TRACKED, "held": 1, "fading": 2}
ROW = np.dtype([("frame", "<i4"), ("status", "u1"), ("expression", "<f4", EXPRESSION_COUNT), ("wxyz", "<f4", 4)])
TIME = np.dtype([("numerator", "<i8"), ("denominator", "<i8")])
BUFFERED_ROWS = 256


@dataclass
class Part:
    """What is remembered of one person besides the rows on disk."""

    id: int
    first_frame: int
    identity: Float[np.ndarray, "i"]
    """Of the last frame: the mean over the track."""
    tracked_frames: int = 0
    rows: list[tuple] = field(default_factory=list)
    """Not yet on disk."""


class TakeSpool:
    """Collects a take; a `Sink`."""

    def __init__(self, folder: Path):
        """Keep the temporary files in `folder`, which must exist."""
        self._folder = folder
        self._times: list[tuple[int, int]] = []
        self.parts: dict[int, Part] = {}
        """Everyone who ever appeared, by id."""
        self.frame_count = 0
        self.last_s = Fraction(0)

    def send(self, frame: Frame, tracked: TrackedFrame, poses: Mapping[int, RigPose]) -> None:
        """Take in one frame."""
        self.frame_count += 1
        self.last_s = tracked.time_s
        self._times.append((tracked.time_s.numerator, tracked.time_s.denominator))
        if len(self._times) >= BUFFERED_ROWS:
            self._flush_times()
        for face in tracked.faces:
            self._add(tracked.index, face)

    def times_s(self) -> Iterator[Fraction]:
        """Time of every frame of the take, in order."""
        self._flush_times()
        return (Fraction(int(n), int(d)) for n, d in _mapped(self._folder / "times", TIME))

    def rows(self, person: int) -> np.ndarray:
        """What one person did: a read-only array of `ROW`, mapped from disk, in order of frames."""
        self._flush_rows(self.parts[person])
        return _mapped(self._path(person), ROW)

    def close(self) -> None:
        """Nothing to complete: what was collected is read after this."""

    def discard(self) -> None:
        """Delete the temporary files."""
        for path in (self._folder / "times", *map(self._path, self.parts)):
            path.unlink(missing_ok=True)

    def _add(self, frame: int, face: TrackedFace) -> None:
        part = self.parts.setdefault(face.id, Part(face.id, frame, face.params.identity))
        part.identity = face.params.identity
        part.tracked_frames += face.status == "tracked"
        part.rows.append((frame, STATUS_CODES[face.status], face.params.expression, face.params.pose.wxyz))
        if len(part.rows) >= BUFFERED_ROWS:
            self._flush_rows(part)

    def _flush_rows(self, part: Part) -> None:
        _append(self._path(part.id), np.array(part.rows, dtype=ROW))
        part.rows.clear()

    def _flush_times(self) -> None:
        _append(self._folder / "times", np.array(self._times, dtype=TIME))
        self._times.clear()

    def _path(self, person: int) -> Path:
        return self._folder / f"person-{person}"


def _append(path: Path, rows: np.ndarray) -> None:
    with path.open("ab") as file:
        file.write(rows.tobytes())


def _mapped(path: Path, dtype: np.dtype) -> np.ndarray:
    return np.memmap(path, dtype=dtype, mode="r") if path.stat().st_size else np.zeros(0, dtype)
