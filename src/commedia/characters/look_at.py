"""How a VRM shows where its character looks: by bones of the eyes, or by four expressions.

The file's author says how far: a range map per direction, from the angle of the gaze to what is shown of it.

Reference: vrm-c/vrm-specification, `VRMC_vrm-1.0/lookAt.md`.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class RangeMap:
    """From an angle of gaze to degrees of an eye bone, or to the value of an expression."""

    input_max_deg: float
    output: float
    """At and beyond `input_max_deg`: degrees for bones, a value for expressions."""

    def at(self, angle_deg: float) -> float:
        """Map an angle, whose sign does not count."""
        return min(abs(angle_deg), self.input_max_deg) / self.input_max_deg * self.output


@dataclass(frozen=True)
class LookAt:
    """How the character shows where it looks."""

    kind: str
    """`bone` or `expression`."""
    inner: RangeMap
    """Towards the nose."""
    outer: RangeMap
    down: RangeMap
    up: RangeMap


def gaze_weights(look_at: LookAt, yaw_deg: float, pitch_deg: float) -> dict[str, float]:
    """Values of the look presets, each for both eyes (outer range); yaw positive to the subject's left, pitch down."""
    return {
        "lookLeft": look_at.outer.at(yaw_deg) if yaw_deg > 0 else 0.0,
        "lookRight": look_at.outer.at(yaw_deg) if yaw_deg < 0 else 0.0,
        "lookDown": look_at.down.at(pitch_deg) if pitch_deg > 0 else 0.0,
        "lookUp": look_at.up.at(pitch_deg) if pitch_deg < 0 else 0.0,
    }


def eye_angles_deg(look_at: LookAt, yaw_deg: float, pitch_deg: float, *, left: bool) -> tuple[float, float]:
    """Yaw and pitch of one eye bone: a turn to the left is outward for the left eye, inward for the right."""
    horizontal = look_at.outer if (yaw_deg > 0) == left else look_at.inner
    vertical = look_at.down if pitch_deg > 0 else look_at.up
    return math.copysign(horizontal.at(yaw_deg), yaw_deg), math.copysign(vertical.at(pitch_deg), pitch_deg)
