"""Lit orthographic pictures of meshes without torch or a display: previews and the documentation's sheets."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from commedia.geometry.meshes import smooth_normals
from commedia.render.colour_numpy import linear_from_srgb, sample_texture, srgb_from_light
from commedia.render.rasterize_numpy import BACKGROUND, Visible, interpolate, rasterize


@dataclass(frozen=True)
class Surface:
    """A mesh with one material, in the camera's frame (x right, y up, z towards the viewer)."""

    vertices: Float[np.ndarray, "v 3"]
    triangles: Int[np.ndarray, "t 3"]
    normals: Float[np.ndarray, "v 3"] | None = None
    """Smooth normals, of any length; made from the triangles when absent."""
    colours: Float[np.ndarray, "v 3"] | None = None
    """sRGB in [0, 1] per vertex; multiplies the texture when there is one."""
    uv: Float[np.ndarray, "v 2"] | None = None
    """Texture coordinates, (0, 0) at the texture's top left corner as in glTF."""
    texture: UInt8[np.ndarray, "th tw c"] | None = None
    """sRGB, with or without alpha."""
    alpha_cutoff: float | None = None
    """Where the texture's alpha is below this, there is a hole."""
    gloss: float | Float[np.ndarray, "v"] = 0.15
    """0 dull to 1 wet; per mesh or per vertex."""


@dataclass(frozen=True)
class View:
    """What part of the camera's x-y plane the picture shows."""

    center: tuple[float, float]
    px_per_unit: float
    height: int
    width: int

    def pixels(self, vertices: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, "v 3"]:
        """Where points of the camera's frame lie in the picture, as `rasterize` wants them."""
        x = (vertices[:, 0] - self.center[0]) * self.px_per_unit + self.width / 2
        y = (self.center[1] - vertices[:, 1]) * self.px_per_unit + self.height / 2
        return np.stack([x, y, vertices[:, 2] * self.px_per_unit], axis=1)


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
    surfaces = [surfaces] if isinstance(surfaces, Surface) else list(surfaces)
    colour, covered = _draw(surfaces, view, supersample, cull_back)
    # `colour` is already multiplied by the coverage.
    picture = _backdrop(background, view) * (1 - opacity * covered[..., None]) + opacity * colour
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def framing_view(vertices: Float[np.ndarray, "v 3"], height: int, width: int, *, margin: float = 0.06) -> View:
    """Choose the view that shows all the points, centred, with a margin in shares of the picture."""
    low, high = vertices[:, :2].min(axis=0), vertices[:, :2].max(axis=0)
    extent = np.maximum(high - low, 1e-9)
    px_per_unit = float(min(width / extent[0], height / extent[1]) * (1 - 2 * margin))
    center = (low + high) / 2
    return View((float(center[0]), float(center[1])), px_per_unit, height, width)


def _draw(
    surfaces: list[Surface], view: View, supersample: int, cull_back: bool
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """Mean colour of each pixel in 0..255, 0 where nothing is, and how much of the pixel is covered."""
    height, width = view.height * supersample, view.width * supersample
    vertices, triangles, starts = _joined(surfaces)
    pixels = View(view.center, view.px_per_unit * supersample, height, width).pixels(vertices)
    keep = _cutout(surfaces, starts) if any(surface.alpha_cutoff is not None for surface in surfaces) else None
    visible = rasterize(pixels, triangles, height, width, cull_back=cull_back, keep=keep)
    shown, weight, pixel = _samples(visible, starts, supersample)
    lit = _shade_all(surfaces, starts, visible, shown) * weight[:, None]
    count = view.height * view.width
    colour = np.stack([np.bincount(pixel, lit[:, channel], count) for channel in range(3)], axis=1)
    covered = np.bincount(pixel, weight, count)
    shape = view.height, view.width
    return colour.reshape(*shape, 3).astype(np.float32), covered.reshape(shape).astype(np.float32)


def _samples(visible: Visible, starts: np.ndarray, supersample: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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
    surface_of = np.append(np.repeat(np.arange(len(starts) - 1), np.diff(starts)), BACKGROUND).astype(np.int16)
    surface = surface_of.take(owner, mode="wrap")
    alike = (surface.min(axis=0) == surface.max(axis=0)) & (depth.max(axis=0) - depth.min(axis=0) < SMOOTH_STEP)
    inside = np.flatnonzero(alike & (owner[0] != BACKGROUND))
    place, mixed = np.nonzero((owner != BACKGROUND) & ~alike)
    shown = np.concatenate([sample[0, inside], sample[place, mixed]])
    weight = np.full(len(shown), 1 / supersample**2, dtype=np.float32)
    weight[: len(inside)] = 1
    return shown, weight, np.concatenate([inside, mixed])


def _shade_all(
    surfaces: list[Surface], starts: np.ndarray, visible: Visible, shown: Int[np.ndarray, " n"]
) -> Float32[np.ndarray, "n 3"]:
    triangle, barycentric = visible.triangle.ravel()[shown], visible.barycentric_at(shown)
    colour = np.zeros((len(shown), 3), dtype=np.float32)
    for surface, first, last in zip(surfaces, starts[:-1], starts[1:], strict=True):
        mine = np.flatnonzero((triangle >= first) & (triangle < last))
        if len(mine):
            colour[mine] = _shade(surface, triangle[mine] - first, barycentric[mine])
    return colour


def _joined(surfaces: list[Surface]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All vertices, all triangles, and where each surface's triangles start (one more entry than surfaces)."""
    vertex_starts = np.cumsum([0] + [len(surface.vertices) for surface in surfaces])
    triangles = [surface.triangles + start for surface, start in zip(surfaces, vertex_starts[:-1], strict=True)]
    vertices = np.concatenate([surface.vertices for surface in surfaces])
    return vertices, np.concatenate(triangles), np.cumsum([0] + [len(part) for part in triangles])


def _cutout(surfaces: list[Surface], starts: np.ndarray):
    def keep(triangle: np.ndarray, barycentric: Float32[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
        solid = np.ones(len(triangle), dtype=bool)
        for surface, first, last in zip(surfaces, starts[:-1], starts[1:], strict=True):
            texture = surface.texture
            if surface.alpha_cutoff is None or texture is None or surface.uv is None or texture.shape[2] < 4:
                continue
            mine = np.flatnonzero((triangle >= first) & (triangle < last))
            uv = interpolate(
                surface.uv.astype(np.float32), surface.triangles, triangle[mine] - first, barycentric[mine]
            )
            solid[mine] = sample_texture(texture, uv)[1] >= surface.alpha_cutoff
        return solid

    return keep


def _shade(
    surface: Surface, triangle: Int[np.ndarray, " n"], barycentric: Float32[np.ndarray, "n 3"]
) -> Float32[np.ndarray, "n 3"]:
    """sRGB 0..255 of points on one surface. Light adds up in linear colour."""
    normals = surface.normals if surface.normals is not None else smooth_normals(surface.vertices, surface.triangles)
    count = len(surface.vertices)
    gloss = np.broadcast_to(np.asarray(surface.gloss, dtype=np.float32), (count,))[:, None]
    attributes = [normals.astype(np.float32), gloss]
    if surface.colours is not None:
        attributes.append(linear_from_srgb(surface.colours))
    if surface.uv is not None:
        attributes.append(surface.uv.astype(np.float32))
    blended = interpolate(np.concatenate(attributes, axis=1), surface.triangles, triangle, barycentric)
    normal = _unit(blended[:, :3])
    # A surface seen from behind is lit as if it faced the viewer.
    normal[normal[:, 2] < 0] *= -1
    diffuse, specular = _light(normal, blended[:, 3])
    albedo = blended[:, 4:7] if surface.colours is not None else np.float32(0.6)
    if surface.texture is not None and surface.uv is not None:
        texel = sample_texture(surface.texture, blended[:, -2:])[0]
        albedo = texel * albedo if surface.colours is not None else texel
    return srgb_from_light(diffuse * albedo + specular[:, None])


def _light(
    normal: Float32[np.ndarray, "n 3"], gloss: Float32[np.ndarray, " n"]
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, " n"]]:
    """Diffuse light by colour, and the mirror light of the key."""
    table = _light_table()
    # The lights stand still and the viewer looks straight ahead, so x and y of the normal say all.
    cell = ((normal[:, :2] + 1) * ((TABLE_SIZE - 1) / 2) + 0.5).astype(np.int32)
    level = table.take(cell[:, 1] * TABLE_SIZE + cell[:, 0], axis=0)
    # Dull surfaces spread the highlight, wet ones gather it.
    return level[:, :3], 0.12 * gloss * level[:, 3] + 1.1 * gloss**3 * level[:, 4]


@cache
def _light_table() -> Float32[np.ndarray, "n 5"]:
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
    return np.concatenate([diffuse, toward_half**16, toward_half**180], axis=1).astype(np.float32)


def _unit(vectors: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    square = np.einsum("...k,...k->...", vectors, vectors)
    return vectors * (1 / np.sqrt(np.maximum(square, 1e-30)))[..., None]


def _backdrop(background: np.ndarray | tuple[int, int, int], view: View) -> Float32[np.ndarray, "h w 3"]:
    if isinstance(background, np.ndarray):
        assert background.shape[:2] == (view.height, view.width), "the backdrop has another size than the view"
        return background.astype(np.float32)
    return np.broadcast_to(np.array(background, dtype=np.float32), (view.height, view.width, 3))
