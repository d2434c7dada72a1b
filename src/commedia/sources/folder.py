"""A folder of what people bring: pictures, videos and recorded motion, sorted as people count (2 before 10).

`FolderSource` is its pictures as separate stills, one second apart, each on its own; nothing is tracked from one to the
next, and sizes may differ. `folder_entries` are all that can be read, each for itself, and what is left alone, by name.
A folder that the Live Link Face app saved is one take, and no folder in this sense.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from commedia.errors import UnreadableMedia
from commedia.sources.image import picture_source
from commedia.sources.recorded.take_folder import take_folder
from commedia.sources.source import FrameSource, MediaInfo
from commedia.structures import Frame

PICTURE_SUFFIXES = frozenset(
    (".jpg .jpeg .jpe .jfif .mpo .jp2 .png .webp .avif .heic .heif .gif .bmp .tif .tiff .ppm .pgm .pnm .qoi").split()
)
VIDEO_SUFFIXES = frozenset(".mov .mp4 .m4v .avi .mkv .webm .mpg .mpeg .3gp .mts .m2ts .wmv .flv .mxf .ogv".split())
MOTION_SUFFIXES = frozenset(".csv .tsv .json .jsonl .ndjson".split())
MOST_NAMED = 100
"""Names that one note lists."""


@dataclass(frozen=True)
class Entry:
    """Something in a folder that is read for itself."""

    path: Path
    name: str
    """For its results: the stem, or the whole name where stems repeat."""


class FolderSource(FrameSource):
    """The pictures of one folder; those that cannot be read are skipped and named in `notes`, and so is what is no
    picture."""

    def __init__(self, path: Path, *, only_pictures: bool = True):
        """A folder without pictures is an error, but for one with videos or motion when not `only_pictures`."""
        self.path = path
        self.entries, left = folder_entries(path)
        self.pictures = [entry.path for entry in self.entries if is_picture(entry.path)]
        others = [entry.path for entry in self.entries if not is_picture(entry.path)]
        if not self.pictures and (only_pictures or not others):
            raise UnreadableMedia(_no_pictures(path, [*others, *left]))
        self.notes: list[str] = left_alone([*(others if only_pictures else []), *left])
        first = self._first_readable() if self.pictures and (only_pictures or not others) else None
        size = (0, 0, 1.0) if first is None else (first.width_px, first.height_px, first.scale)
        still = only_pictures or not others
        self.info = MediaInfo(size[0], size[1], Fraction(1), len(self.pictures), is_still=still, scale=size[2])

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        for path in self.pictures:
            try:
                frame = next(iter(_picture(path)))
            except UnreadableMedia as error:
                self.notes[:] = [*dict.fromkeys([*self.notes, str(error)])]
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


def is_picture(path: Path) -> bool:
    """Whether a file calls itself a picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def folder_entries(path: Path) -> tuple[list[Entry], list[Path]]:
    """What is read of a folder, in natural order, and what is left alone: other files, folders that are no takes."""
    there = sorted(
        (entry for entry in path.iterdir() if not entry.name.startswith(".")), key=lambda file: natural_key(file.name)
    )
    known = PICTURE_SUFFIXES | VIDEO_SUFFIXES | MOTION_SUFFIXES
    read = [
        entry
        for entry in there
        if (entry.is_file() and entry.suffix.lower() in known) or (entry.is_dir() and take_folder(entry) is not None)
    ]
    stems = Counter(entry.stem.lower() for entry in read)
    named = [Entry(entry, entry.stem if stems[entry.stem.lower()] == 1 else entry.name) for entry in read]
    return named, [entry for entry in there if entry not in set(read)]


def left_alone(paths: list[Path]) -> list[str]:
    """A note that names what was not read, by name; nothing where there is nothing."""
    listed = ", ".join(f"'{path.name}'" for path in paths[:MOST_NAMED])
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return [f"not read: {listed}{more}"] if paths else []


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that reads digits as numbers and ignores case: 'Img2' before 'img10'."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part[:18]), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts)


def _no_pictures(path: Path, others: list[Path]) -> str:
    found = ", ".join(f"'{file.name}'" for file in others[:4])
    found = f"it holds {len(others)} other files ({found})" if others else "it holds no files"
    return f"the folder '{path}' holds no pictures (.jpg, .png, .webp, .heic, ...): {found}"


def _picture(path: Path) -> FrameSource:
    source = picture_source(path)
    if source is None:
        raise UnreadableMedia(f"'{path}' is not a picture that can be read")
    return source
