"""Lit orthographic pictures of meshes without torch or a display: previews and the documentation's sheets."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32, UInt8

from commedia.render.colour_numpy import decoding_table, sample_texture, srgb_from_light, srgb_table
from commedia.render.light import light_on, lights, unit
from commedia.render.rasterize_numpy import BACKGROUND, Visible, interpolate, rasterize
from commedia.render.scene import Scene, Surface, View, reached
from commedia.render.shade_compiled import ShadingTables, compiled_shading, draw_compiled

Pictures = list[UInt8[np.ndarray, "_ _ _"] | None]
"""Of each surface."""

SMOOTH_STEP = 6.0
"""Difference of depth within one pixel, in sample widths, above which it is taken for a fold."""


def render_mesh(
    surfaces: Surface | Sequence[Surface],
    view: View,
    *,
    background: UInt8[np.ndarray, "h w 3"] | tuple[int, int, int] = (24, 26, 31),
    supersample: int = 2,
    opacity: float = 1.0,
    cull_back: bool = False,
) -> UInt8[np.ndarray, "h w 3"]:
    """Draw textured or vertex-coloured meshes, lit by a key from the upper left, a fill, the sky and a rim.

    A picture for a background has the view's size, and shines through below an `opacity` of 1. Of `supersample` pixels
    along an edge one of the result is made: 1, or 2, which makes smooth outlines.
    """
    scene = Scene([surfaces] if isinstance(surfaces, Surface) else surfaces)
    picture = np.zeros((view.height, view.width, 3), dtype=np.uint8)
    picture[...] = background
    draw_scene(scene, view, picture, supersample=supersample, opacity=opacity, cull_back=cull_back)
    return picture


def draw_scene(
    scene: Scene,
    view: View,
    picture: UInt8[np.ndarray, "h w 3"],
    *,
    supersample: int = 2,
    opacity: float = 1.0,
    cull_back: bool = False,
) -> None:
    """The same over a picture of the view's size, which is changed; a scene can be drawn again after it has moved."""
    assert picture.shape[:2] == (view.height, view.width), "the backdrop has another size than the view"
    settings = supersample, opacity, cull_back
    if (loops := compiled_shading()) is not None:
        tables = ShadingTables(lights(), decoding_table(), srgb_table(), SMOOTH_STEP)
        draw_compiled(loops, scene, view, picture, tables, settings)
        return
    with np.errstate(over="ignore", invalid="ignore"):  # a corner that is nowhere is not drawn
        points = view.finer(supersample).pixels(scene.vertices)
    low = (points.min(axis=0, initial=np.inf) / supersample).tolist()
    high = (points.max(axis=0, initial=-np.inf) / supersample).tolist()
    columns, rows = reached(low[0], high[0], view.width), reached(low[1], high[1], view.height)
    points[:, :2] -= columns.start * supersample, rows.start * supersample
    picture = picture[rows, columns]
    if picture.size == 0:
        return
    colour, covered = _draw(scene, points, scene.pictures(view.px_per_unit), picture.shape[:2], settings)
    # `colour` is already multiplied by the coverage.
    blended = picture * (1 - opacity * covered[..., None]) + opacity * colour
    picture[...] = np.clip(blended + 0.5, 0, 255).astype(np.uint8)


def _draw(
    scene: Scene,
    points: Float[np.ndarray, "v 3"],
    pictures: Pictures,
    size: tuple[int, int],
    settings: tuple[int, float, bool],
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """Mean colour of each pixel in 0..255, 0 where nothing is, and how much of the pixel is covered."""
    supersample, _, cull_back = settings
    keep = partial(_is_solid, scene, pictures) if scene.has_holes else None
    fine = size[0] * supersample, size[1] * supersample
    visible = rasterize(points, scene.triangles, *fine, cull_back=cull_back, keep=keep)
    shown, weight, pixel = _samples(visible, scene.surface_of, supersample)
    lit = _shade(scene, pictures, visible.triangle.ravel()[shown], visible.barycentric_at(shown)) * weight[:, None]
    count = size[0] * size[1]
    colour = np.stack([np.bincount(pixel, lit[:, channel], count) for channel in range(3)], axis=1)
    covered = np.bincount(pixel, weight, count)
    return colour.reshape(*size, 3).astype(np.float32), covered.reshape(size).astype(np.float32)


def _samples(
    visible: Visible, surface_of: Int32[np.ndarray, " t"], supersample: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which samples to shade, how much of its pixel each stands for, and the pixel.

    Inside a smooth surface one sample stands for its whole pixel; along outlines and folds every one is shaded.
    """
    height, width = visible.triangle.shape
    sample = np.arange(height * width).reshape(height, width)
    blocks = height // supersample, supersample, width // supersample, supersample

    def by_pixel(values: np.ndarray) -> np.ndarray:
        return values.reshape(blocks).transpose(1, 3, 0, 2).reshape(supersample**2, -1)

    owner = by_pixel(visible.triangle)
    depth, sample = by_pixel(visible.depth), by_pixel(sample)
    # The last entry serves the background, whose index is -1.
    surface = np.append(surface_of, BACKGROUND).astype(np.int16).take(owner, mode="wrap")
    alike = (surface.min(axis=0) == surface.max(axis=0)) & (depth.max(axis=0) - depth.min(axis=0) < SMOOTH_STEP)
    inside = np.flatnonzero(alike & (owner[0] != BACKGROUND))
    place, mixed = np.nonzero((owner != BACKGROUND) & ~alike)
    shown = np.concatenate([sample[0, inside], sample[place, mixed]])
    weight = np.full(len(shown), 1 / supersample**2, dtype=np.float32)
    weight[: len(inside)] = 1
    return shown, weight, np.concatenate([inside, mixed])


def _is_solid(
    scene: Scene, pictures: Pictures, triangle: Int[np.ndarray, " n"], barycentric: Float32[np.ndarray, "n 3"]
) -> Bool[np.ndarray, " n"]:
    solid, surface_of = np.ones(len(triangle), dtype=bool), scene.surface_of.take(triangle)
    for number, (surface, picture) in enumerate(zip(scene.surfaces, pictures, strict=True)):
        if surface.alpha_cutoff is None or picture is None:
            continue
        mine = np.flatnonzero(surface_of == number)
        uv = interpolate(scene.look[:, 4:], scene.triangles, triangle[mine], barycentric[mine])
        solid[mine] = sample_texture(picture, uv)[1] >= surface.alpha_cutoff
    return solid


def _shade(
    scene: Scene, pictures: Pictures, triangle: Int[np.ndarray, " n"], barycentric: Float32[np.ndarray, "n 3"]
) -> Float32[np.ndarray, "n 3"]:
    """sRGB 0..255 of points of triangles. Light adds up in linear colour."""
    attributes = np.concatenate([scene.normals.astype(np.float32), scene.look], axis=1)
    blended = interpolate(attributes, scene.triangles, triangle, barycentric)
    normal, gloss, albedo, uv = np.split(blended, [3, 4, 7], axis=1)
    normal = unit(normal)
    # A surface seen from behind is lit as if it faced the viewer.
    normal[normal[:, 2] < 0] *= -1
    diffuse, specular = light_on(normal, gloss[:, 0])
    surface_of = scene.surface_of.take(triangle)
    for number, picture in enumerate(pictures):
        if picture is not None:
            mine = np.flatnonzero(surface_of == number)
            albedo[mine] *= sample_texture(picture, uv[mine])[0]
    return srgb_from_light(diffuse * albedo + specular[:, None])
