"""The one question every writer asks of motion before it writes it."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from commedia.errors import OutputFailed
from commedia.structures import FaceParams, RigPose


def require_finite(path: Path, time_s: Fraction, *values: np.ndarray) -> None:
    """Refuse what is not a number. Raises `OutputFailed`, naming the file and the moment."""
    if not all(np.isfinite(array).all() for array in values):
        raise OutputFailed(f"cannot write {path}: the pose at {float(time_s):.3f} s is not finite")


# Both ask of what comes in: further on, a unit quaternion made of one that is not finite is the identity.


def require_finite_params(path: Path, time_s: Fraction, params: FaceParams) -> None:
    """Refuse a face of which the motion is not finite."""
    require_finite(path, time_s, params.expression, params.pose.wxyz)


def require_finite_pose(path: Path, time_s: Fraction, pose: RigPose) -> None:
    """Refuse a pose that is not finite."""
    require_finite(path, time_s, pose.weights, pose.head_wxyz, pose.left_eye_wxyz, pose.right_eye_wxyz)
