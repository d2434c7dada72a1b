"""A quick look through a large OBJ file for what makes it unreadable, in a tenth of the time that reading it takes.

It refuses nothing that the reader would take, and leaves to it what needs a closer look, such as `1..5` or `1e308`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Bool, Int64, UInt8

CHUNK = 1 << 20
MOST_DOUBTS = 1000
"""Lines of a file that are looked at one by one; the reader looks at all others."""
MOST_SHOWN = 4096
"""Bytes of a line that is looked at closely; the reader takes no longer ones."""
BLANK = b" \t\n\v\f\r"
OF_VERTEX, OF_FACE = BLANK + b"0123456789+-.eE", BLANK + b"0123456789+-/"


def _table(members: bytes, inside: int, outside: int) -> bytes:
    return bytes(inside if byte in members else outside for byte in range(256))


SPACE = _table(BLANK, 1, 0)
DIGITS = 9
"""Of a face's corner; what has more is beyond any file's vertices."""


@dataclass
class Survey:
    """What was found in a file so far."""

    vertices: int = 0
    lines: int = 0
    largest: int = 0
    """The greatest number of a vertex that a face names, counted from 1."""
    largest_line: int = 0
    doubts: int = 0
    """Lines that were looked at one by one."""
    wrong: str = ""
    """What is wrong with a line, or nothing."""


def survey(path: Path, most_vertices: int) -> Survey:
    """Look through a file, up to the first line that cannot be read, or the first vertex too many."""
    found = Survey()
    with path.open("rb") as file:
        for chunk in _chunks(file):
            _look(found, chunk)
            if found.wrong or found.vertices > most_vertices:
                return found
    if found.largest > found.vertices:
        found.wrong = f"line {found.largest_line}: a face names vertex {found.largest:,} of {found.vertices:,}"
    return found


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """Whole lines, with a line end before the first of each chunk."""
    rest = b""
    while piece := file.read(CHUNK):
        if piece.endswith(b"\r"):
            # Together with what follows it is one line end.
            piece += file.read(1)
        piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in piece else piece
        whole, end, rest = (rest + piece).rpartition(b"\n")
        # Of a line that never ends its beginning says what it is.
        rest = rest if len(rest) < CHUNK else rest[: 2 * MOST_SHOWN]
        yield b"\n" + whole + end
    if rest:
        yield b"\n" + rest + b"\n"


def _look(found: Survey, chunk: bytes) -> None:
    data = np.frombuffer(chunk, np.uint8)
    space = np.frombuffer(chunk.translate(SPACE), bool)
    begins = np.flatnonzero(data[:-1] == ord("\n")) + 1
    starts = np.flatnonzero(space[:-1] & ~space[1:]) + 1
    first = np.searchsorted(starts, begins)
    words = np.diff(first, append=len(starts))
    filled = words > 0
    rows = _Rows(data, starts, first[filled], words[filled], found.lines + 1 + np.flatnonzero(filled))
    found.lines += len(begins)
    key = starts[rows.first]
    alone = space[np.minimum(key + 1, len(data) - 1)]
    for letter, known in ((b"v", OF_VERTEX), (b"f", OF_FACE)):
        lines = alone & (data[key] == ord(letter))
        count = int(lines.sum())
        if not count:
            continue
        # Most chunks hold one kind of line, and nothing odd at all.
        plain = chunk.translate(None, known) == letter * count
        _doubt(found, rows, lines & ((rows.words < 4) | (False if plain else rows.odd(known))))
        if letter == b"v":
            found.vertices += count
        else:
            _largest(found, rows, lines)


@dataclass(frozen=True)
class _Rows:
    """The lines of a chunk that are not empty."""

    data: UInt8[np.ndarray, " n"]
    starts: Int64[np.ndarray, " w"]
    """Of every word."""
    first: Int64[np.ndarray, " r"]
    """The first word of each line."""
    words: Int64[np.ndarray, " r"]
    numbers: Int64[np.ndarray, " r"]
    """As editors count lines."""

    def odd(self, known: bytes) -> Bool[np.ndarray, " r"]:
        """Whether a line holds more than its key that is not of its kind."""
        foreign = np.frombuffer(self.data.tobytes().translate(_table(known, 0, 1)), np.uint8)
        return np.add.reduceat(foreign, self.starts[self.first], dtype=np.int32) != 1


def _doubt(found: Survey, rows: _Rows, doubtful: Bool[np.ndarray, " r"]) -> None:
    if found.wrong:
        return
    doubts = np.flatnonzero(doubtful)[: MOST_DOUBTS - found.doubts]
    found.doubts += len(doubts)
    for row in doubts.tolist():
        start = int(rows.starts[rows.first[row]])
        text = rows.data[start : start + MOST_SHOWN].tobytes().split(b"\n")[0]
        found.wrong = "" if len(text) == MOST_SHOWN else _wrong(text.split(), int(rows.numbers[row]))
        if found.wrong:
            return


def _wrong(words: list[bytes], line: int) -> str:
    """Say why a line cannot be read; nothing where it can."""
    said = f"line {line}: '{b' '.join(words)[:40].decode('ascii', 'replace')}' cannot be read as"
    try:
        if words[0] == b"v":
            good = len(words) >= 4 and bool(np.isfinite([float(word) for word in words[1:4]]).all())
            return "" if good else f"{said} a vertex"
        good = len(words) >= 4 and all(int(word.split(b"/", 1)[0]) for word in words[1:])
        return "" if good else f"{said} a face"
    except ValueError:
        return f"{said} a {'vertex' if words[0] == b'v' else 'face'}"


def _largest(found: Survey, rows: _Rows, lines: Bool[np.ndarray, " r"]) -> None:
    key = np.zeros(len(rows.starts), dtype=bool)
    key[rows.first] = True
    at = rows.starts[np.repeat(lines, rows.words) & ~key]
    digits = np.append(rows.data, np.zeros(DIGITS + 1, dtype=np.uint8)) - ord("0")
    lines_of = np.searchsorted(rows.starts[rows.first], at[digits[at] == 0], side="right") - 1
    _doubt(found, rows, np.isin(np.arange(len(rows.first)), lines_of) if len(lines_of) else np.zeros_like(lines))
    value, going = np.zeros(len(at), dtype=np.int64), np.ones(len(at), dtype=bool)
    for place in range(DIGITS):
        digit = digits[at + place]
        going &= digit <= 9
        if not going.any():
            break
        value = np.where(going, value * 10 + digit, value)
    if len(value) and value.max() > found.largest:
        row = np.searchsorted(rows.starts[rows.first], at[value.argmax()], side="right") - 1
        found.largest, found.largest_line = int(value.max()), int(rows.numbers[row])
