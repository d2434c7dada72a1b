"""What a stream is told before its first moment, and moments."""

from fractions import Fraction
from functools import cache
from pathlib import Path

from faces_to_send import PICTURE_PX, frame_of

from commedia.outputs.sink import StreamInfo
from commedia.retarget.cast import Cast
from commedia.sources.source import MediaInfo
from commedia.structures import Moment, TrackedFace


@cache
def everybody() -> Cast:
    """The default head for all; made once, as that takes longer than any test."""
    return Cast()


def info(cast: Cast | None = None) -> StreamInfo:
    """Of a clip at 30 frames per second."""
    media = MediaInfo(*PICTURE_PX, Fraction(30), None, is_still=False)
    return StreamInfo(Path("clip.mp4"), media, cast or everybody())


def moment(faces: list[TrackedFace], time_s: Fraction = Fraction(1, 2)) -> Moment:
    """Faces as they come from a tracker and as characters play them."""
    frame = frame_of(time_s, faces)
    return Moment(None, frame, frame, {})
