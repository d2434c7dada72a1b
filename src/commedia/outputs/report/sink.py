"""What a report shows of each person, collected while a take runs: curves and thumbnails, in memory that stays flat."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from jaxtyping import Float32, UInt8

from commedia.conventions import EXPRESSION_COUNT
from commedia.outputs.preview.cards import CARD, draw_bare_face
from commedia.outputs.sink import StreamInfo
from commedia.structures import Moment, TrackedFace

COLUMNS = 240
"""Points along a curve; a take with more frames has several in each."""
THUMBNAIL_PX = 112
CLEARER = 1.15
"""By how much a frame must exceed the one shown, so that few are cut out."""
PEOPLE = 24
"""More people than this have no curves and pictures of their own."""


@dataclass
class Curves:
    """A person's blendshapes over time, the highest of each span of frames; NaN where the person was not there."""

    values: Float32[np.ndarray, "52 n"] = field(
        default_factory=lambda: np.full((EXPRESSION_COUNT, COLUMNS), np.nan, dtype=np.float32)
    )
    frames_per_column: int = 1

    def add(self, frame: int, expression: np.ndarray) -> None:
        """Take in one frame, after all earlier ones."""
        while frame >= COLUMNS * self.frames_per_column:
            self._halve()
        column = self.values[:, frame // self.frames_per_column]
        column[:] = np.fmax(column, expression)

    def until(self, frames: int) -> Float32[np.ndarray, "52 n"]:
        """The columns of a take of so many frames."""
        return self.values[:, : max(1, -(-frames // self.frames_per_column))]

    def _halve(self) -> None:
        pairs = self.values.reshape(EXPRESSION_COUNT, COLUMNS // 2, 2)
        self.values = np.full_like(self.values, np.nan)
        self.values[:, : COLUMNS // 2] = np.fmax(pairs[..., 0], pairs[..., 1])
        self.frames_per_column *= 2


@dataclass
class Thumbnail:
    """The frame of a person that is best by some measure, so far."""

    caption: str
    score: float = -np.inf
    time_s: Fraction = Fraction(0)
    picture: UInt8[np.ndarray, "h w 3"] | None = None

    def offer(self, score: float, image: UInt8[np.ndarray, "h w 3"], face: TrackedFace, time_s: Fraction) -> None:
        """Keep this frame instead, if it is clearly better."""
        if self.picture is not None and score < self.score * CLEARER:
            return
        self.picture = np.full((THUMBNAIL_PX, THUMBNAIL_PX, 3), CARD, dtype=np.uint8)
        draw_bare_face(self.picture, image, face)
        self.score, self.time_s = score, time_s


@dataclass
class Trace:
    """What is collected of one person."""

    curves: Curves = field(default_factory=Curves)
    thumbnails: tuple[Thumbnail, ...] = field(
        default_factory=lambda: (Thumbnail("largest"), Thumbnail("calmest"), Thumbnail("most moved"))
    )

    def add(self, moment: Moment, face: TrackedFace) -> None:
        """Take in one frame in which the person was seen."""
        self.curves.add(moment.tracked.index, face.params.expression)
        if moment.frame is None or face.status != "tracked":
            return
        size = face.box.width_px * face.box.height_px
        moved = float(np.sum(face.params.expression))
        scores = size, size**0.5 / (0.5 + moved), size**0.5 * moved
        for thumbnail, score in zip(self.thumbnails, scores, strict=True):
            thumbnail.offer(score, moment.frame.image, face, moment.tracked.time_s)


class TraceSink:
    """Collects the traces of a take; what they become is written when its summary is known."""

    name = "the report"

    def __init__(self) -> None:
        self.people: dict[int, Trace] = {}

    def open(self, info: StreamInfo) -> None:
        self.people.clear()

    def send(self, moment: Moment) -> None:
        for face in moment.tracked.faces:
            if face.id in self.people or len(self.people) < PEOPLE:
                self.people.setdefault(face.id, Trace()).add(moment, face)

    def close(self) -> None: ...

    def discard(self) -> None: ...
