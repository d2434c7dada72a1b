"""A data set's folder as something not to be trusted: paths stay inside it, texts are short and hold finite numbers.

What is wrong with one item is a `BadAnnotation` that the reader turns into a count in `LeftOut`; what is wrong with a
list that many items hang on goes through to the user.
"""

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import ParamSpec, TypeVar

from commedia.data.datasets.items import ClipFrame, ClipMoment, DatasetFace, DatasetItem, StoredPicture
from commedia.errors import CommediaError, UnreadableMedia
from commedia.sources.folder import natural_key

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff")
VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")

LARGEST_TEXT = 64 * 2**20
LARGEST_NUMBER = 1e6
"""Beyond it a number is no position in a picture."""

_Read = TypeVar("_Read")
_Args = ParamSpec("_Args")


class BadAnnotation(CommediaError):
    """A file of a data set that is not what it should be; says which file and, where there are lines, which line."""

    reason = "the annotation cannot be read"

    def __init__(self, path: Path, why: str, *, line: int | None = None):
        place = f"'{path}'" if line is None else f"'{path}', line {line}"
        super().__init__(f"{place}: {why}")


class OutsideFolder(BadAnnotation):
    """A path that leads out of the data set's folder."""

    reason = "the path leaves the data set's folder"


class NoPicture(BadAnnotation):
    """An annotation without its picture, or the other way round."""

    reason = "picture or annotation is not there"


@dataclass(frozen=True)
class LeftOut:
    """How many things were left out, why, and the first of each kind as an example."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, example: str) -> None:
        """Count one."""
        self.counts[reason] += 1
        self.examples.setdefault(reason, example)

    def clear(self) -> None:
        """Start again."""
        self.counts.clear()
        self.examples.clear()

    def __str__(self) -> str:
        parts = (f"{count} because {reason} (first: {self.examples[reason]})" for reason, count in self.counts.items())
        return "; ".join(parts) or "nothing"


@dataclass(frozen=True)
class Tree:
    """The folder of one data set while it is read."""

    root: Path
    dataset: str
    licence: str
    left_out: LeftOut

    def inside(self, relative: str, *, said_by: Path, line: int | None = None) -> Path:
        """Follow a path that a file of the data set names; raises OutsideFolder or NoPicture."""
        name = relative.replace("\\", "/")
        pure = PurePosixPath(name)
        if not pure.parts or "\0" in name or pure.is_absolute() or ":" in pure.parts[0] or ".." in pure.parts:
            raise OutsideFolder(said_by, f"'{relative}' is not a path inside the data set", line=line)
        path = self.root / pure
        if not self.holds(path):
            raise OutsideFolder(said_by, f"'{relative}' leads out of '{self.root}'", line=line)
        if not path.is_file():
            raise NoPicture(said_by, f"there is no '{relative}' in '{self.root}'", line=line)
        return path

    def holds(self, path: Path) -> bool:
        """Say whether a path stays inside when its links are followed."""
        try:
            return path.resolve().is_relative_to(self.root.resolve())
        except (OSError, RuntimeError, ValueError):  # a ring of links, a name no file can have
            return False

    def files(self, suffixes: Sequence[str], under: str = ".") -> Iterator[Path]:
        """Walk files in natural order; hidden ones are skipped, links that lead out are counted and skipped."""
        for folder, folders, names in os.walk(self.root / under):
            folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural_key)
            for linked in [name for name in folders if (Path(folder) / name).is_symlink()]:
                self.left_out.add("a linked folder is not followed", str(Path(folder) / linked))
            for name in sorted(names, key=natural_key):
                path = Path(folder) / name
                if name.startswith(".") or path.suffix.lower() not in suffixes:
                    continue
                if path.is_symlink() and not self.holds(path):
                    self.left_out.add(OutsideFolder.reason, str(path))
                elif path.is_file():
                    yield path

    def key(self, path: Path) -> str:
        """A file's path in the data set."""
        return path.relative_to(self.root).as_posix()

    def attempt(self, read: Callable[_Args, _Read], *args: _Args.args, **named: _Args.kwargs) -> _Read | None:
        """Read one thing; None, and counted, where it cannot be read."""
        try:
            return read(*args, **named)
        except BadAnnotation as error:
            self.left_out.add(error.reason, str(error))
        except UnreadableMedia as error:
            self.left_out.add("the media cannot be read", str(error))
        return None

    def item(
        self,
        picture: StoredPicture | ClipFrame,
        faces: Sequence[DatasetFace],
        *,
        split: str | None = None,
        moment: ClipMoment | None = None,
        all_faces: bool = False,
    ) -> DatasetItem:
        """Put together an item of this data set."""
        key = self.key(picture.path)
        if isinstance(picture, ClipFrame):
            key = f"{key}#{picture.index}"
        return DatasetItem(self.dataset, key, picture, tuple(faces), self.licence, split, moment, all_faces)


def text_lines(path: Path) -> list[str]:
    """Read a text file of sensible size, without line ends."""
    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise BadAnnotation(path, f"larger than {LARGEST_TEXT // 2**20} MiB, which no annotation is")
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadAnnotation(path, "not a text file") from error
    except OSError as error:
        raise BadAnnotation(path, f"cannot be read ({error.strerror})") from error


def face_lines(path: Path, line: int, lines: Sequence[str], most: int) -> tuple[int, int]:
    """Read how many faces a line announces; returns which of `lines`, one a face, are theirs."""
    text = lines[line - 1].strip() if line <= len(lines) else ""
    if not text.isascii() or not text.isdigit() or len(text) > 6 or int(text) > most:
        raise BadAnnotation(path, f"expected the number of faces, found '{text[:60]}'", line=line)
    if line + int(text) > len(lines):
        raise BadAnnotation(path, f"cut short: {text} faces announced, {len(lines) - line} lines left", line=line)
    return line, line + int(text)


def numbers(path: Path, line: int, text: str, count: int) -> list[float]:
    """Read a line of finite numbers, separated by blanks or commas."""
    words = text.replace(",", " ").split()
    if len(words) != count:
        raise BadAnnotation(path, f"expected {count} numbers, found {len(words)} words", line=line)
    try:
        values = [float(word) for word in words]
    except ValueError as error:
        raise BadAnnotation(path, f"'{text.strip()[:60]}' is not made of numbers", line=line) from error
    if not all(math.isfinite(value) and abs(value) < LARGEST_NUMBER for value in values):
        raise BadAnnotation(path, f"'{text.strip()[:60]}' holds a number that cannot be", line=line)
    return values
