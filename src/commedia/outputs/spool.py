"""A take on disk while it is being made: what everyone did, frame by frame, in memory that does not grow.

Raw rows in temporary files, appended as they come and read back piece by piece. Not a format: the files die with the
run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT
from commedia.structures import FaceParams, HeadPose, TrackedFace, TrackedFrame

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
    last_frame: int = 0
    tracked_frames: int = 0
    rows: list[tuple] = field(default_factory=list)
    """Not yet on disk."""


class TakeSpool:
    """Collects a take, and gives it back person by person."""

    def __init__(self, folder: Path):
        """Keep the temporary files in `folder`, which must exist."""
        self._folder = folder
        self._times: list[tuple[int, int]] = []
        self.parts: dict[int, Part] = {}
        """Everyone who ever appeared, by id."""
        self.frame_count = 0

    def send(self, tracked: TrackedFrame) -> None:
        """Take in one frame."""
        self.frame_count += 1
        self._times.append((tracked.time_s.numerator, tracked.time_s.denominator))
        if len(self._times) >= BUFFERED_ROWS:
            self._flush_times()
        for face in tracked.faces:
            self._add(tracked.index, face)

    def times_s(self) -> Iterator[Fraction]:
        """Time of every frame of the take, in order."""
        self._flush_times()
        return (Fraction(int(n), int(d)) for n, d in _read(self._folder / "times", TIME))

    def duration_s(self) -> Fraction:
        """Time of the last frame; 0 without frames."""
        return self.time_s(self.frame_count - 1) if self.frame_count else Fraction(0)

    def time_s(self, frame: int) -> Fraction:
        """Time of one frame."""
        self._flush_times()
        numerator, denominator = next(_read(self._folder / "times", TIME, first=frame))
        return Fraction(int(numerator), int(denominator))

    def params(self, person: int) -> Iterator[tuple[int, FaceParams]]:
        """What one person did: frame numbers and parameters, in order, all with the identity known at the end."""
        part = self.parts[person]
        self._flush_rows(part)
        for row in _read(self._path(person), ROW):
            # The place in the image is not kept: a character stands where it stands.
            pose = HeadPose(row["wxyz"], np.zeros(2, np.float32), 1.0)
            yield int(row["frame"]), FaceParams(part.identity, row["expression"], pose)

    def _add(self, frame: int, face: TrackedFace) -> None:
        part = self.parts.setdefault(face.id, Part(face.id, frame, face.params.identity))
        part.identity = face.params.identity
        part.last_frame = frame
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


def _read(path: Path, dtype: np.dtype, *, first: int = 0) -> Iterator[np.void]:
    """Yield rows from number `first` on. Not mapped: pages of a long take would count as the program's own memory."""
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(first * dtype.itemsize)
        while len(rows := np.frombuffer(file.read(BUFFERED_ROWS * dtype.itemsize), dtype)):
            yield from rows
