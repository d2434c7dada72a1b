"""The batched z-buffer in torch: which triangle does each pixel see, and where on it.

On the CPU compiled loops find it where numba is installed; elsewhere, and as their oracle, plain torch does. Depth and
triangle number are then packed into one int64 per candidate pixel, so that a single `scatter_reduce('amin')` decides
visibility; candidates are enumerated per bucket of triangle size, so that a thousand two-pixel triangles cost no more
than their pixels. Visibility has no gradient; the barycentric weights of the visible triangle do.
No anti-aliasing, no clipping against the camera plane.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from commedia.render.rasterize_compiled import CompiledBuffer, compiled_zbuffer

EDGE_TOLERANCE = 1e-5
"""How far outside a triangle, in barycentric units, a pixel centre still counts: shared edges must not crack."""

_BUCKETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 512, 1024)
_DEPTH_LEVELS = 2**30
_NOTHING = torch.iinfo(torch.int64).max


class Raster(NamedTuple):
    """What the pixels that see something see, in order of picture, row, column."""

    picture: Int64[Tensor, "n"]
    pixel: Int64[Tensor, "n"]
    """row * width + column."""
    triangle: Int64[Tensor, "n"]
    barycentric: Float[Tensor, "n 3"]
    """Weights of the triangle's corners at the pixel's centre, measured in the image; they carry gradients."""


def rasterize(
    points: Float[Tensor, "b v 3"], triangles: Int64[Tensor, "t 3"], size: tuple[int, int], *, cull: bool = True
) -> Raster:
    """Find the nearest triangle at each pixel centre of `size` = (height, width).

    `points` come from `render.project`. With `cull`, triangles that run clockwise as seen (back faces) are left out.
    Of equally deep triangles the one with the lowest number is seen.
    """
    assert max(size) <= _BUCKETS[-1]
    with torch.no_grad():
        seen = visible_triangles(points.detach(), triangles, size, cull=cull).reshape(-1)
        covered = (seen >= 0).nonzero()[:, 0]
    count = size[0] * size[1]
    picture, pixel = covered // count, covered % count
    triangle = seen[covered]
    return Raster(picture, pixel, triangle, barycentric_at(points, triangles[triangle], picture, pixel, size[1]))


def visible_triangles(
    points: Float[Tensor, "b v 3"], triangles: Int64[Tensor, "t 3"], size: tuple[int, int], *, cull: bool = True
) -> Int64[Tensor, "b h w"]:
    """Number the triangle each pixel sees; -1 where it sees none.

    Triangles with a corner that is not finite, or without area, are not drawn.
    """
    if points.device.type == "cpu" and (loop := compiled_zbuffer()) is not None:
        return _visible_compiled(loop, points, triangles, size, cull)
    height, width = size
    buffer = torch.full((points.shape[0] * height * width,), _NOTHING, dtype=torch.int64, device=points.device)
    found = _candidate_triangles(points, triangles, size, cull)
    if found.triangle.numel():
        _fill(buffer, found, size)
    return torch.where(buffer == _NOTHING, -1, buffer & 0xFFFFFFFF).reshape(-1, height, width)


def barycentric_at(
    points: Float[Tensor, "b v 3"],
    corners: Int64[Tensor, "n 3"],
    picture: Int64[Tensor, "n"],
    pixel: Int64[Tensor, "n"],
    width: int,
) -> Float[Tensor, "n 3"]:
    """Weigh a triangle's corners at a pixel's centre, in the image plane, with gradients into `points`."""
    flat = points[..., :2].reshape(-1, 2)
    offset = picture * points.shape[1]
    first, second, third = (flat[offset + corner] for corner in corners.unbind(1))
    center = torch.stack([pixel % width, pixel // width], -1).to(points.dtype) + 0.5
    u, v, p = second - first, third - first, center - first
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    weight_1 = (p[:, 0] * v[:, 1] - p[:, 1] * v[:, 0]) / area
    weight_2 = (u[:, 0] * p[:, 1] - u[:, 1] * p[:, 0]) / area
    return torch.stack([1 - weight_1 - weight_2, weight_1, weight_2], -1)


def interpolate(
    attributes: Float[Tensor, "b v c"], triangles: Int64[Tensor, "t 3"], raster: Raster
) -> Float[Tensor, "n c"]:
    """Carry per-vertex attributes to the covered pixels."""
    flat = attributes.reshape(-1, attributes.shape[-1])
    corners = triangles[raster.triangle] + (raster.picture * attributes.shape[1])[:, None]
    weights = raster.barycentric.to(attributes.dtype)
    result = flat[corners[:, 0]] * weights[:, :1]
    for corner in (1, 2):
        result = result + flat[corners[:, corner]] * weights[:, corner : corner + 1]
    return result


def paint(colours: Float[Tensor, "n c"], raster: Raster, canvas: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
    """Put colours where the raster saw something, leaving the rest of the canvas as it was."""
    height, width, channels = canvas.shape[1:]
    where = raster.picture * (height * width) + raster.pixel
    return canvas.reshape(-1, channels).index_copy(0, where, colours).reshape(canvas.shape)


def _visible_compiled(
    loop: Callable[..., Any], points: Tensor, triangles: Tensor, size: tuple[int, int], cull: bool
) -> Tensor:
    towards_viewer = (points.detach().double() * points.new_tensor([1.0, 1.0, -1.0], dtype=torch.float64)).numpy()
    seen = torch.full((len(points), *size), -1, dtype=torch.int64)
    for picture, vertices in enumerate(towards_viewer):
        buffer = CompiledBuffer(loop, vertices, triangles.numpy(), *size, cull_back=cull)
        seen[picture] = torch.from_numpy(buffer.triangle)
    return seen


class _Candidates(NamedTuple):
    """Triangles whose box holds a pixel centre, with their affine functions of the pixel's column and row."""

    triangle: Int64[Tensor, "k"]
    start: Int64[Tensor, "k"]
    """Index in the buffer of the box's first pixel."""
    across: Int64[Tensor, "k"]
    down: Int64[Tensor, "k"]
    functions: Float[Tensor, "3 3 k"]
    """For corner 1, corner 2 and depth: value at the first pixel, step per column, step per row."""


def _candidate_triangles(points: Tensor, triangles: Tensor, size: tuple[int, int], cull: bool) -> _Candidates:
    height, width = size
    x, y, z = ([plane[:, corner] for corner in triangles.unbind(1)] for plane in points.unbind(-1))
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    left, right = _pixel_range(x, width)
    top, bottom = _pixel_range(y, height)
    # Image y points down, so what runs anticlockwise to the viewer has a negative area here.
    facing = area < -1e-12 if cull else area.abs() > 1e-12
    facing &= (area + z[0] + z[1] + z[2]).isfinite()
    keep = (facing & (right >= left) & (bottom >= top)).reshape(-1).nonzero()[:, 0]
    x, y, z = ([corner.reshape(-1)[keep] for corner in plane] for plane in (x, y, z))
    left, right, top, bottom, area = (plane.reshape(-1)[keep] for plane in (left, right, top, bottom, area))
    picture, triangle = keep // triangles.shape[0], keep % triangles.shape[0]
    functions = _affine(x, y, _levels(z), area, (left + 0.5, top + 0.5))
    start = picture * (height * width) + top.long() * width + left.long()
    return _Candidates(triangle, start, (right - left).long() + 1, (bottom - top).long() + 1, functions)


def _pixel_range(corners: list[Tensor], count: int) -> tuple[Tensor, Tensor]:
    low = torch.minimum(torch.minimum(corners[0], corners[1]), corners[2])
    high = torch.maximum(torch.maximum(corners[0], corners[1]), corners[2])
    return (low - 0.5).ceil_().clamp_min_(0), (high - 0.5).floor_().clamp_max_(count - 1)


def _levels(depths: list[Tensor]) -> list[Tensor]:
    if depths[0].numel() == 0:
        return depths
    low = min(float(depth.min()) for depth in depths)
    high = max(float(depth.max()) for depth in depths)
    return [(depth - low) / max(high - low, 1e-12) for depth in depths]


def _affine(x: list[Tensor], y: list[Tensor], z: list[Tensor], area: Tensor, at: tuple[Tensor, Tensor]) -> Tensor:
    columns = torch.stack([(y[2] - y[0]) / area, (y[0] - y[1]) / area])
    rows = torch.stack([(x[0] - x[2]) / area, (x[1] - x[0]) / area])
    value = columns * (at[0] - x[0]) + rows * (at[1] - y[0])
    steps = torch.stack([value, columns, rows])  # value and steps of the weights of corners 1 and 2
    depth = steps[:, 0] * (z[1] - z[0]) + steps[:, 1] * (z[2] - z[0])
    depth[0] += z[0]
    return torch.cat([steps, depth[:, None]], 1).transpose(0, 1)


def _fill(buffer: Tensor, found: _Candidates, size: tuple[int, int]) -> None:
    largest = torch.maximum(found.across, found.down)
    smaller = 0
    for side in _BUCKETS:
        chosen = ((largest > smaller) & (largest <= side)).nonzero()[:, 0]
        smaller = side
        # A long bucket is cut up so that the candidates of one pass stay in the processor's cache.
        for part in chosen.split(max(1, 2**18 // side**2)) if chosen.numel() else ():
            _fill_part(buffer, found, part, side, size[1])


def _fill_part(buffer: Tensor, found: _Candidates, part: Tensor, side: int, width: int) -> None:
    step = torch.arange(side * side, device=buffer.device)
    column, row = step % side, step // side
    value, across, down = found.functions[:, :, part, None].unbind(1)
    planes = value + across * column.to(value.dtype) + down * row.to(value.dtype)
    inside = _inside(planes[0], planes[1])
    if side > 1:
        inside &= (column < found.across[part, None]) & (row < found.down[part, None])
    which, where = inside.nonzero(as_tuple=True)
    if which.numel() == 0:
        return
    depth = (planes[2][which, where].clamp(0, 1).double() * _DEPTH_LEVELS).long()
    pixel = found.start[part][which] + row[where] * width + column[where]
    buffer.scatter_reduce_(0, pixel, (depth << 32) | found.triangle[part][which], "amin")


def _inside(weight_1: Tensor, weight_2: Tensor) -> Bool[Tensor, "k s"]:
    return torch.minimum(torch.minimum(weight_1, weight_2), 1 - weight_1 - weight_2) >= -EDGE_TOLERANCE
