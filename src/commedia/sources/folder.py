"""A folder of pictures as separate stills: sorted as people count (2 before 10), one second apart, each on its own.

Nothing is tracked from one picture to the next, and sizes may differ. Sub-folders and videos are left alone.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from commedia.errors import UnreadableMedia
from commedia.sources.image import picture_source
from commedia.sources.source import FrameSource, MediaInfo
from commedia.structures import Frame

PICTURE_SUFFIXES = frozenset(
    (".jpg .jpeg .jpe .jfif .mpo .jp2 .png .webp .avif .gif .bmp .tif .tiff .ppm .pgm .pnm .qoi").split()
)


class FolderSource(FrameSource):
    """The pictures of one folder; those that cannot be read are skipped and named in `notes`."""

    def __init__(self, path: Path):
        self.path = path
        self.notes: list[str] = []
        self.pictures = pictures_in(path)
        first = self._first_readable()
        self.info = MediaInfo(
            first.width_px, first.height_px, Fraction(1), len(self.pictures), is_still=True, scale=first.scale
        )

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        for path in self.pictures:
            try:
                frame = next(iter(_picture(path)))
            except UnreadableMedia as error:
                self.notes.append(str(error))
                continue
            yield replace(frame, index=index, time_s=Fraction(index))
            index += 1

    def _first_readable(self) -> MediaInfo:
        problems = []
        for path in self.pictures:
            try:
                return _picture(path).info
            except UnreadableMedia as error:
                problems.append(str(error))
        raise UnreadableMedia(f"none of the {len(problems)} pictures in '{self.path}' can be read; {problems[0]}")


def pictures_in(path: Path) -> list[Path]:
    """List the pictures of a folder in natural order, by suffix; a folder without any is an error."""
    files = [entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith(".")]
    pictures = [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
    if not pictures:
        found = ", ".join(f"'{file.name}'" for file in sorted(files)[:4])
        found = f"it holds {len(files)} other files ({found})" if files else "it holds no files"
        raise UnreadableMedia(f"the folder '{path}' holds no pictures (.jpg, .png, .webp, ...): {found}")
    return sorted(pictures, key=lambda file: natural_key(file.name))


def named_pictures(path: Path) -> list[tuple[Path, str]]:
    """The pictures of a folder, each with a name for its results: the stem, or the whole name where stems repeat."""
    pictures = pictures_in(path)
    stems = Counter(picture.stem.lower() for picture in pictures)
    return [(picture, picture.stem if stems[picture.stem.lower()] == 1 else picture.name) for picture in pictures]


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that reads digits as numbers and ignores case: 'Img2' before 'img10'."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts)


def _picture(path: Path) -> FrameSource:
    source = picture_source(path)
    if source is None:
        raise UnreadableMedia(f"'{path}' is not a picture that can be read")
    return source
