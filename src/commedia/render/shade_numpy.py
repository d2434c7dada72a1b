"""Lit orthographic pictures of meshes without torch or a display: previews and the documentation's sheets."""

from collections.abc import Sequence
from functools import cache, partial

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32, UInt8

from commedia.render.colour_numpy import decoding_table, sample_texture, srgb_from_light, srgb_table
from commedia.render.rasterize_numpy import BACKGROUND, Visible, interpolate, rasterize
from commedia.render.scene import Scene, Surface, View
from commedia.render.shade_compiled import ShadingTables, compiled_shading, draw_compiled

KEY = (np.array([-0.5, 0.55, 0.67]), np.array([1.0, 0.95, 0.88]) * 0.92)
FILL = (np.array([0.8, 0.05, 0.6]), np.array([0.75, 0.86, 1.0]) * 0.34)
SKY = np.array([0.62, 0.7, 0.85]) * 0.34
GROUND = np.array([0.62, 0.48, 0.42]) * 0.26
RIM = np.array([0.75, 0.85, 1.0]) * 0.5
WRAP = 0.25
"""How far light reaches round past the horizon of the key: the softness of skin."""

SMOOTH_STEP = 3.0
"""Difference of depth within one pixel, in sample widths, above which it is taken for a fold."""

TABLE_SIZE = 256
"""Steps along x and y in the table of light by normal."""


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
    along an edge one of the result is made; 2 makes smooth outlines.
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
    if (loops := compiled_shading()) is not None:
        light = light_table().reshape(TABLE_SIZE, TABLE_SIZE, -1)
        settings = ShadingTables(light, decoding_table(), srgb_table(), SMOOTH_STEP)
        draw_compiled(loops, scene, view, picture, settings, (supersample, opacity, cull_back))
        return
    colour, covered = _draw(scene, view, supersample, cull_back)
    # `colour` is already multiplied by the coverage.
    blended = picture * (1 - opacity * covered[..., None]) + opacity * colour
    picture[...] = np.clip(blended + 0.5, 0, 255).astype(np.uint8)


def _draw(
    scene: Scene, view: View, supersample: int, cull_back: bool
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """Mean colour of each pixel in 0..255, 0 where nothing is, and how much of the pixel is covered."""
    fine = view.finer(supersample)
    keep = partial(_is_solid, scene) if scene.has_holes else None
    pixels = fine.pixels(scene.vertices)
    visible = rasterize(pixels, scene.triangles, fine.height, fine.width, cull_back=cull_back, keep=keep)
    shown, weight, pixel = _samples(visible, scene.surface_of, supersample)
    lit = _shade(scene, visible.triangle.ravel()[shown], visible.barycentric_at(shown)) * weight[:, None]
    count = view.height * view.width
    colour = np.stack([np.bincount(pixel, lit[:, channel], count) for channel in range(3)], axis=1)
    covered = np.bincount(pixel, weight, count)
    shape = view.height, view.width
    return colour.reshape(*shape, 3).astype(np.float32), covered.reshape(shape).astype(np.float32)


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
    scene: Scene, triangle: Int[np.ndarray, " n"], barycentric: Float32[np.ndarray, "n 3"]
) -> Bool[np.ndarray, " n"]:
    solid, surface_of = np.ones(len(triangle), dtype=bool), scene.surface_of.take(triangle)
    for number, surface in enumerate(scene.surfaces):
        if surface.alpha_cutoff is None or surface.picture is None:
            continue
        mine = np.flatnonzero(surface_of == number)
        uv = interpolate(scene.look[:, 4:], scene.triangles, triangle[mine], barycentric[mine])
        solid[mine] = sample_texture(surface.picture, uv)[1] >= surface.alpha_cutoff
    return solid


def _shade(
    scene: Scene, triangle: Int[np.ndarray, " n"], barycentric: Float32[np.ndarray, "n 3"]
) -> Float32[np.ndarray, "n 3"]:
    """sRGB 0..255 of points of triangles. Light adds up in linear colour."""
    attributes = np.concatenate([scene.normals.astype(np.float32), scene.look], axis=1)
    blended = interpolate(attributes, scene.triangles, triangle, barycentric)
    normal, gloss, albedo, uv = np.split(blended, [3, 4, 7], axis=1)
    normal = _unit(normal)
    # A surface seen from behind is lit as if it faced the viewer.
    normal[normal[:, 2] < 0] *= -1
    diffuse, specular = _light(normal, gloss[:, 0])
    surface_of = scene.surface_of.take(triangle)
    for number, surface in enumerate(scene.surfaces):
        if surface.picture is not None:
            mine = np.flatnonzero(surface_of == number)
            albedo[mine] *= sample_texture(surface.picture, uv[mine])[0]
    return srgb_from_light(diffuse * albedo + specular[:, None])


def _light(
    normal: Float32[np.ndarray, "n 3"], gloss: Float32[np.ndarray, " n"]
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, " n"]]:
    """Diffuse light by colour, and the mirror light of the key."""
    table = light_table()
    # The lights stand still and the viewer looks straight ahead, so x and y of the normal say all.
    cell = ((normal[:, :2] + 1) * ((TABLE_SIZE - 1) / 2) + 0.5).astype(np.int32)
    level = table.take(cell[:, 1] * TABLE_SIZE + cell[:, 0], axis=0)
    # Dull surfaces spread the highlight, wet ones gather it.
    return level[:, :3], 0.12 * gloss * level[:, 3] + 1.1 * gloss**3 * level[:, 4]


@cache
def light_table() -> Float32[np.ndarray, "n 5"]:
    """Light by normal: three of diffuse colour, the wide and the narrow highlight; rows are y, columns x."""
    axis = np.linspace(-1, 1, TABLE_SIZE)
    x, y = np.meshgrid(axis, axis)
    normal = _unit(np.stack([x, y, np.sqrt(np.maximum(1 - x * x - y * y, 0))], axis=-1).reshape(-1, 3))
    key, fill = _unit(KEY[0]), _unit(FILL[0])
    wrapped = np.maximum((normal @ key + WRAP) / (1 + WRAP), 0)
    grazing = np.maximum(1 - normal[:, 2], 0) ** 3
    parts = (
        (wrapped**2, KEY[1]),
        (np.maximum(normal @ fill, 0), FILL[1]),
        (0.5 + 0.5 * normal[:, 1], SKY),
        (0.5 - 0.5 * normal[:, 1], GROUND),
        (grazing * np.maximum(0.35 + 0.65 * normal[:, 1], 0), RIM),
    )
    diffuse = sum(level[:, None] * colour for level, colour in parts)
    toward_half = np.clip(normal @ _unit(key + np.array([0, 0, 1])), 0, 1)[:, None]
    table = np.concatenate([diffuse, toward_half**16, toward_half**180], axis=1)
    # Numbers too small for a normal float32 take a processor a hundred times as long.
    return np.where(table < 1e-9, 0, table).astype(np.float32)


def _unit(vectors: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    square = np.einsum("...k,...k->...", vectors, vectors)
    return vectors * (1 / np.sqrt(np.maximum(square, 1e-30)))[..., None]
