"""What a file of recorded motion says row by row, before anybody makes sense of its times: the readers' nouns."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

Stamp = str | int | float | None
"""The time of a row as the file gives it; None where it gives none."""
PEEKED_ROWS = 256
"""Read beforehand, to learn what the file does not say: the frame rate, the unit of its times."""
MOST_PEOPLE = 256
"""Everyone gets files of their own; more than this is no take, but a file that wants to fill the disk."""


@dataclass(frozen=True)
class RecordedFace:
    """What one face does in one row."""

    expression: Float[np.ndarray, "e"]
    """In the order of `EXPRESSION_NAMES`; NaN where the file says something that is no number."""
    head_wxyz: Float[np.ndarray, "4"] | None
    """camera_from_head; None where the file says nothing about the head, NaN where it says what cannot be read."""


@dataclass(frozen=True)
class RecordedRow:
    """One row of a table, or one frame of another file."""

    stamp: Stamp
    unit: str
    """Of the stamp, as `columns.time_unit` has it."""
    faces: tuple[RecordedFace, ...]
    """The n-th face of every row is person n: these files have no lasting ids."""


@runtime_checkable
class RecordedReader(Protocol):
    """A file of rows."""

    path: Path
    kind: str
    """What the file was taken for, in words."""
    rate: Fraction | None
    """Frames per second that the file itself names; None where it names none."""
    remarks: list[str]
    """What a reader of the result has to know; may grow while rows are read."""
    first_rows: list[RecordedRow]
    """At most `PEEKED_ROWS` of them."""

    def rows(self) -> Iterator[RecordedRow]:
        """All rows from the beginning, again each time; no more than one is kept."""
        ...

    def row_count(self) -> int | None:
        """An estimate for a progress bar; None where the file would have to be parsed for it."""
        ...
