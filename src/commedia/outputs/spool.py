"""A take on disk while it is being made, frame by frame, in memory that does not grow.

Raw rows in temporary files, appended as they come and read back piece by piece; the files die with the run.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT
from commedia.structures import FaceParams, HeadPose, TrackedFace, TrackedFrame

ROW = np.dtype([("frame", "<i4"), ("expression", "<f4", EXPRESSION_COUNT), ("wxyz", "<f4", 4)])
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
        """Make `folder` for the temporary files."""
        folder.mkdir()
        self._folder = folder
        self._times: list[tuple[int, int]] = []
        self.parts: dict[int, Part] = {}
        """Everyone who ever appeared, by id."""
        self.frame_count = 0

    def add(self, tracked: TrackedFrame) -> None:
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

    def params(self, person: int) -> Iterator[tuple[int, FaceParams]]:
        """What one person did: frame numbers and parameters, in order, all with the identity known at the end."""
        part = self.parts[person]
        self._flush_rows(part)
        for row in _read(self._path(person), ROW):
            # The place in the image is not kept: a character stands where it stands.
            pose = HeadPose(row["wxyz"], np.zeros(2, np.float32), 1.0)
            yield int(row["frame"]), FaceParams(part.identity, row["expression"], pose)

    def discard(self) -> None:
        """Remove the files; safe to call twice."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _add(self, frame: int, face: TrackedFace) -> None:
        part = self.parts.setdefault(face.id, Part(face.id, frame, face.params.identity))
        part.identity = face.params.identity
        part.last_frame = frame
        part.tracked_frames += face.status == "tracked"
        part.rows.append((frame, face.params.expression, face.params.pose.wxyz))
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


def _read(path: Path, dtype: np.dtype) -> Iterator[np.void]:
    """Yield all rows. Not mapped: pages of a long take would count as the program's own memory."""
    if not path.exists():
        return
    with path.open("rb") as file:
        while len(rows := np.frombuffer(file.read(BUFFERED_ROWS * dtype.itemsize), dtype)):
            yield from rows
