"""Lit pictures by machine code, where numba is installed: a scene over a picture, loop after loop over its samples.

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
from commedia.render.scene import Scene, View, reached

FLOAT = np.float32


class ShadingTables(NamedTuple):
    """What light does, by tables."""

    lights: Float32[np.ndarray, "8 3"]
    """As `light.lights` says."""
    decoded: Float32[np.ndarray, "256"]
    """Linear colour of sRGB bytes."""
    encoded: Float32[np.ndarray, "m"]
    """sRGB of light from 0 to 2."""
    smooth_step: float
    """Difference of depth within one pixel above which it is taken for a fold."""


_FLOATS, _PAIRS, _LINE, _NUMBERS = "float32[:, ::1]", "int32[:, ::1]", "float32[::1]", "int32[::1]"
_TEXTURES = f"uint8[:, ::1], int64[:, ::1], {_LINE}"
_SIGNATURES = {
    "place_corners": f"UniTuple(float32, 4)({_FLOATS}, {', '.join(5 * ['float64'])}, {_FLOATS})",
    "gather_corners": f"void({_FLOATS}, int64, int64, {_FLOATS}, {_FLOATS}, float64[:, ::1], {_FLOATS})",
    "choose_samples": f"int64({_PAIRS}, {_PAIRS}, float64, {_NUMBERS}, int64, {_PAIRS}, {_LINE})",
    "mix_corners": f"void({_PAIRS}, {_PAIRS}, {_FLOATS}, {_PAIRS}, {_FLOATS})",
    "read_textures": f"void({_PAIRS}, {_NUMBERS}, {_TEXTURES}, {_PAIRS}, {_FLOATS})",
    "light_samples": f"void({_FLOATS}, {_FLOATS})",
    "blend_samples": f"void({_PAIRS}, {_LINE}, {_FLOATS}, {_LINE}, float64, uint8[:, :, :])",
}


class Shading(NamedTuple):
    """The compiled loops that a lit picture takes: of `zbuffer_loops` one, the others of `shading_loops`."""

    fill_nearest: Callable[..., Any]
    place_corners: Callable[..., Any]
    gather_corners: Callable[..., Any]
    choose_samples: Callable[..., Any]
    mix_corners: Callable[..., Any]
    read_textures: Callable[..., Any]
    light_samples: Callable[..., Any]
    blend_samples: Callable[..., Any]


@lru_cache(maxsize=1)
def compiled_shading() -> Shading | None:
    """Compile the loops, or load what an earlier process compiled; None without a numba that works here."""
    zbuffer = compiled_zbuffer()
    loops = {name: _compiled(name) for name in _SIGNATURES}
    return None if zbuffer is None or None in loops.values() else Shading(zbuffer, **loops)


def compile_from_the_end() -> None:
    """Compile the loops in the other order, to be found on disk: two processes that begin together do half each."""
    for name in reversed(_SIGNATURES):
        _compiled(name)


def _compiled(name: str) -> Callable[..., Any] | None:
    return compiled(getattr(shading_loops, name), _SIGNATURES[name], fused=True)


def draw_compiled(
    loops: Shading,
    scene: Scene,
    view: View,
    picture: UInt8[np.ndarray, "h w 3"],
    tables: ShadingTables,
    settings: tuple[int, float, bool],
) -> None:
    """Draw a scene over a picture of the view's size, which is changed.

    `settings`: samples per edge of a pixel, opacity, cull_back.
    """
    supersample, opacity, cull_back = settings
    memory, triangles, paint = scene.memory, scene.triangles, scene.paint(view.px_per_unit)
    placed, (rows, columns) = _placed(loops, scene, view, supersample)
    picture = picture[rows, columns]
    if picture.size == 0:
        return
    points, corners = memory.room("points", placed.shape, np.float64), memory.room("corners", (len(placed), 11), FLOAT)
    shift = columns.start * supersample, rows.start * supersample
    loops.gather_corners(placed, *shift, scene.normals, paint.vertices, points, corners)
    size = picture.shape[0] * supersample, picture.shape[1] * supersample
    seen = CompiledBuffer(loops.fill_nearest, points, triangles, *size, cull_back=cull_back, paint=paint, memory=memory)
    chosen = memory.room("chosen", (seen.triangle.size, 4))
    weights = memory.room("weights", (seen.triangle.size,), FLOAT)
    fold = tables.smooth_step / seen.step
    count = loops.choose_samples(seen.triangle, seen.level, fold, scene.surface_of, supersample, chosen, weights)
    mixed = memory.room("mixed", (9, count), FLOAT)
    loops.mix_corners(seen.triangle, triangles, corners, chosen, mixed)
    surfaces = scene.surface_of, paint.texels, paint.textures, tables.decoded
    loops.read_textures(seen.triangle, *surfaces, chosen, mixed)
    loops.light_samples(tables.lights, mixed)
    loops.blend_samples(chosen, weights, mixed, tables.encoded, opacity, picture)


def _placed(
    loops: Shading, scene: Scene, view: View, supersample: int
) -> tuple[Float32[np.ndarray, "v 3"], tuple[slice, slice]]:
    """A scene's vertices in samples, and the rows and columns of the picture that they reach."""
    fine = view.finer(supersample)
    placed = scene.memory.room("placed", scene.vertices.shape, FLOAT)
    middle = fine.width / 2, fine.height / 2
    extent = loops.place_corners(scene.vertices, *fine.center, fine.px_per_unit, *middle, placed)
    low_x, high_x, low_y, high_y = (at / supersample for at in extent)
    return placed, (reached(low_y, high_y, view.height), reached(low_x, high_x, view.width))
