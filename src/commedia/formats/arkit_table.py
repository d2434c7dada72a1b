"""Tables of motion: the CSV that Live Link Face saves, and every other with columns named after ARKit's blendshapes.

One row is one frame of one person. Columns are found by name, in any order, case and spelling of the sides.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import nan, pi
from pathlib import Path

import numpy as np

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES
from commedia.errors import UnreadableMedia, nearest
from commedia.formats.columns import blendshape_index, number, time_name, time_unit
from commedia.formats.lines import line_count, split_line, text_lines
from commedia.formats.recorded import PEEKED_ROWS, RecordedFace, RecordedRow
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll

DELIMITERS = (",", ";", "\t")
HEAD_ANGLES = ("headyaw", "headpitch", "headroll")
SHOWN_COLUMNS = 6
PERCENT_FROM = 2.0
"""Weights are shares of 1; a file with a larger one than this counts in percent."""


def open_table(path: Path) -> "ArkitTable | None":
    """A text file to its table of motion; None without time and blendshapes, `UnreadableMedia` with a time alone."""
    header, *lines = [line for _, line in islice(text_lines(path), 1 + PEEKED_ROWS)] or [""]
    table = ArkitTable(path, header)
    if table.blendshapes:
        table.look_at_values(lines)
        return table
    if table.time is None or len(table.names) < 3:
        return None
    raise UnreadableMedia(_no_blendshapes(path, table.names))


class ArkitTable:
    """What the header says, and how to read a row; implements `RecordedReader`."""

    def __init__(self, path: Path, header: str):
        self.path, self.first_rows = path, list[RecordedRow]()
        self.delimiter = max(DELIMITERS, key=header.count)
        self.names = split_line(header, self.delimiter)
        self.blendshapes: dict[int, int] = {}
        for column, name in enumerate(self.names):
            blendshape = blendshape_index(name)
            if blendshape is not None and blendshape not in self.blendshapes.values():
                self.blendshapes[column] = blendshape
        name = time_name(self.names)
        self.time = None if name is None else self.names.index(name)
        self.unit = "" if name is None else time_unit(name) or ""
        plain = [name.replace(" ", "").replace("_", "").lower() for name in self.names]
        self.angles = [plain.index(angle) if angle in plain else None for angle in HEAD_ANGLES]
        is_app = self.time is not None and plain[self.time] == "timecode" and "blendshapecount" in plain
        self.kind = "a Live Link Face CSV" if is_app else "a CSV of ARKit blendshapes"
        self.weight, self.radians = 1.0, 1.0
        self.remarks = _remarks(self.blendshapes)

    def look_at_values(self, lines: Sequence[str]) -> None:
        """Read the first rows: weights in percent and angles in degrees give themselves away by their size."""
        rows = [split_line(line, self.delimiter) for line in lines]
        weights = [self._number(cells, column) for cells in rows for column in self.blendshapes]
        angles = [self._number(cells, column) for cells in rows for column in self.angles if column is not None]
        if max(weights, default=0.0, key=_size) > PERCENT_FROM:
            self.weight = 0.01
            self.remarks.append("its weights go beyond 1, so they were read as percent")
        if _size(max(angles, default=0.0, key=_size)) > 2 * pi:
            self.radians = pi / 180
            self.remarks.append("its angles go beyond a full turn, so they were read as degrees")
        self.first_rows = [self._row(cells) for cells in rows]

    def rows(self) -> Iterator[RecordedRow]:
        """All rows from the beginning."""
        lines = text_lines(self.path)
        next(lines, None)
        return (self._row(split_line(line, self.delimiter)) for _, line in lines)

    def row_count(self) -> int:
        """Lines but the header's, blank ones too."""
        return max(1, line_count(self.path) - 1)

    def _row(self, cells: list[str]) -> RecordedRow:
        stamp = None if self.time is None else self._cell(cells, self.time)
        return RecordedRow(stamp, self.unit, self._faces(cells))

    def _faces(self, cells: list[str]) -> tuple[RecordedFace, ...]:
        # The app ends a row after its count where it saw no face.
        if not any(column < len(cells) and cells[column] for column in self.blendshapes):
            return ()
        expression = np.zeros(EXPRESSION_COUNT)
        for column, blendshape in self.blendshapes.items():
            expression[blendshape] = self._number(cells, column) * self.weight
        if not any(column is not None for column in self.angles):
            return (RecordedFace(expression, None),)
        turns = [0.0 if column is None else self._number(cells, column) for column in self.angles]
        angles = np.array(turns) * self.radians
        # Sines of numbers beyond reason are noise.
        usable = bool((np.abs(angles) < 100).all())
        return (RecordedFace(expression, wxyz_from_yaw_pitch_roll(angles) if usable else np.full(4, nan)),)

    def _number(self, cells: list[str], column: int) -> float:
        value = number(self._cell(cells, column))
        return nan if value is None else value

    def _cell(self, cells: list[str], column: int) -> str:
        text = cells[column] if column < len(cells) else ""
        # Where a semicolon separates columns, a comma may be the decimal point.
        return text.replace(",", ".") if self.delimiter == ";" else text


def _size(value: float) -> float:
    return abs(value) if value == value else 0.0


def _remarks(blendshapes: dict[int, int]) -> list[str]:
    missing = [name for index, name in enumerate(EXPRESSION_NAMES) if index not in blendshapes.values()]
    if not missing or not blendshapes:
        return []
    more = f" and {len(missing) - SHOWN_COLUMNS} more" if len(missing) > SHOWN_COLUMNS else ""
    return [f"no column for {', '.join(missing[:SHOWN_COLUMNS])}{more}"]


def _no_blendshapes(path: Path, names: list[str]) -> str:
    shown = ", ".join(f"'{name[:40]}'" for name in names[:SHOWN_COLUMNS])
    more = f" and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else ""
    # Comparing with thousands of names takes longer than anybody waits.
    hint = nearest("jawOpen", [name for name in names[:200] if len(name) < 40])
    return (
        f"'{path}' was taken for a table of motion, but none of its columns is named after an ARKit blendshape: "
        f"found {shown}{more}; {hint}expected names such as 'jawOpen', 'eyeBlinkLeft' or 'eyeBlink_L'"
    )
