"""Tables of motion: the CSV that Live Link Face saves, and every other with columns named after ARKit's blendshapes.

One row is one frame of one person. Columns are found by name, in any order, case and spelling of the sides. Comments
and lines above the header are passed over, but for a frame rate that they name.
"""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from math import nan
from pathlib import Path

import numpy as np

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import UnreadableMedia, nearest
from commedia.formats.columns import RATE_NAMES, blendshape_index, number, plain_name, rate_of, time_names, time_unit
from commedia.formats.head_angles import UNITS, angle_columns, eye_columns, judged_unit
from commedia.formats.lines import line_count, split_line, text_lines
from commedia.formats.recorded import PEEKED_ROWS, RecordedFace, RecordedRow
from commedia.formats.stamps import is_time
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll

DELIMITERS = (",", ";", "\t", "|")
COMMENTS = ("#", "//", "%")
MOST_ABOVE = 32
"""Lines above a header: what a program says of itself."""
UNSAID = ("blendshapecount", "lefteyeroll", "righteyeroll")
"""Columns of Live Link Face that say nothing more."""
SHOWN_COLUMNS = 6
PERCENT_FROM = 2.0
"""Weights are shares of 1; a file with a larger one than this counts in percent."""
_SETTING = re.compile(r"[#/%\s]*([A-Za-z][A-Za-z _()]{0,40}?)\s*[:=,;\t]\s*([0-9][0-9./]{0,20}(?: ?fps)?)")


def open_table(path: Path, *, angles: str | None = None) -> "ArkitTable | None":
    """A text file to its table of motion; None without time and blendshapes, `UnreadableMedia` with a time alone.

    `angles` is the unit of the head's, `radians` or `degrees`, where somebody knows.
    """
    above: list[str] = []
    refused: UnreadableMedia | None = None
    for line_number, line in islice(text_lines(path), 1 + MOST_ABOVE):
        table = ArkitTable(path, line, line_number, above)
        if table.blendshapes and not line.lstrip().startswith(COMMENTS):
            table.look_at_values(angles)
            return table
        if table.times and len(table.names) >= 3:
            refused = refused or UnreadableMedia(_no_blendshapes(path, table.names))
        above.append(line)
    if refused is not None:
        raise refused
    return None


class ArkitTable:
    """What the header says, and how to read a row; implements `RecordedReader`."""

    def __init__(self, path: Path, header: str, header_line: int = 1, above: Sequence[str] = ()):
        """`header` is the line of that number, `above` what stands before it."""
        self.path, self.first_rows, self._header_line = path, list[RecordedRow](), header_line
        self.delimiter = max(DELIMITERS, key=header.count)
        self.names = split_line(header, self.delimiter)
        self.blendshapes: dict[int, int] = {}
        for column, name in enumerate(self.names):
            blendshape = blendshape_index(name)
            if blendshape is not None and blendshape not in self.blendshapes.values():
                self.blendshapes[column] = blendshape
        self.times = time_names(self.names)
        self.time, self.unit = None, ""
        self.angles = angle_columns(self.names)
        plain = [plain_name(name) for name in self.names]
        is_app = {"timecode", "blendshapecount"} <= set(plain)
        self.kind = "a Live Link Face CSV" if is_app else "a CSV of ARKit blendshapes"
        self.from_app = is_app
        """Whether it looks like a file of Live Link Face."""
        settings = [found.groups() for line in above if (found := _SETTING.match(line))]
        self.rate = next((rate for name, value in settings if (rate := rate_of(name, value))), None)
        self.weight, self.radians = 1.0, 1.0
        self.remarks = [*_missing(self.blendshapes), *self._unread()]

    def look_at_values(self, angles: str | None) -> None:
        """Read what the header does not say: which column tells the time, whether weights are percent and angles
        degrees. Their sizes are those of the whole file, as a calm beginning says little."""
        rows = [cells for _, cells in islice(self._lines(), PEEKED_ROWS)]
        self._choose_time(rows)
        self.rate = self.rate or self._rate_column(rows)
        largest, turns = 0.0, np.zeros(3)
        for _, cells in self._lines():
            largest = max(largest, max((_size(self._number(cells, column)) for column in self.blendshapes), default=0))
            turns = np.maximum(turns, [_size(turn) for turn in self._turns(cells)])
        if largest > PERCENT_FROM:
            self.weight = 0.01
            self.remarks.append("its weights go beyond 1, so they were read as percent")
        head = np.array([self._turns(cells) for cells in rows]).reshape(-1, 3)
        unit, remark = judged_unit(
            head, turns, self._eyes(rows), named=angles or self.angles.unit, from_app=self.from_app
        )
        self.radians = UNITS[unit]
        self.remarks += [remark] if remark else []
        self.first_rows = [self._row(cells) for cells in rows]

    def rows(self) -> Iterator[RecordedRow]:
        """All rows from the beginning."""
        return (self._row(cells) for _, cells in self._lines())

    def row_count(self) -> int:
        """Lines but those to the header, blank ones too."""
        return max(1, line_count(self.path) - self._header_line)

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """Number and cells of each row."""
        for line_number, line in text_lines(self.path):
            if line_number > self._header_line and not line.lstrip().startswith(COMMENTS):
                yield line_number, split_line(line, self.delimiter)

    def _choose_time(self, rows: Sequence[list[str]]) -> None:
        """The column that is most surely the time's, of those that can be read."""
        columns = [self.names.index(name) for name in self.times]
        told = (column for column in columns if sum(is_time(self._cell(row, column)) for row in rows) * 2 >= len(rows))
        self.time = next(told, columns[0] if columns else None)
        self.unit = "" if self.time is None else time_unit(self.names[self.time]) or ""

    def _rate_column(self, rows: Sequence[list[str]]) -> Fraction | None:
        """A frame rate that every row repeats."""
        cells = ((name, self._cell(rows[0], column)) for column, name in enumerate(self.names) if rows)
        return next((rate for name, cell in cells if (rate := rate_of(name, cell))), None)

    def _eyes(self, rows: Sequence[list[str]]) -> np.ndarray:
        """Per column with an eye's angle the sum of its sizes, and of those of the blendshapes that say the same."""
        place = {blendshape: column for column, blendshape in self.blendshapes.items()}
        sums = []
        for column, looks in eye_columns(self.names).items():
            there = [place[EXPRESSION_INDEX[look]] for look in looks if EXPRESSION_INDEX[look] in place]
            if len(there) == len(looks):
                turned = sum(_size(self._number(cells, column)) for cells in rows)
                looked = sum(max(_size(self._number(cells, look)) for look in there) for cells in rows)
                sums.append([turned, looked * self.weight])
        return np.array(sums).reshape(-1, 2)

    def _unread(self) -> list[str]:
        """Say which columns mean nothing here."""
        read = {*self.blendshapes, *self.angles.columns, *eye_columns(self.names)}
        known = {*self.times, *(name for name in self.names if plain_name(name) in (*RATE_NAMES, *UNSAID))}
        others = [name for column, name in enumerate(self.names) if column not in read and name and name not in known]
        more = f" and {len(others) - SHOWN_COLUMNS} more" if len(others) > SHOWN_COLUMNS else ""
        return [f"columns that are not read: {_shown(others)}{more}"] if others else []

    def _row(self, cells: list[str]) -> RecordedRow:
        stamp = None if self.time is None else self._cell(cells, self.time)
        return RecordedRow(stamp, self.unit, self._faces(cells))

    def _turns(self, cells: list[str]) -> list[float]:
        return [0.0 if column is None else self._number(cells, column) for column in self.angles.columns]

    def _faces(self, cells: list[str]) -> tuple[RecordedFace, ...]:
        # The app ends a row after its count where it saw no face.
        if not any(column < len(cells) and cells[column] for column in self.blendshapes):
            return ()
        expression = np.zeros(EXPRESSION_COUNT)
        for column, blendshape in self.blendshapes.items():
            expression[blendshape] = self._number(cells, column) * self.weight
        if not any(column is not None for column in self.angles.columns):
            return (RecordedFace(expression, None),)
        angles = np.array(self._turns(cells)) * self.radians
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


def _missing(blendshapes: dict[int, int]) -> list[str]:
    missing = [name for index, name in enumerate(EXPRESSION_NAMES) if index not in blendshapes.values()]
    if not missing or not blendshapes:
        return []
    more = f" and {len(missing) - SHOWN_COLUMNS} more" if len(missing) > SHOWN_COLUMNS else ""
    return [f"no column for {', '.join(missing[:SHOWN_COLUMNS])}{more}"]


def _shown(names: Sequence[str]) -> str:
    return ", ".join(f"'{name[:40]}'" for name in names[:SHOWN_COLUMNS])


def _no_blendshapes(path: Path, names: list[str]) -> str:
    shown = _shown(names)
    more = f" and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else ""
    # Comparing with thousands of names takes longer than anybody waits.
    hint = nearest("jawOpen", [name for name in names[:200] if len(name) < 40])
    return (
        f"'{path}' was taken for a table of motion, but none of its columns is named after an ARKit blendshape: "
        f"found {shown}{more}; {hint}expected names such as 'jawOpen', 'eyeBlinkLeft' or 'eyeBlink_L'"
    )
