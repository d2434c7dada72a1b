"""A take of our own as a source of motion: everything comes back as it was measured."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES, IDENTITY_COUNT
from commedia.errors import UnreadableMedia
from commedia.formats.columns import blendshape_index
from commedia.formats.lines import line_count
from commedia.formats.take import TakeReader, head_sha256
from commedia.formats.timecode import PLAUSIBLE_RATES
from commedia.sources.recorded.cleaning import Cleaning
from commedia.sources.recorded.clock import FALLBACK_RATE
from commedia.sources.source import MediaInfo, RecordedSource
from commedia.structures import TrackedFace, TrackedFrame


class TakeSource(RecordedSource):
    """The frames of a take. Everybody keeps id, identity and status."""

    def __init__(self, path: Path, *, rate: Fraction | None = None):
        self.path = path
        reader = TakeReader(path)
        header = reader.header
        first = list(islice(reader, 2))
        reader.close()
        if not first:
            raise UnreadableMedia(f"'{path}' is a take without a single frame")
        slowest, fastest = PLAUSIBLE_RATES
        plausible = slowest <= header.rate <= fastest
        shown = rate or (header.rate if plausible else FALLBACK_RATE)
        count = 1 if len(first) == 1 else max(2, line_count(path) - 1)
        size = _side(header.width_px), _side(header.height_px)
        self.info = MediaInfo(
            *(*size, shown, count),
            is_still=len(first) == 1,
            pictures=False,
            read_before=header.is_read,
            start_day_s=header.start_day_s,
        )
        self._units = [blendshape_index(name) if isinstance(name, str) else None for name in header.expression_names]
        self._same_units = header.expression_names == EXPRESSION_NAMES
        self._same_head = header.head_sha256 == head_sha256()
        self._opening = [f"'{path.name}' was read as a take, {float(shown):.6g} frames per second"]
        if not self._same_head:
            self._opening.append("the take was made with another head model, so the default head has a mean face")
        if not plausible:
            self._opening.append("the take's frame rate is beyond reason and was not used")
        self.notes = list(self._opening)

    def __iter__(self) -> Iterator[TrackedFrame]:
        cleaning = Cleaning(limit=False)
        reader = TakeReader(self.path)
        for frame in reader:
            cleaned = cleaning.frame(frame.time_s, (self._face(face) for face in frame.faces))
            if cleaned is not None:
                yield cleaned
        cut = ["the last line of the take is cut off and was left out"] if reader.truncated else []
        self.notes[:] = [*self._opening, *cleaning.notes(), *cut]

    def _face(self, face: TrackedFace) -> TrackedFace:
        params = face.params
        if not self._same_head or len(params.identity) != IDENTITY_COUNT:
            params = replace(params, identity=np.zeros(IDENTITY_COUNT))
        if len(params.expression) != len(self._units):
            raise UnreadableMedia(
                f"'{self.path}': a face has {len(params.expression)} weights, and the header names {len(self._units)}"
            )
        if not self._same_units:
            params = replace(params, expression=self._in_our_order(params.expression))
        return replace(face, params=params)

    def _in_our_order(self, weights: np.ndarray) -> np.ndarray:
        expression = np.zeros(EXPRESSION_COUNT)
        for unit, weight in zip(self._units, weights, strict=True):
            if unit is not None:
                expression[unit] = weight
        return expression


def _side(pixels: object) -> int:
    return pixels if isinstance(pixels, int) and not isinstance(pixels, bool) and 0 <= pixels < 1 << 20 else 0
