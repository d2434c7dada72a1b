"""One door for pictures and for recorded motion: looks at what is there, not at the name."""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from commedia.errors import CommediaError, UnreadableMedia
from commedia.outputs.people import TIMECODE_RATES
from commedia.sources.open import open_source
from commedia.sources.recorded.lines import text_head
from commedia.sources.recorded.mediapipe import open_results
from commedia.sources.recorded.source import PLAUSIBLE_RATES, MotionSource
from commedia.sources.recorded.table import open_table
from commedia.sources.recorded.take import TakeMotion
from commedia.sources.source import FrameSource
from commedia.structures import Frame, TrackedFrame
from commedia.tracking.watch import Models, open_models, watch

ACCEPTED = (
    "a take.jsonl, a Live Link Face CSV, a CSV with columns named after ARKit units, or MediaPipe face landmarker "
    "results as JSON"
)
_TAKE = re.compile(r'\{[^\n]{0,4096}?"format"\s*:\s*"commedia-take"')


def open_input(path: Path | str, *, rate: Fraction | None = None) -> FrameSource | MotionSource:
    """Open pictures or recorded motion.

    Args:
        path: A photograph, an animation, a video, a folder of photographs, or a file of motion.
        rate: Frames per second at which the timecodes or frame numbers of a table count, where it does not show.

    Raises:
        UnreadableMedia: Nothing is there, or nothing that can be read.
    """
    path = Path(path)
    motion = open_motion(path, rate=rate)
    if motion is not None:
        return motion
    try:
        return open_source(path)
    except UnreadableMedia as error:
        if not text_head(path):
            raise
        raise UnreadableMedia(f"{error}, and no motion either; of motion is read: {ACCEPTED}") from None


def open_motion(path: Path, *, rate: Fraction | None = None) -> MotionSource | None:
    """Open a file of motion; None for everything else, which may be a picture.

    Raises:
        UnreadableMedia: It is JSON, or a table with a time, and what a character needs is not in it.
    """
    head = text_head(path) if path.is_file() else None
    if not head:
        return None
    if head[0] not in "{[":
        return open_table(path, rate=rate)
    if _TAKE.match(head):
        return TakeMotion(path, rate=rate)
    try:
        return open_results(path, head, rate=rate)
    except UnreadableMedia as error:
        raise UnreadableMedia(f"{error}; of motion is read: {ACCEPTED}") from None


def play(source: FrameSource | MotionSource, models: Models | None) -> Iterator[tuple[Frame | None, TrackedFrame]]:
    """Everyone in a source, frame by frame; recorded motion comes without pictures, and opens no networks."""
    if isinstance(source, MotionSource):
        return ((None, tracked) for tracked in source)
    return ((frame, tracked) for frame, tracked in watch(source, models or open_models()))


def rate_from_text(text: str) -> Fraction:
    """Read `30`, `29.97` or `30000/1001`; a rate next to a usual one is that."""
    slowest, fastest = PLAUSIBLE_RATES
    try:
        # Checked as a float first: as a Fraction, 1e999999999 would fill the memory.
        parts = [Fraction(part) for part in text.split("/") if 0 <= float(part) < 1e9]
        rate = parts[0] / (parts[1] if len(parts) > 1 else 1) if len(parts) == text.count("/") + 1 <= 2 else None
    except (ValueError, ZeroDivisionError, OverflowError):
        rate = None
    if rate is None or not slowest <= rate <= fastest:
        raise CommediaError(f"--rate {text[:40]} is no frame rate; give one such as 30, 29.97 or 30000/1001")
    return next((usual for usual in TIMECODE_RATES if abs(usual - rate) * 5000 <= usual), rate)
