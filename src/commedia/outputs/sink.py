"""Where motion goes. A sink or writer serves one person; closing it makes its result appear."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from commedia.structures import RigPose, TrackedFace


class Sink(Protocol):
    """Takes one person's motion frame by frame, in the order of time."""

    def send(self, time_s: Fraction, face: TrackedFace, pose: RigPose) -> None:
        """Take one frame. Raises `SinkClosed` after `close` or `discard`, `OutputFailed` for what cannot be kept."""
        ...

    def close(self) -> None:
        """Finish the result and give it its name; closing twice does nothing."""
        ...

    def discard(self) -> None:
        """Give up: nothing appears under the final name."""
        ...


@runtime_checkable
class Writer(Protocol):
    """Makes a file of finished motion; unlike a `Sink` it takes only what its format holds, a face or a pose."""

    path: Path

    def add(self, time_s: Fraction, what: Any, /) -> None: ...
    def close(self) -> None: ...
    def discard(self) -> None: ...


def write_all(writer: Writer, moments: Iterable[tuple[Fraction, Any]]) -> Path:
    """Write every moment and close; after an error nothing is left. Returns the writer's path."""
    try:
        for time_s, what in moments:
            writer.add(time_s, what)
    except BaseException:
        writer.discard()
        raise
    writer.close()
    return writer.path
