"""Text files of any size and any honesty, line by line, in memory that no line can exhaust."""

import csv
from collections.abc import Iterator
from pathlib import Path

from commedia.errors import UnreadableMedia

LONGEST_LINE = 1 << 18
"""Characters of a table's line: a row of 61 columns has about a thousand."""


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line that is not blank; `UnreadableMedia` for one longer than any table's."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            number = 0
            while line := file.readline(LONGEST_LINE):
                number += 1
                if len(line) == LONGEST_LINE:
                    raise UnreadableMedia(f"'{path}': line {number} is longer than {LONGEST_LINE} characters")
                if line.strip():
                    yield number, line
    except OSError as error:
        raise UnreadableMedia(f"cannot read '{path}': {error.strerror or error}") from None


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
