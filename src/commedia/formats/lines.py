"""Text files of any size, encoding and honesty, line by line, in memory that no line can exhaust."""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

from commedia.errors import UnreadableMedia

LONGEST_LINE = 1 << 18
"""Characters of a table's line: a row of 61 columns has about a thousand."""
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""How text begins that is not UTF-8; the first two bytes of UTF-32 are those of UTF-16."""
ZEROS = 0.4
"""Share of zero bytes on one side of each pair from which on unmarked text is UTF-16: ASCII there has all of them."""


def encoding_of(head: bytes) -> str:
    """How a text file is encoded, from how it begins: UTF-8 but for what is marked or looks like UTF-16 or UTF-32."""
    marked = next((encoding for mark, encoding in MARKS if head.startswith(mark)), None)
    if marked is not None or len(head) < 4:
        return marked or "utf-8-sig"
    pairs = len(head) // 2
    even, odd = head[: 2 * pairs : 2].count(0) / pairs, head[1 : 2 * pairs : 2].count(0) / pairs
    if odd > ZEROS and even < 0.01:
        return "utf-16-le"
    return "utf-16-be" if even > ZEROS and odd < 0.01 else "utf-8-sig"


def file_encoding(path: Path) -> str:
    """The same of a file."""
    with path.open("rb") as file:
        return encoding_of(file.read(4096))


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line that is not blank; `UnreadableMedia` for one longer than any table's."""
    try:
        with path.open(encoding=file_encoding(path), errors="replace") as file:
            number = 0
            while line := file.readline(LONGEST_LINE):
                number += 1
                if len(line) == LONGEST_LINE:
                    raise UnreadableMedia(f"'{path}': line {number} is longer than {LONGEST_LINE} characters")
                if line.strip():
                    yield number, line
    except (OSError, UnicodeError) as error:
        raise UnreadableMedia(f"cannot read '{path}': {getattr(error, 'strerror', None) or error}") from None


def line_count(path: Path) -> int:
    """Ends of lines in a file, which is what a progress bar can expect; costs one quick read."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def split_line(line: str, delimiter: str) -> list[str]:
    """The cells of one line of a table, without the space around them."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        # An open quotation mark: quoting is not needed for numbers, so the line is taken as it stands.
        return [cell.strip() for cell in line.split(delimiter)]
