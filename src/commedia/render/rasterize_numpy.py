"""A z-buffer for numpy arrays: which triangle each pixel sees. For previews and sheets, where torch is not installed.

Compiled loops find it where numba is installed. Without, and as their oracle, plain numpy does: triangles are cut into
rows of pixels and rows into pixels, all triangles at once, so that every candidate that is ever made lies inside its
triangle; the nearest candidate of each pixel then wins.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, Int32, Int64

from commedia.render.rasterize_compiled import CompiledBuffer, compiled_zbuffer
from commedia.render.zbuffer_loops import ON_EDGE_PX

BACKGROUND = -1


@dataclass(frozen=True)
class Visible:
    """What each pixel sees."""

    triangle: Int32[np.ndarray, "h w"]
    """Index of the nearest triangle; -1 where there is none."""
    depth: Float32[np.ndarray, "h w"]
    """Its z at the pixel's centre; 0 where there is none."""
    planes: Float64[np.ndarray, "t 3 3"]
    """Weights (a, b, c) with barycentric[k] = a x + b y + c in pixels; NaN for triangles that are not drawn."""

    @cached_property
    def barycentric(self) -> Float32[np.ndarray, "h w 3"]:
        """Weights of the corners at every pixel's centre; 0 where there is no triangle."""
        found = np.zeros((self.triangle.size, 3), dtype=np.float32)
        seen = np.flatnonzero(self.triangle.ravel() != BACKGROUND)
        found[seen] = self.barycentric_at(seen)
        return found.reshape(*self.triangle.shape, 3)

    def barycentric_at(self, pixel: Int64[np.ndarray, " n"]) -> Float32[np.ndarray, "n 3"]:
        """The same at covered pixels, given as row * width + column."""
        width = self.triangle.shape[1]
        return _barycentric(self.planes, self.triangle.ravel()[pixel], pixel % width, pixel // width)


Keep = Callable[[Int64[np.ndarray, " n"], Float32[np.ndarray, "n 3"]], Bool[np.ndarray, " n"]]
"""Of points (triangle, barycentric), which are solid: through the others is seen what lies behind."""
EMPTY = np.iinfo(np.int64).max


def rasterize(
    vertices_px: Float[np.ndarray, "v 3"],
    triangles: Int[np.ndarray, "t 3"],
    height: int,
    width: int,
    *,
    cull_back: bool = False,
    keep: Keep | None = None,
) -> Visible:
    """Find the nearest triangle at every pixel centre; `cull_back` drops those that run clockwise as seen.

    `vertices_px`: x right and y down in pixels, first centre at (0.5, 0.5); z in any unit, larger is nearer. Triangles
    with a corner that is not finite, or without area, are not drawn. What `keep` says is asked in numpy.
    """
    corners = vertices_px.astype(np.float64)[triangles]
    # With its corners in one place a triangle has no area.
    corners = np.where(np.isfinite(corners).all(axis=(1, 2), keepdims=True), corners, 0.0)
    planes = _edge_planes(corners, cull_back)
    if keep is None and (loop := compiled_zbuffer()) is not None:
        buffer = CompiledBuffer(loop, vertices_px, triangles, height, width, cull_back=cull_back)
        return Visible(buffer.triangle, buffer.depth.astype(np.float32), planes)
    triangle, x, y = _pixels_inside(planes, corners[:, :, 1], height, width)
    owner, depth = _nearest(planes, corners[:, :, 2], triangle, x, y, (height, width), keep)
    return Visible(owner.reshape(height, width), depth.reshape(height, width), planes)


def interpolate(
    attributes: Float32[np.ndarray, "v c"],
    triangles: Int[np.ndarray, "t 3"],
    triangle: Int[np.ndarray, " n"],
    barycentric: Float32[np.ndarray, "n 3"],
) -> Float32[np.ndarray, "n c"]:
    """Blend the corners' attributes at given points of triangles."""
    blended = np.zeros((len(triangle), attributes.shape[1]), dtype=np.float32)
    for corner in range(3):
        part = attributes.take(triangles[:, corner].astype(np.intp).take(triangle), axis=0)
        part *= barycentric[:, corner : corner + 1]
        blended += part
    return blended


def _edge_planes(corners: np.ndarray, cull_back: bool) -> np.ndarray:
    """(t, 3, 3): weights (a, b, c) with barycentric[k] = a x + b y + c; NaN for triangles that are not drawn."""
    x, y = corners[:, :, 0], corners[:, :, 1]
    after, before = [1, 2, 0], [2, 0, 1]
    a = y[:, after] - y[:, before]
    b = x[:, before] - x[:, after]
    c = x[:, after] * y[:, before] - x[:, before] * y[:, after]
    double_area = c.sum(axis=1)
    # y points down here, so corners that run anticlockwise as seen have a negative area.
    drawn = double_area < -1e-12 if cull_back else np.abs(double_area) > 1e-12
    drawn &= np.isfinite(double_area)
    scale = np.where(drawn, 1 / np.where(drawn, double_area, 1), np.nan)
    return np.stack([a, b, c], axis=-1) * scale[:, None, None]


def _pixels_inside(planes: np.ndarray, corner_y: np.ndarray, height: int, width: int) -> tuple[np.ndarray, ...]:
    """All (triangle, x, y) whose pixel centre lies inside: rows first, then the span of each row."""
    drawable = np.flatnonzero(np.isfinite(planes[:, 0, 0]))
    y0, y1, y2 = corner_y[drawable].T
    low = np.clip(np.ceil(np.minimum(np.minimum(y0, y1), y2) - 0.5 - ON_EDGE_PX), 0, height)
    high = np.clip(np.floor(np.maximum(np.maximum(y0, y1), y2) - 0.5 + ON_EDGE_PX) + 1, 0, height)
    row, y = _expand(low.astype(np.int64), high.astype(np.int64))
    row_triangle = drawable[row]
    left, right = _row_spans(planes, row_triangle, y + 0.5)
    first = np.ceil(np.clip(left - 0.5 - ON_EDGE_PX, 0, width)).astype(np.int64)
    last = np.floor(np.clip(right - 0.5 + ON_EDGE_PX, -1, width - 1)).astype(np.int64)
    span, x = _expand(first, last + 1)
    return row_triangle[span], x, y[span]


def _row_spans(planes: np.ndarray, triangle: np.ndarray, y_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each row enters and leaves its triangle: the part of the line on the inner side of all three edges."""
    left, right = np.full(len(triangle), -np.inf), np.full(len(triangle), np.inf)
    for corner in range(3):
        # One column at a time: gathering rows of nine numbers takes three times as long.
        a, b, c = (np.ascontiguousarray(planes[:, corner, k]).take(triangle) for k in range(3))
        offset = b * y_px + c
        level = np.abs(a) < 1e-14
        crossing = -offset / np.where(level, 1, a)
        np.maximum(left, crossing, out=left, where=a >= 1e-14)
        np.minimum(right, crossing, out=right, where=a <= -1e-14)
        right[level & (offset < -ON_EDGE_PX)] = -np.inf
    return left, right


def _expand(start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Concatenate the ranges [start, stop): for each number, the index of its range and the number itself."""
    count = np.maximum(stop - start, 0)
    owner = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(owner)) + np.repeat(start - (np.cumsum(count) - count), count)
    return owner, number


def _barycentric(planes: np.ndarray, triangle: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = x + 0.5, y + 0.5
    weights = np.zeros((len(triangle), 3), dtype=np.float32)
    for corner in range(2):
        a, b, c = (np.ascontiguousarray(planes[:, corner, k]).take(triangle) for k in range(3))
        weights[:, corner] = np.clip(a * x + b * y + c, 0, 1)
    weights[:, 2] = np.clip(1 - weights[:, 0] - weights[:, 1], 0, 1)
    return weights


def _nearest(
    planes: np.ndarray,
    corner_z: np.ndarray,
    triangle: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    size: tuple[int, int],
    keep: Keep | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Of each pixel the triangle with the largest z, the lower index when two are equally near; and that z."""
    pixels, width = size[0] * size[1], size[1]
    owner, depth = np.full(pixels, BACKGROUND, dtype=np.int32), np.zeros(pixels, dtype=np.float32)
    if len(triangle) == 0:
        return owner, depth
    a, b, c = (column.take(triangle) for column in np.einsum("tkc,tk->ct", planes, corner_z))
    shown = corner_z[np.bincount(triangle, minlength=len(corner_z)) > 0]
    # Slivers, whose weights are huge a millionth of a pixel outside, must not stretch the range of depth.
    z = np.clip(a * (x + 0.5) + b * (y + 0.5) + c, shown.min(), shown.max())
    # Distance in 31 bits above the triangle's index: one minimum decides both.
    nearest_z, step = float(z.max()), max(float(np.ptp(z)), 1e-30) / (2**31 - 1)
    packed = ((nearest_z - z) / step).astype(np.int64) << 32 | triangle
    pixel = y * width + x
    nearest = np.full(pixels, EMPTY, dtype=np.int64)
    np.minimum.at(nearest, pixel, packed)
    if keep is not None:
        _peel(nearest, pixel, packed, planes, width, keep)
    seen = nearest != EMPTY
    owner[seen] = nearest[seen] & 0xFFFFFFFF
    depth[seen] = nearest_z - (nearest[seen] >> 32) * step
    return owner, depth


def _peel(
    nearest: np.ndarray, pixel: np.ndarray, packed: np.ndarray, planes: np.ndarray, width: int, keep: Keep
) -> None:
    """Take away what is not solid, layer by layer, and only where it is seen.

    Hair lies in some ten layers, and asking all of them costs four times as much as drawing them.
    """
    asked = np.flatnonzero(nearest != EMPTY)
    hole = np.zeros(len(nearest), dtype=bool)
    while len(asked):
        triangle = nearest[asked] & 0xFFFFFFFF
        open_ = asked[~keep(triangle, _barycentric(planes, triangle, asked % width, asked // width))]
        hole[:] = False
        hole[open_] = True
        inside = hole[pixel]
        pixel, packed = pixel[inside], packed[inside]
        behind = packed > nearest[pixel]
        pixel, packed = pixel[behind], packed[behind]
        nearest[open_] = EMPTY
        np.minimum.at(nearest, pixel, packed)
        asked = open_[nearest[open_] != EMPTY]
