"""Files that appear whole or not at all: written beside their final name, then renamed.

Whatever the disk refuses becomes `OutputFailed`, and what stood under the final name before stays as it was.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from commedia.errors import OutputFailed, SinkClosed


class Aside:
    """A name beside a file's own for who opens files by name; `commit` makes it the file, `discard` leaves no trace."""

    def __init__(self, path: Path, suffix: str = ".partial"):
        self.path = path
        self.aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{suffix}")
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)

    def commit(self) -> None:
        """Give what was written its name."""
        try:
            os.replace(self.aside, self.path)
        except OSError as error:
            self.discard()
            raise OutputFailed(refusal(self.path, error)) from error

    def discard(self) -> None:
        """Remove what was written; safe to call twice and after `commit`."""
        with contextlib.suppress(OSError):
            self.aside.unlink(missing_ok=True)


class AtomicFile(Aside):
    """A binary file that takes its name on `commit`."""

    def __init__(self, path: Path):
        super().__init__(path)
        with disk_errors(path):
            self._file: BinaryIO = self.aside.open("xb")
        self.is_closed = False

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes; when the disk is full nothing is left behind."""
        if self.is_closed:
            raise SinkClosed(self.path)
        try:
            self._file.write(data)
        except OSError as error:
            self.discard()
            raise OutputFailed(refusal(self.path, error)) from error

    def overwrite(self, offset: int, data: bytes) -> None:
        """Replace bytes that were written before, as a count that is known only at the end."""
        try:
            self._file.seek(offset)
            self._file.write(data)
            self._file.seek(0, os.SEEK_END)
        except OSError as error:
            self.discard()
            raise OutputFailed(refusal(self.path, error)) from error

    def commit(self) -> None:
        """Close the file and give it its name."""
        self.is_closed = True
        try:
            self._file.close()
        except OSError as error:
            self.discard()
            raise OutputFailed(refusal(self.path, error)) from error
        super().commit()

    def discard(self) -> None:
        """Remove what was written; safe to call twice and after `commit`."""
        self.is_closed = True
        # Closing flushes, which fails again on a full disk; the file goes away either way.
        with contextlib.suppress(OSError):
            self._file.close()
        super().discard()


class GrowingFile(AtomicFile):
    """A new binary file under its own name from the beginning: what was written is there whatever becomes of the
    program. For records of what happens only once."""

    def __init__(self, path: Path):
        self.path = self.aside = path
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = path.open("xb")
        self.is_closed = False

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes to what the system has, which outlives this program."""
        super().write(data)
        with disk_errors(self.path):
            self._file.flush()

    def discard(self) -> None:
        """Close the file; what was written stays."""
        self.is_closed = True
        with contextlib.suppress(OSError):
            self._file.close()


class FileWriter:
    """A file of one format that is made piece by piece: `close` gives it its name, `discard` leaves no trace."""

    def __init__(self, path: Path, file: AtomicFile | None = None):
        """`file` is where pieces go; by default one that takes its name at the end."""
        self.path, self._file = path, file or AtomicFile(path)

    def close(self) -> None:
        """Give the file its name; closing twice, or after `discard`, does nothing."""
        if not self._file.is_closed:
            self._finish()
            self._file.commit()

    def discard(self) -> None:
        """Remove what was written."""
        self._file.discard()

    def _finish(self) -> None:
        """Write what is known only at the end."""


@contextmanager
def written_aside(path: Path) -> Iterator[AtomicFile]:
    """Write a file within a `with` block: committed at its end, discarded when it is left by an exception."""
    file = AtomicFile(path)
    try:
        yield file
    except BaseException:
        file.discard()
        raise
    file.commit()


def write_file(path: Path, data: bytes | memoryview) -> None:
    """Write all of a file at once."""
    with written_aside(path) as file:
        file.write(data)


@contextmanager
def named_aside(path: Path, suffix: str) -> Iterator[Path]:
    """The same for libraries that open files themselves: give a name ending in `suffix`, which becomes `path`."""
    file = Aside(path, suffix)
    try:
        with disk_errors(path):
            yield file.aside
        file.commit()
    finally:
        file.discard()


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into `OutputFailed`."""
    try:
        yield
    except OSError as error:
        raise OutputFailed(refusal(path, error)) from error


def refusal(path: Path, error: OSError) -> str:
    """One sentence about a file that could not be written."""
    return f"cannot write {path}: {error.strerror or error}; whatever was there before is untouched"


def sha256_of(path: Path) -> str:
    """Hash a file of any size, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hashed_share(data: bytes) -> float:
    """Bytes to a number in [0, 1) that is theirs everywhere and always: what is below a share is that share of all."""
    return int.from_bytes(hashlib.sha256(data).digest()[:4], "big") / 2**32
