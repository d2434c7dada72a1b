"""The weak-perspective camera of paper 1 and the pixel rule: the centre of the first pixel is (0.5, 0.5)."""

import numpy as np
from jaxtyping import Float

from commedia.geometry.rotations import matrix_from_wxyz
from commedia.structures import HeadPose


def image_from_head(points_head: Float[np.ndarray, "v 3"], pose: HeadPose) -> Float[np.ndarray, "v 2"]:
    """Project head-frame points to pixels, y down (Chaudhuri et al. 2019, Eq. 2: f = `px_per_m`, f t = `origin_px`)."""
    rotated = points_head @ matrix_from_wxyz(pose.wxyz).T
    return pose.origin_px + pose.px_per_m * rotated[:, :2] * np.array([1.0, -1.0], dtype=points_head.dtype)
