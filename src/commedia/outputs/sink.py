"""What every output of a take promises: it is sent each frame once, in order, and completes or leaves nothing."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from commedia.structures import Frame, RigPose, TrackedFrame


@runtime_checkable
class Sink(Protocol):
    """The last noun of the sentence."""

    def send(self, frame: Frame, tracked: TrackedFrame, poses: Mapping[int, RigPose]) -> None:
        """Take in one frame: the picture, everyone in it, and the pose of each person's character by id."""

    def close(self) -> None:
        """Complete the output."""

    def discard(self) -> None:
        """Stop, and leave nothing behind."""
