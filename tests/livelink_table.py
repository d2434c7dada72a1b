"""A plain reader of Live Link Face CSV files, so that what we write is judged by other code than what we read with."""

import csv
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

from commedia.conventions import EXPRESSION_NAMES
from commedia.formats.livelink_csv import ANGLE_COLUMNS, DEFAULT_RATE
from commedia.formats.timecode import milliframes_from_timecode


@dataclass(frozen=True)
class LiveLinkTake:
    """What a CSV holds."""

    milliframes: Int64[np.ndarray, " n"]
    """Thousandths of frames since timecode zero; see `milliframes_from_timecode`."""
    expression: Float[np.ndarray, "n e"]
    """In the order of `EXPRESSION_NAMES`; 0 where the file has no such column."""
    angles: Float[np.ndarray, "n 9"]
    """In the order of `ANGLE_COLUMNS`; 0 where the file has no such column."""


def read_livelink_csv(path: Path, rate: Fraction = DEFAULT_RATE) -> LiveLinkTake:
    """Read by column name; the rate, which the file does not state, turns labels into counts."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    named = [{name.lower(): value for name, value in row.items()} for row in rows]
    counts = np.array([milliframes_from_timecode(row["timecode"], rate) for row in named], dtype=np.int64)
    expression = np.array([[float(row.get(name.lower(), 0)) for name in EXPRESSION_NAMES] for row in named])
    angles = np.array([[float(row.get(name.lower(), 0)) for name in ANGLE_COLUMNS] for row in named])
    return LiveLinkTake(counts, expression.reshape(-1, len(EXPRESSION_NAMES)), angles.reshape(-1, len(ANGLE_COLUMNS)))
