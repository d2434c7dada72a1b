"""Faces to pictures with gradients into shape, colour, light and pose: the differentiable renderer of paper 3. Torch.

As in the paper's (PyTorch3D with one face a pixel and no blur), which triangle a pixel sees has no gradient; where on
it the pixel lies, and so its colour, has. Outlines therefore pull at nothing: terms inside a skin mask, which is what
the photometric loss is, need no soft edge.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from commedia.render.project import pinhole
from commedia.render.rasterize import interpolate, paint, rasterize
from commedia.render.shade import vertex_irradiance, vertex_normals


class FacePictures(NamedTuple):
    """Faces on black."""

    image: Float[Tensor, "b h w 3"]
    """0 to 1 and, in strong light, above."""
    mask: Bool[Tensor, "b h w"]
    """Where a face is."""
    shares: Float[Tensor, "b h w k"] | None = None
    """How much each pixel shows of each part, where parts were given."""


def render_face(
    camera_points: Float[Tensor, "b v 3"],
    triangles: Int64[Tensor, "t 3"],
    albedo: Float[Tensor, "b v 3"],
    light: Float[Tensor, "b 3 9"],
    *,
    focal_sides: float,
    size: int,
    parts: Float[Tensor, "v k"] | None = None,
) -> FacePictures:
    """Draw `size` x `size` pictures of lit vertex colours through a pinhole at the origin that looks along -z.

    `focal_sides` is the focal length in sides of the picture. Light is in camera axes. `parts` are shares of the parts
    that a vertex belongs to.

    Reference: Mo et al. 2022, section 3; colours are lit at the vertices, as in the authors' code.
    """
    count = len(camera_points)
    focal = camera_points.new_full((count,), focal_sides * size)
    points = pinhole(camera_points, focal, camera_points.new_full((count, 2), size / 2))
    colours = albedo * vertex_irradiance(vertex_normals(camera_points, triangles), light)
    raster = rasterize(points, triangles, (size, size))
    seen = interpolate(colours, triangles, raster).clamp_min(0)
    image = paint(seen, raster, seen.new_zeros(count, size, size, 3))
    mask = torch.zeros(count * size * size, dtype=torch.bool, device=image.device)
    mask[raster.picture * size * size + raster.pixel] = True
    if parts is None:
        return FacePictures(image, mask.view(count, size, size))
    shown = interpolate(parts.expand(count, -1, -1), triangles, raster)
    shares = paint(shown, raster, seen.new_zeros(count, size, size, parts.shape[1]))
    return FacePictures(image, mask.view(count, size, size), shares)
