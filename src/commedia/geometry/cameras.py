"""The weak-perspective camera of paper 1 and the pixel rule: the centre of the first pixel is (0.5, 0.5)."""

import numpy as np
from jaxtyping import Float

from commedia.geometry.rotations import matrix_from_wxyz
from commedia.structures import Box, HeadPose


def image_from_head(points_head: Float[np.ndarray, "v 3"], pose: HeadPose) -> Float[np.ndarray, "v 2"]:
    """Project points of the head frame to pixels.

    Reference:
        Chaudhuri et al. 2019, Eq. 2, with f = `px_per_m` and f t = `origin_px`; image y points down.
    """
    rotated = points_head @ matrix_from_wxyz(pose.wxyz).T
    return pose.origin_px + pose.px_per_m * rotated[:, :2] * np.array([1.0, -1.0], dtype=points_head.dtype)


def tight_box(points_px: Float[np.ndarray, "l 2"]) -> Box:
    """Bound points by the smallest upright box."""
    left, top = points_px.min(axis=0)
    right, bottom = points_px.max(axis=0)
    return Box(float(left), float(top), float(right), float(bottom))


def intersection_over_union(first: Box, second: Box) -> float:
    """Overlap of two boxes, 0 to 1; boxes without area overlap nothing."""
    width = min(first.right_px, second.right_px) - max(first.left_px, second.left_px)
    height = min(first.bottom_px, second.bottom_px) - max(first.top_px, second.top_px)
    shared = max(width, 0.0) * max(height, 0.0)
    union = first.width_px * first.height_px + second.width_px * second.height_px - shared
    return shared / union if union > 0 else 0.0
