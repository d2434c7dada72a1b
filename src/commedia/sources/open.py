"""One door for everything that can be watched or played: looks at how a file begins, never at its name.

An address, such as `livelink://:11111` or `camera://0`, is a source too: what is sent or seen there.
"""

import re
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import cast

from commedia.errors import UnknownName, UnreadableMedia, nearest
from commedia.formats.address import is_address
from commedia.formats.arkit_table import open_table
from commedia.formats.head_angles import UNITS
from commedia.formats.lines import encoding_of
from commedia.formats.mediapipe import MediapipeResults
from commedia.formats.timecode import usual_rate
from commedia.sources.folder import FolderSource
from commedia.sources.image import picture_source
from commedia.sources.live.cameras import is_camera, open_camera
from commedia.sources.live.open import open_receiver
from commedia.sources.recorded.rows import RowSource
from commedia.sources.recorded.take import TakeSource
from commedia.sources.recorded.take_folder import take_folder
from commedia.sources.source import FrameSource, RecordedSource
from commedia.sources.video import VideoSource

HEAD_BYTES = 1 << 16
RECORDED = (
    "a take.jsonl, a Live Link Face CSV, a CSV with columns named after ARKit blendshapes, or MediaPipe landmarker "
    "results as JSON"
)
_TAKE = re.compile(r'\{[^\n]{0,4096}?"format"\s*:\s*"commedia-take"')


def open_source(
    path: Path | str, *, rate: Fraction | None = None, angles: str | None = None
) -> FrameSource | RecordedSource:
    """A path to its pictures or recorded motion (`info.pictures` says which), or `UnreadableMedia`.

    `rate` is frames per second at which the timecodes or frame numbers of a table count, where it does not show;
    `angles`, radians or degrees, the unit of its head's.
    """
    if is_camera(str(path)):
        return open_camera(str(path))
    if is_address(str(path)):
        return open_receiver(str(path))
    path = Path(path)
    if angles not in (None, *UNITS):
        raise UnknownName("unit of angles", str(angles), UNITS)
    if path.is_dir():
        return _take_source(path, rate, angles) or FolderSource(path)
    text = _text(_head(path))
    if not text:
        return picture_source(path) or VideoSource(path)
    recorded = _recorded_source(path, text, rate, angles)
    if angles is not None and (recorded is None or isinstance(recorded, TakeSource) or text[0] in "{["):
        raise UnreadableMedia(f"--angles is for tables of motion, and '{path}' is none")
    if recorded is not None:
        return recorded
    try:
        return picture_source(path) or VideoSource(path)
    except UnreadableMedia as error:
        raise UnreadableMedia(f"{error}, and no motion either; of motion is read: {RECORDED}") from None


def _take_source(path: Path, rate: Fraction | None, angles: str | None) -> RowSource | None:
    """A folder of the Live Link Face app as the motion in it; None for other folders."""
    found = take_folder(path)
    table = None if found is None else open_table(found.table, angles=angles)
    if found is None or table is None:
        return None
    own, watched = found.rate, False
    for video in found.videos[:1] if own is None else ():
        with suppress(UnreadableMedia):
            measured = VideoSource(video).info.frame_rate
            own, watched = usual_rate(measured) or measured, True
    return RowSource(table, rate=rate, own=own, more_notes=found.notes(watched=watched))


def open_frames(path: Path | str) -> FrameSource:
    """The same of pictures only; recorded motion is an error."""
    source = open_source(path)
    if not source.info.pictures:
        raise UnreadableMedia(f"'{path}' is recorded motion; expected a picture, a video or a folder of pictures")
    return cast(FrameSource, source)


def _recorded_source(path: Path, text: str, rate: Fraction | None, angles: str | None = None) -> RecordedSource | None:
    """Open a file of motion by how its text begins; None for other text, which may be a picture."""
    if text[0] not in "{[":
        table = open_table(path, angles=angles)
        return None if table is None else RowSource(table, rate=rate)
    if _TAKE.match(text):
        return TakeSource(path, rate=rate)
    try:
        return RowSource(MediapipeResults(path, text), rate=rate)
    except UnreadableMedia as error:
        raise UnreadableMedia(f"{error}; of motion is read: {RECORDED}") from None


def _head(path: Path) -> bytes:
    """How a file begins; a device or a pipe, which may never end, is refused before it is opened."""
    if not path.exists():
        raise UnreadableMedia(f"there is no file '{path}'; {_what_exists(path)}")
    if not path.is_file():
        raise UnreadableMedia(f"'{path}' is neither a file nor a folder")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise UnreadableMedia(f"'{path}' cannot be opened: {error.strerror}") from error
    if not head:
        raise UnreadableMedia(f"'{path}' is empty (0 bytes); expected a picture or a video")
    return head


def _text(head: bytes) -> str:
    """The head of a text file without leading space; empty for whatever is no text."""
    text = head.decode(encoding_of(head), errors="replace").removeprefix("\ufeff")
    return "" if any(sign < " " and sign not in "\t\r\n\f" for sign in text) else text.lstrip()


def _what_exists(path: Path) -> str:
    folder = path.parent
    while not folder.is_dir():
        folder = folder.parent
    if folder != path.parent:
        return f"the folder '{path.parent}' does not exist either"
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    some = ", ".join(f"'{name}'" for name in names[:5]) + (", ..." if len(names) > 5 else "")
    found = f"'{folder}' holds {len(names)} entries: {some}" if names else f"'{folder}' is empty"
    return nearest(path.name, names).strip() or found
