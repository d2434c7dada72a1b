"""The 52 face units on the head's vertices, corrected where MakeHuman's leave something to wish for."""

import numpy as np

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, mirrored_name

FLIP = np.array([-1.0, 1.0, 1.0])
GAZE_DEG = {"eyeLookIn": 28.0, "eyeLookOut": 28.0, "eyeLookUp": 22.0, "eyeLookDown": 25.0}


def symmetric_units(units: dict[str, np.ndarray], mirror: np.ndarray) -> dict[str, np.ndarray]:
    """Make each unit the exact mirror image of its partner: the mean of the two."""
    found = {}
    for name in EXPRESSION_NAMES:
        found[name] = (units[name] + units[mirrored_name(name)][mirror] * FLIP) / 2
    return found


def add_gaze(units: np.ndarray, mean: np.ndarray, eyes: dict[str, np.ndarray]) -> None:
    """Replace what looking does to the eyeballs by the displacement of a true rotation about the eyeball's centre."""
    for side, vertices in eyes.items():
        outward = 1.0 if side == "Left" else -1.0
        axis_angle = {
            "eyeLookIn": (0.0, -outward, 0.0),
            "eyeLookOut": (0.0, outward, 0.0),
            "eyeLookUp": (-1.0, 0.0, 0.0),
            "eyeLookDown": (1.0, 0.0, 0.0),
        }
        arm = mean[vertices] - mean[vertices].mean(axis=0)
        for name, axis in axis_angle.items():
            units[EXPRESSION_INDEX[name + side], vertices] = (
                _rotated(arm, np.array(axis), np.deg2rad(GAZE_DEG[name])) - arm
            )


def _rotated(points: np.ndarray, axis: np.ndarray, angle: float) -> np.ndarray:
    """Rodrigues' formula for a unit axis."""
    along = points @ axis
    return points * np.cos(angle) + np.cross(axis, points) * np.sin(angle) + np.outer(along, axis) * (1 - np.cos(angle))
