"""Vertices to image points with a depth that a z-buffer may compare: weak perspective and true perspective.

An image point is (x_px, y_px, depth): pixels as in `conventions.py`, and a depth that grows away from the viewer and is
affine over the image of a plane, so that interpolating it linearly across a projected triangle is exact.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def matrix_from_wxyz(wxyz: Float[Tensor, "b 4"]) -> Float[Tensor, "b 3 3"]:
    """Turn unit quaternions into rotation matrices; the torch twin of `geometry.rotations`."""
    w, x, y, z = wxyz.unbind(-1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
    ]
    return torch.stack(rows, -2)


def rotate(vertices: Float[Tensor, "b v 3"], wxyz: Float[Tensor, "b 4"]) -> Float[Tensor, "b v 3"]:
    """Turn vertices of the head frame into the camera's axes, the origin staying where it is."""
    return vertices @ matrix_from_wxyz(wxyz).transpose(1, 2)


def weak_perspective(
    rotated: Float[Tensor, "b v 3"], origin_px: Float[Tensor, "b 2"], px_per_m: Float[Tensor, "b"]
) -> Float[Tensor, "b v 3"]:
    """Project without foreshortening (Chaudhuri et al. 2019, Eq. 2); depth is in metres, 0 at the head's origin."""
    xy = origin_px[:, None] + px_per_m[:, None, None] * rotated[..., :2] * rotated.new_tensor([1.0, -1.0])
    return torch.cat([xy, -rotated[..., 2:]], -1)


def pinhole(
    camera_points: Float[Tensor, "b v 3"], focal_px: Float[Tensor, "b"], centre_px: Float[Tensor, "b 2"]
) -> Float[Tensor, "b v 3"]:
    """Project points of a camera that sits at the origin and looks along -z; `centre_px` is where it looks.

    Depth is minus the inverse of the distance along the axis: that, not the distance, is affine over the image of a
    plane. What is nearer than 0.001 units, or behind, is taken to be that far away.
    """
    inverse = 1 / (-camera_points[..., 2]).clamp_min(1e-3)
    flip = camera_points.new_tensor([1.0, -1.0])
    scale = focal_px[:, None, None] * inverse[..., None]
    return torch.cat([centre_px[:, None] + scale * camera_points[..., :2] * flip, -inverse[..., None]], -1)


def perspective(
    rotated: Float[Tensor, "b v 3"],
    origin_px: Float[Tensor, "b 2"],
    px_per_m: Float[Tensor, "b"],
    distance_m: Float[Tensor, "b"],
) -> Float[Tensor, "b v 3"]:
    """Project rotated vertices through a pinhole on the ray to the head's origin, `distance_m` away.

    `px_per_m` is the scale at the origin's depth, so that a large distance gives `weak_perspective`.
    """
    away = torch.stack([torch.zeros_like(distance_m), torch.zeros_like(distance_m), distance_m], -1)
    return pinhole(rotated - away[:, None], px_per_m * distance_m, origin_px)
