"""Lit pictures by machine code, where numba is installed: a scene over a picture in one pass over its pixels.

The pictures of `shade_numpy` but for rounding, in a tenth of its time.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from commedia.geometry.compiled import compiled
from commedia.render import shading_loops
from commedia.render.rasterize_compiled import CompiledBuffer, compiled_zbuffer
from commedia.render.scene import Scene, View


class ShadingTables(NamedTuple):
    """What light does, by tables."""

    light: Float32[np.ndarray, "n n 5"]
    """By the normal's y and x."""
    decoded: Float32[np.ndarray, "256"]
    """Linear colour of sRGB bytes."""
    encoded: Float32[np.ndarray, "m"]
    """sRGB of light from 0 to 2."""
    smooth_step: float
    """Difference of depth within one pixel above which it is taken for a fold."""


class Shading(NamedTuple):
    """The compiled loops that a lit picture takes."""

    fill_nearest: Callable[..., Any]
    shade_pixels: Callable[..., Any]


@lru_cache(maxsize=1)
def compiled_shading() -> Shading | None:
    """Compile the loops, or load what an earlier process compiled; None without a numba that works here."""
    floats, pairs = "float32[:, ::1]", "int32[:, ::1]"
    surfaces = f"{pairs}, int32[::1], {floats}, uint8[:, ::1], int64[:, ::1]"
    tables = "float32[:, :, ::1], float32[::1], float32[::1]"
    signature = f"void({pairs}, {pairs}, float64, {surfaces}, {tables}, int64, float64, float64, uint8[:, :, :])"
    zbuffer, shade = compiled_zbuffer(), compiled(shading_loops.shade_pixels, signature)
    return None if zbuffer is None or shade is None else Shading(zbuffer, shade)


def draw_compiled(
    loops: Shading,
    scene: Scene,
    view: View,
    picture: UInt8[np.ndarray, "h w 3"],
    tables: ShadingTables,
    settings: tuple[int, float, bool],
) -> None:
    """Draw a scene over a picture, which is changed. `settings`: samples per edge of a pixel, opacity, cull_back."""
    supersample, opacity, cull_back = settings
    fine, paint, size = view.finer(supersample), scene.paint, (view.height * supersample, view.width * supersample)
    with np.errstate(over="ignore", invalid="ignore"):  # a corner that is nowhere is not drawn
        points = fine.pixels(scene.vertices)
        corners = np.concatenate([points[:, :2], scene.normals, paint.vertices], axis=1, dtype=np.float32)
    drawn = loops.fill_nearest, points, scene.triangles, *size
    seen = scene.memory = CompiledBuffer(*drawn, cull_back=cull_back, paint=paint, memory=scene.memory)
    loops.shade_pixels(
        *(seen.triangle, seen.level, seen.step, scene.triangles, scene.surface_of),
        *(np.ascontiguousarray(corners), paint.texels, paint.textures),
        *(tables.light, tables.decoded, tables.encoded, supersample, tables.smooth_step, opacity, picture),
    )
