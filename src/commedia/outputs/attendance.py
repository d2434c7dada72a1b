"""Who was in a take, when, and what their faces did: counted while it runs, in memory that does not grow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.structures import TrackedFace, TrackedFrame

LIDS = [EXPRESSION_INDEX["eyeBlinkLeft"], EXPRESSION_INDEX["eyeBlinkRight"]]
SHUT, OPEN = 0.5, 0.3
"""Both eyes are shut from the first on, and open again when both are below the second."""
LONGEST_BLINK_S = 0.5
"""Eyes that stay shut for longer were closed."""
LOW, HIGH = 0.05, 0.95
"""Shares of the frames seen in which a blendshape is below its range's ends."""
STEPS = 100
"""How finely values are counted, per 1."""


@dataclass(frozen=True)
class PersonFacts:
    """What a take says about one person."""

    seen_s: float
    """How long the person was really seen."""
    filled_s: float
    """How long they were shown without being seen: their last motion held, then on its way to neutral."""
    blinks_per_minute: float | None
    """Of both eyes, per minute seen; None where time does not pass, as in photos."""
    range: Mapping[str, tuple[float, float]]
    """Between which values each blendshape is in nine of ten frames seen, as the take has it."""
    neutral: Mapping[str, float]
    """What was read of the face at rest and taken away, by blendshape; empty where that was not looked for."""


@dataclass
class Presence:
    """When one person was there, and what is counted of them."""

    first_s: Fraction
    last_s: Fraction
    tracked_frames: int = 0
    seen_s: float = 0.0
    filled_s: float = 0.0
    blinks: int = 0
    shut_since_s: float | None = None
    """While both eyes are shut."""
    counts: Int[np.ndarray, "52 n"] = field(default_factory=lambda: np.zeros((EXPRESSION_COUNT, STEPS + 1), np.int64))
    """Frames in which each blendshape had each value."""

    def add(self, face: TrackedFace, time_s: Fraction, step_s: float) -> None:
        """Count one frame, `step_s` after the one before."""
        self.last_s = time_s
        if face.status != "tracked":
            self.filled_s += step_s
            self.shut_since_s = None
            return
        self.tracked_frames += 1
        self.seen_s += step_s
        values = np.clip(np.rint(STEPS * face.params.expression), 0, STEPS).astype(int)
        self.counts[np.arange(EXPRESSION_COUNT), values] += 1
        self._add_lids(face.params.expression[LIDS], float(time_s))

    def facts(self, neutral: Mapping[str, float]) -> PersonFacts:
        """What was counted; `neutral` is what was taken away before."""
        low, high = (self._percentile(share).tolist() for share in (LOW, HIGH))
        names = zip(EXPRESSION_NAMES, low, high, strict=True)
        blinks = round(60 * self.blinks / self.seen_s, 1) if self.seen_s else None
        ranges = {name: (lowest, highest) for name, lowest, highest in names}
        return PersonFacts(round(self.seen_s, 3), round(self.filled_s, 3), blinks, ranges, dict(neutral))

    def _add_lids(self, lids: Float[np.ndarray, "2"], time_s: float) -> None:
        if (lids >= SHUT).all():
            self.shut_since_s = time_s if self.shut_since_s is None else self.shut_since_s
        elif (lids < OPEN).all() and self.shut_since_s is not None:
            self.blinks += time_s - self.shut_since_s <= LONGEST_BLINK_S
            self.shut_since_s = None

    def _percentile(self, share: float) -> Float[np.ndarray, "52"]:
        """The least value that at least this share of the frames does not pass."""
        return (self.counts.cumsum(axis=1) >= share * self.tracked_frames).argmax(axis=1) / STEPS


class Attendance:
    """Counts, while a take runs, its frames and who was there, when and how."""

    def __init__(self) -> None:
        self.frames, self.duration_s = 0, Fraction(0)
        self.people: dict[int, Presence] = {}
        self.neutral: Mapping[int, Mapping[str, float]] = {}
        """How people's faces were found to rest, by id and blendshape."""
        self.nobody: Mapping[int, int] = {}
        """In how many frames a thing was taken for somebody and is left out, by the id it had."""

    def add(self, tracked: TrackedFrame) -> None:
        """Count one frame."""
        step_s = float(tracked.time_s - self.duration_s) if self.frames else 0.0
        self.frames, self.duration_s = self.frames + 1, tracked.time_s
        for face in tracked.faces:
            presence = self.people.setdefault(face.id, Presence(tracked.time_s, tracked.time_s))
            presence.add(face, tracked.time_s, step_s)

    def facts(self, person: int) -> PersonFacts:
        """What was counted of one person."""
        return self.people[person].facts(self.neutral.get(person, {}))
