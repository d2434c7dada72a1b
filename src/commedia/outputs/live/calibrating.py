"""A person in front of the camera to their calibration: two seconds of rest, then a few of everything a face does."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from commedia.face_model.calibration import Calibration, calibration_from_phases
from commedia.structures import TrackedFrame

REST_S, RANGE_S = 2.0, 6.0
"""How long a face must really be seen at rest, and then moving."""
GIVE_UP_S = 20.0
"""Who is not seen for long enough within this time is not calibrated."""
Phase = Literal["rest", "range", "done", "given up"]


@dataclass
class Calibrating:
    """Collects what is read of one person while it goes on."""

    person: int
    phase: Phase = "rest"
    calibration: Calibration | None = None
    """Once done."""
    _readings: dict[str, list[np.ndarray]] = field(default_factory=lambda: {"rest": [], "range": []})
    _seen_s: float = 0.0
    _begun_s: float | None = None
    _last_s: float | None = None

    def add(self, tracked: TrackedFrame) -> bool:
        """Take in one frame as measured; says whether the phase changed."""
        now_s, before = float(tracked.time_s), self.phase
        self._begun_s = now_s if self._begun_s is None else self._begun_s
        face = next((one for one in tracked.faces if one.id == self.person and one.status == "tracked"), None)
        if face is not None and self.phase in self._readings:
            # A gap is not time in which somebody was seen.
            self._seen_s += min(now_s - (now_s if self._last_s is None else self._last_s), 0.25)
            self._readings[self.phase].append(face.params.expression)
            self._last_s = now_s
            self._go_on()
        elif self.phase in self._readings and now_s - self._begun_s > GIVE_UP_S:
            self.phase = "given up"
        return self.phase != before

    def _go_on(self) -> None:
        if self.phase == "rest" and self._seen_s >= REST_S:
            self.phase, self._seen_s = "range", 0.0
        elif self.phase == "range" and self._seen_s >= RANGE_S:
            self.calibration = calibration_from_phases(self._readings["rest"], self._readings["range"])
            self.phase = "done"
