"""One door for every kind of media on disk: looks at what is there, not at the name."""

from pathlib import Path

from commedia.errors import UnreadableMedia, nearest
from commedia.sources.folder import FolderSource
from commedia.sources.image import picture_source
from commedia.sources.source import FrameSource
from commedia.sources.video import VideoSource

HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def open_source(path: Path | str) -> FrameSource:
    """Open a photograph, an animation, a video or a folder of photographs.

    Raises:
        UnreadableMedia: Nothing is there, or nothing in it can be read as a picture.
    """
    path = Path(path)
    if path.is_dir():
        return FolderSource(path)
    _require_content(path)
    return picture_source(path) or VideoSource(path)


def _require_content(path: Path) -> None:
    if not path.exists():
        raise UnreadableMedia(f"there is no file '{path}'; {_what_exists(path)}")
    if not path.is_file():
        raise UnreadableMedia(f"'{path}' is neither a file nor a folder")
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise UnreadableMedia(f"'{path}' cannot be opened: {error.strerror}") from error
    if not head:
        raise UnreadableMedia(f"'{path}' is empty (0 bytes); expected a picture or a video")
    if head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS:
        # FFmpeg would read single tiles of such a photo and call them frames.
        raise UnreadableMedia(f"'{path}' is a HEIC photo, which is not read here; save it as JPEG or PNG")


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
