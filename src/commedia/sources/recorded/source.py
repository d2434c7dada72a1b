"""What every source of recorded motion is: a stream of `TrackedFrame`, and what is known before the first one.

It stands where a source of pictures and the tracker stand together; nothing here is drawn or guessed from pixels.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from commedia.sources.source import MediaInfo
from commedia.structures import TrackedFrame

PEEKED_FRAMES = 256
"""Read beforehand, to learn what the file does not say: the frame rate, the unit of its times."""
PLAUSIBLE_RATES = (Fraction(1, 10), Fraction(1000))
MOST_PEOPLE = 256
"""Everyone gets files of their own; more than this is no take, but a file that wants to fill the disk."""
LONGEST_S = Fraction(7 * 24 * 3600)
"""A frame that is later than this after the first one has a wrong time."""


class MotionSource(ABC):
    """Tracked faces in order of time. Iterating again starts from the beginning; no more than a frame is kept."""

    path: Path
    info: MediaInfo
    """Of motion: `pictures` is False, and the size that of the pictures once watched, 0 x 0 where nobody knows."""
    notes: list[str]
    """What a reader of the result has to know, one sentence each. Grows while iterating."""

    @abstractmethod
    def __iter__(self) -> Iterator[TrackedFrame]: ...

    def __enter__(self) -> "MotionSource":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Files are open only while they are iterated.
        return None
