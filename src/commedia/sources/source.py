"""What every source is: a stream of frames, and what is known before the first one. Opens nothing itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

from commedia.structures import Frame, TrackedFrame

MAX_SIDE_PX = 4096
"""Longer pictures are reduced while they are read: the networks see 288 px, refinement crops a few hundred."""


@dataclass(frozen=True)
class MediaInfo:
    """What a source knows of itself before its first frame is read."""

    width_px: int
    """Of the frames, upright and with square pixels; of recorded motion that of the pictures once watched, 0 where
    nobody knows."""
    height_px: int
    frame_rate: Fraction
    """Nominal frames per second; the true times are those of the frames."""
    frame_count: int | None
    """An estimate, good enough for a progress bar; None when the file does not say."""
    is_still: bool
    """Every frame is a picture of its own, and says nothing about the next one."""
    scale: float = 1.0
    """Pixels of a frame per pixel of the file; below 1 where a side was longer than `MAX_SIDE_PX`."""
    pictures: bool = True
    """False for a `RecordedSource`, which shows nobody."""
    read_before: bool = False
    """Recorded motion that commedia read from pictures itself, before: a take of its own."""
    start_day_s: Fraction | None = None
    """Time of day of the first frame, as seconds of its timecode's label; None where the file has none."""
    is_live: bool = False
    """Comes now and only once: no frame may wait for later ones, and nobody can read it again."""

    @property
    def is_read(self) -> bool:
        """Faces are what commedia reads in pictures, now or before; others' motion is not."""
        return self.pictures or self.read_before


@runtime_checkable
class Source(Protocol):
    """What a take comes from, in order of time. Iterating again starts from the beginning; no frame is kept.

    Files are open only while they are iterated.
    """

    path: Path
    info: MediaInfo
    notes: list[str]
    """What a reader of the result has to know, one sentence each: skipped frames, a file cut short. Grows while
    iterating."""

    def __iter__(self) -> Iterator[Frame] | Iterator[TrackedFrame]: ...

    def close(self) -> None:
        """Let go of whatever is open."""

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@runtime_checkable
class FrameSource(Source, Protocol):
    """Pictures."""

    def __iter__(self) -> Iterator[Frame]: ...

    def __enter__(self) -> "FrameSource":
        return self


@runtime_checkable
class RecordedSource(Source, Protocol):
    """Faces that somebody else tracked."""

    def __iter__(self) -> Iterator[TrackedFrame]: ...

    def __enter__(self) -> "RecordedSource":
        return self


def reduced_size(width_px: int, height_px: int) -> tuple[int, int, float]:
    """Fit a picture into `MAX_SIDE_PX`; also returns the scale, 1 where nothing has to be done."""
    scale = min(1.0, MAX_SIDE_PX / max(width_px, height_px))
    return max(1, round(width_px * scale)), max(1, round(height_px * scale)), scale
