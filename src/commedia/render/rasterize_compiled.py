"""The z-buffer as machine code, where numba is installed: triangles in, the nearest one of each pixel out.

The same answers as plain numpy and torch, in a quarter of their time and less.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int32, Int64, UInt8

from commedia.geometry.compiled import compiled
from commedia.geometry.meshes import require_corners
from commedia.render import zbuffer_loops

_NOTHING = 2**31 - 1
_STEPS = 2**31 - 2
"""Into which the range of depth is cut. What lies within one step is equally near."""


@lru_cache(maxsize=1)
def compiled_zbuffer() -> Callable[..., Any] | None:
    """Compile the loop, or load what an earlier process compiled; None without a numba that works here."""
    points, pairs = "float64[:, ::1]", "int32[:, ::1]"
    holes = "int32[::1], float32[:, ::1], uint8[:, ::1], int64[:, ::1], float32[::1]"
    signature = f"void({points}, {pairs}, boolean, float64, float64, {holes}, {pairs}, {pairs})"
    return compiled(zbuffer_loops.fill_nearest, signature)


@dataclass(frozen=True)
class Paint:
    """What the surfaces of a mesh look like, as compiled loops read it."""

    surface_of: Int32[np.ndarray, " t"]
    """Which surface each triangle is part of."""
    vertices: Float32[np.ndarray, "v 6"]
    """Gloss, linear colour, texture coordinates."""
    texels: UInt8[np.ndarray, "n 4"]
    """All textures, one after the other, row by row."""
    textures: Int64[np.ndarray, "s 3"]
    """Of each surface where its texture begins, its height and its width; it begins at -1 where there is none."""
    cutoffs: Float32[np.ndarray, " s"]
    """Alpha below which there is a hole; negative for a surface without."""


def plain_paint(vertex_count: int, triangle_count: int) -> Paint:
    """One surface without a texture and without holes."""
    return Paint(
        np.zeros(triangle_count, np.int32),
        np.zeros((vertex_count, 6), np.float32),
        np.zeros((0, 4), np.uint8),
        np.array([[-1, 0, 0]], np.int64),
        np.array([-1], np.float32),
    )


class Memory:
    """Arrays that one picture leaves to the next: fresh ones, and pages of them, take milliseconds."""

    def __init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}

    def room(self, name: str, shape: tuple[int, ...], dtype: type = np.int32) -> np.ndarray:
        """An array of this shape, with whatever the last one of that name held; zeros at first."""
        size = prod(shape)
        if name not in self._arrays or self._arrays[name].size < size:
            self._arrays[name] = np.zeros(size, dtype)
        return self._arrays[name][:size].reshape(shape)


class CompiledBuffer:
    """What each pixel sees of some triangles."""

    def __init__(
        self,
        fill_nearest: Callable[..., Any],
        points: Float[np.ndarray, "v 3"],
        triangles: Int[np.ndarray, "t 3"],
        height: int,
        width: int,
        *,
        cull_back: bool,
        paint: Paint | None = None,
        memory: Memory | None = None,
    ):
        """Find the nearest triangles. `points`: x, y in pixels, z in any unit, larger is nearer; `paint` has holes.

        With a `memory` what is found is there until the next buffer takes its place.
        """
        require_corners(triangles, len(points))
        paint = paint or plain_paint(len(points), len(triangles))
        points, triangles = np.ascontiguousarray(points, np.float64), np.ascontiguousarray(triangles, np.int32)
        memory = memory or Memory()
        self.triangle: Int32[np.ndarray, "h w"] = memory.room("triangle", (height, width))
        """Index of the nearest triangle; -1 where there is none."""
        self.level: Int32[np.ndarray, "h w"] = memory.room("level", (height, width))
        """How far behind the nearest point it is, in steps."""
        self.triangle[:], self.level[:] = -1, _NOTHING
        with np.errstate(over="ignore", invalid="ignore"):
            # A sum tells whether all are finite, in a tenth of the time of asking each.
            are_finite = np.isfinite(points.sum())
        z = points[:, 2] if are_finite else points[np.isfinite(points).all(axis=1), 2]
        self._nearest, farthest = float(z.max(initial=-np.inf)), float(z.min(initial=np.inf))
        self.step = max(self._nearest - farthest, 1e-30) / _STEPS
        """Of a level, in the unit of z."""
        if len(triangles) and np.isfinite(self.step):
            depths = self._nearest, 1 / self.step
            holes = paint.surface_of, paint.vertices, paint.texels, paint.textures, paint.cutoffs
            fill_nearest(points, triangles, cull_back, *depths, *holes, self.level, self.triangle)

    @property
    def depth(self) -> Float64[np.ndarray, "h w"]:
        """z of what is seen; 0 where nothing is."""
        seen = self.triangle >= 0
        return np.where(seen, self._nearest - np.where(seen, self.level, 0) * self.step, 0.0)
