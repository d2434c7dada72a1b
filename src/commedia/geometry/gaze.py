"""The direction of gaze that the eight `eyeLook*` blendshapes stand for."""

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_INDEX

GAZE_YAW_RAD = np.deg2rad(35.0)
"""How far an eyeball turns sideways at a weight of 1: where ARKit's scale ends, near the limit of a human eye."""
GAZE_PITCH_RAD = np.deg2rad(25.0)
"""The same up and down."""
LOOKS = tuple(f"eyeLook{way}" for way in ("In", "Out", "Up", "Down"))


def gaze_yaw_pitch(expression: Float[np.ndarray, "e"]) -> Float[np.ndarray, "2 2"]:
    """Yaw and pitch of the left eye, then of the right, in radians: positive to the subject's left, and down."""
    inward, outward, up, down = (
        np.array([expression[EXPRESSION_INDEX[look + side]] for side in ("Left", "Right")]) for look in LOOKS
    )
    # Outward is the subject's left for the left eye only.
    yaw = (outward - inward) * np.array([1.0, -1.0]) * GAZE_YAW_RAD
    pitch = (down - up) * GAZE_PITCH_RAD
    return np.stack([yaw, pitch], axis=1)
