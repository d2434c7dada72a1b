"""Motion on disk while it arrives, as rows of 32-bit floats: formats that store track by track read it again and again.

The file has no name and dies with the run. It is no format: rows mean what its writer says.
"""

import contextlib
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.errors import SinkClosed
from commedia.files import disk_errors
from commedia.outputs.files.finite import require_finite

ROWS_AT_ONCE = 512
"""Held in memory while tracks are laid out."""


class RowSpool:
    """Keyed rows in order of time; the first column is the time in seconds."""

    def __init__(self, path: Path, width: int):
        """Spool beside `path`, which is what messages name; `width` counts the columns after the time."""
        self.path, self.width = path, width
        self.count = 0
        self.last_time_s = -np.inf
        self._closed = False
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Beside the result, because /tmp is memory on some machines.
            self._file = tempfile.TemporaryFile(dir=path.parent)

    def add(self, time_s: Fraction, values: Float[np.ndarray, " n"]) -> None:
        """Append a row. Of rows at one time (as 32-bit seconds tell time) the first is kept."""
        if self._closed:
            raise SinkClosed(self.path)
        row = np.concatenate([[float(time_s)], values]).astype("<f4")
        assert len(row) == 1 + self.width, f"a row of {len(row) - 1} numbers for {self.width}"
        require_finite(self.path, time_s, row)
        if row[0] <= self.last_time_s:
            return
        self.last_time_s = row[0]
        with disk_errors(self.path):
            self._file.write(row.tobytes())
        self.count += 1

    def end(self) -> bool:
        """Take no more rows; False when that was so before."""
        if self._closed:
            return False
        self._closed = True
        with disk_errors(self.path):
            self._file.flush()
        return True

    def rows(self) -> Iterator[Float[np.ndarray, "n w"]]:
        """Everything again, in blocks."""
        size = 4 * (1 + self.width)
        self._file.seek(0)
        while data := self._file.read(ROWS_AT_ONCE * size):
            yield np.frombuffer(data, "<f4").reshape(-1, 1 + self.width)

    def time_span_s(self) -> tuple[float, float]:
        """First and last time; there must be rows."""
        return float(next(self.rows())[0, 0]), float(self.last_time_s)

    def discard(self) -> None:
        """Forget the rows; safe to call twice."""
        self._closed = True
        # Closing flushes, which a full disk refuses; what was spooled is not wanted any more.
        with contextlib.suppress(OSError):
            self._file.close()


class SpooledWriter(ABC):
    """Writes a file whose tracks are laid out when all rows are there; a format says how in `_write`."""

    def __init__(self, path: Path, width: int):
        self.path = path
        self._spool = RowSpool(path, width)

    def close(self) -> None:
        """Lay out the tracks and write the file; closing twice does nothing."""
        try:
            if self._spool.end():
                self._write()
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget the motion."""
        self._spool.discard()

    @abstractmethod
    def _write(self) -> None: ...
