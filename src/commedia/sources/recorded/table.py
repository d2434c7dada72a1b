"""Tables of motion: the CSV that Live Link Face saves, and every other with columns named after ARKit's units.

One row is one frame of one person. Columns are found by name, in any order, case and spelling of the sides.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from math import nan, pi
from pathlib import Path

import numpy as np

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES
from commedia.errors import UnreadableMedia, nearest
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.sources.recorded.clock import time_name, unit_from_name
from commedia.sources.recorded.lines import PEEKED_FRAMES, line_count, split_line, text_lines
from commedia.sources.recorded.moments import Moment, MomentSource, Reading
from commedia.sources.recorded.units import number, unit_index

DELIMITERS = (",", ";", "\t")
HEAD_ANGLES = ("headyaw", "headpitch", "headroll")
SHOWN_COLUMNS = 6
PERCENT_FROM = 2.0
"""Weights are shares of 1; a file with a larger one than this counts in percent."""


def open_table(path: Path, *, rate: Fraction | None = None) -> MomentSource | None:
    """Open a table of motion; None for text that is no table with a time or with units.

    Raises:
        UnreadableMedia: It is a table with a time, but none of its columns is a unit.
    """
    table = _Table(path)
    if not table.units:
        if table.time is None or len(table.names) < 3:
            return None
        raise UnreadableMedia(_no_units(path, table.names))
    table.look_at_values()
    count = max(1, line_count(path) - 1)
    return MomentSource(path, table.kind, table.moments, rate=rate, frame_count=count, remarks=table.remarks)


class _Table:
    """What the header says, and how to read a row."""

    def __init__(self, path: Path):
        self.path = path
        header = next(text_lines(path), (0, ""))[1]
        self.delimiter = max(DELIMITERS, key=header.count)
        self.names = split_line(header, self.delimiter)
        self.units: dict[int, int] = {}
        for column, name in enumerate(self.names):
            unit = unit_index(name)
            if unit is not None and unit not in self.units.values():
                self.units[column] = unit
        name = time_name(self.names)
        self.time = None if name is None else self.names.index(name)
        self.unit = "" if name is None else unit_from_name(name) or ""
        plain = [name.replace(" ", "").replace("_", "").lower() for name in self.names]
        self.angles = [plain.index(angle) if angle in plain else None for angle in HEAD_ANGLES]
        is_app = self.time is not None and plain[self.time] == "timecode" and "blendshapecount" in plain
        self.kind = "a Live Link Face CSV" if is_app else "a CSV of ARKit units"
        self.weight, self.radians = 1.0, 1.0
        self.remarks = _remarks(self.units)

    def look_at_values(self) -> None:
        """Weights in percent and angles in degrees give themselves away by their size."""
        rows = [cells for _, cells in islice(self._rows(), PEEKED_FRAMES)]
        weights = [self._number(cells, column) for cells in rows for column in self.units]
        angles = [self._number(cells, column) for cells in rows for column in self.angles if column is not None]
        if max(weights, default=0.0, key=_size) > PERCENT_FROM:
            self.weight = 0.01
            self.remarks.append("its weights go beyond 1, so they were read as percent")
        if _size(max(angles, default=0.0, key=_size)) > 2 * pi:
            self.radians = pi / 180
            self.remarks.append("its angles go beyond a full turn, so they were read as degrees")

    def moments(self) -> Iterator[Moment]:
        """One moment per row."""
        for _, cells in self._rows():
            stamp = None if self.time is None else self._cell(cells, self.time)
            yield Moment(stamp, self.unit, self._faces(cells))

    def _faces(self, cells: list[str]) -> tuple[Reading, ...]:
        # The app ends a row after its count where it saw no face.
        if not any(column < len(cells) and cells[column] for column in self.units):
            return ()
        expression = np.zeros(EXPRESSION_COUNT)
        for column, unit in self.units.items():
            expression[unit] = self._number(cells, column) * self.weight
        if not any(column is not None for column in self.angles):
            return (Reading(expression, None),)
        turns = [0.0 if column is None else self._number(cells, column) for column in self.angles]
        angles = np.array(turns) * self.radians
        # Sines of numbers beyond reason are noise.
        usable = bool((np.abs(angles) < 100).all())
        return (Reading(expression, wxyz_from_yaw_pitch_roll(angles) if usable else np.full(4, nan)),)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        lines = text_lines(self.path)
        next(lines, None)
        return ((number, split_line(line, self.delimiter)) for number, line in lines)

    def _number(self, cells: list[str], column: int) -> float:
        value = number(self._cell(cells, column))
        return nan if value is None else value

    def _cell(self, cells: list[str], column: int) -> str:
        text = cells[column] if column < len(cells) else ""
        # Where a semicolon separates columns, a comma may be the decimal point.
        return text.replace(",", ".") if self.delimiter == ";" else text


def _size(value: float) -> float:
    return abs(value) if value == value else 0.0


def _remarks(units: dict[int, int]) -> list[str]:
    missing = [name for index, name in enumerate(EXPRESSION_NAMES) if index not in units.values()]
    if not missing or not units:
        return []
    more = f" and {len(missing) - SHOWN_COLUMNS} more" if len(missing) > SHOWN_COLUMNS else ""
    return [f"no column for {', '.join(missing[:SHOWN_COLUMNS])}{more}"]


def _no_units(path: Path, names: list[str]) -> str:
    shown = ", ".join(f"'{name[:40]}'" for name in names[:SHOWN_COLUMNS])
    more = f" and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else ""
    # Comparing with thousands of names takes longer than anybody waits.
    hint = nearest("jawOpen", [name for name in names[:200] if len(name) < 40])
    return (
        f"'{path}' was taken for a table of motion, but none of its columns is named after an ARKit unit: "
        f"found {shown}{more}; {hint}expected names such as 'jawOpen', 'eyeBlinkLeft' or 'eyeBlink_L'"
    )
