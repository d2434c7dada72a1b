"""Where poses go. A sink serves one person; closing it makes its result appear."""

from fractions import Fraction
from typing import Protocol

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
