"""Lit pictures of meshes without torch or a display: what previews and the documentation's sheets are drawn with.

Seen from straight ahead and far away (orthographic), as in the weak-perspective camera that faces are fitted with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from commedia.render.rasterize_numpy import BACKGROUND, interpolate, rasterize


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


KEY = (np.array([-0.5, 0.55, 0.67]), np.array([1.0, 0.95, 0.88]) * 0.92)
FILL = (np.array([0.8, 0.05, 0.6]), np.array([0.75, 0.86, 1.0]) * 0.34)
SKY = np.array([0.62, 0.7, 0.85]) * 0.34
GROUND = np.array([0.62, 0.48, 0.42]) * 0.26
RIM = np.array([0.75, 0.85, 1.0]) * 0.5
WRAP = 0.25
"""How far light reaches round past the horizon of the key: the softness of skin."""

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

    Args:
        background: a colour, or a picture of the view's size to draw over.
        supersample: pixels along an edge per pixel of the result; 2 makes smooth outlines.
        opacity: below 1, the background shines through the meshes.
    """
    surfaces = [surfaces] if isinstance(surfaces, Surface) else list(surfaces)
    colour, covered = _draw(surfaces, view, supersample, cull_back)
    size = (view.width, view.height)
    if supersample > 1:
        colour = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
        covered = cv2.resize(covered, size, interpolation=cv2.INTER_AREA)
    behind = _backdrop(background, view)
    # `colour` is 0 where nothing was drawn, so averaging it has already multiplied it by the coverage.
    picture = behind * (1 - opacity * covered[..., None]) + opacity * colour
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def framing_view(vertices: Float[np.ndarray, "v 3"], height: int, width: int, *, margin: float = 0.06) -> View:
    """Choose the view that shows all the points, centred, with a margin in shares of the picture."""
    low, high = vertices[:, :2].min(axis=0), vertices[:, :2].max(axis=0)
    extent = np.maximum(high - low, 1e-9)
    px_per_unit = float(min(width / extent[0], height / extent[1]) * (1 - 2 * margin))
    center = (low + high) / 2
    return View((float(center[0]), float(center[1])), px_per_unit, height, width)


def smooth_normals(vertices: Float[np.ndarray, "v 3"], triangles: Int[np.ndarray, "t 3"]) -> Float32[np.ndarray, "v 3"]:
    """Average the normals of each vertex's triangles by area; unit length, 0 for a vertex without area."""
    corners = vertices[triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    index = triangles.ravel()
    total = [np.bincount(index, np.repeat(normal[:, axis], 3), len(vertices)) for axis in range(3)]
    return _unit(np.stack(total, axis=1)).astype(np.float32)


def _draw(
    surfaces: list[Surface], view: View, supersample: int, cull_back: bool
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """Colour in 0..255, 0 where nothing is, and where something is, at the supersampled size."""
    height, width = view.height * supersample, view.width * supersample
    vertices, triangles, starts = _joined(surfaces)
    scale = view.px_per_unit * supersample
    pixels = np.stack(
        [
            (vertices[:, 0] - view.center[0]) * scale + width / 2,
            (view.center[1] - vertices[:, 1]) * scale + height / 2,
            vertices[:, 2],
        ],
        axis=1,
    )
    keep = _cutout(surfaces, starts) if any(surface.alpha_cutoff is not None for surface in surfaces) else None
    fragments = rasterize(pixels, triangles, height, width, cull_back=cull_back, keep=keep)
    owner = fragments.triangle.ravel()
    barycentric = fragments.barycentric.reshape(-1, 3)
    colour = np.zeros((height * width, 3), dtype=np.float32)
    for surface, first, last in zip(surfaces, starts[:-1], starts[1:], strict=True):
        seen = np.flatnonzero((owner >= first) & (owner < last))
        if len(seen):
            colour[seen] = _shade(surface, owner[seen] - first, barycentric[seen])
    return colour.reshape(height, width, 3), (fragments.triangle != BACKGROUND).astype(np.float32)


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
            solid[mine] = _sample(texture[:, :, 3:4].astype(np.float32), uv)[:, 0] >= surface.alpha_cutoff * 255
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
        texel = _sample(_linear_texture(surface.texture), blended[:, -2:])
        albedo = texel * albedo if surface.colours is not None else texel
    return _lit_srgb(diffuse * albedo + specular[:, None])


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


def _sample(texture: Float32[np.ndarray, "th tw c"], uv: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n c"]:
    """Read a texture between its texels, repeating it beyond its edges."""
    height, width, channels = texture.shape
    x = (uv[:, 0] - np.floor(uv[:, 0])) * width - 0.5
    y = (uv[:, 1] - np.floor(uv[:, 1])) * height - 0.5
    # `remap` takes pictures of at most 32767 rows or columns, so the list of points is folded into one.
    columns = 1024
    padded = -len(x) % columns
    grid = [np.pad(axis, (0, padded)).reshape(-1, columns).astype(np.float32) for axis in (x, y)]
    values = cv2.remap(texture, grid[0], grid[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return values.reshape(-1, channels)[: len(x)]


_TEXTURES: dict[int, tuple[np.ndarray, np.ndarray]] = {}


def _linear_texture(texture: UInt8[np.ndarray, "th tw c"]) -> Float32[np.ndarray, "th tw 3"]:
    """Linear colour of a texture, remembered for the few textures a preview draws again and again."""
    known = _TEXTURES.get(id(texture))
    if known is None or known[0] is not texture:
        while len(_TEXTURES) >= 16:
            _TEXTURES.pop(next(iter(_TEXTURES)))
        linear = linear_from_srgb(np.arange(256) / 255)[texture[:, :, :3]]
        known = _TEXTURES[id(texture)] = (texture, linear)
    return known[1]


def linear_from_srgb(srgb: Float[np.ndarray, "*n"]) -> Float32[np.ndarray, "*n"]:
    """Decode sRGB in [0, 1] to linear colour in [0, 1]."""
    srgb = np.clip(srgb, 0, 1)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def srgb_from_linear(linear: Float[np.ndarray, "*n"]) -> Float32[np.ndarray, "*n"]:
    """Encode linear colour in [0, 1] as sRGB in [0, 1]."""
    linear = np.clip(linear, 0, 1)
    power = 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, power).astype(np.float32)


@cache
def _srgb_table() -> Float32[np.ndarray, "4096"]:
    """sRGB 0..255 of light 0..2, with a shoulder so that highlights do not clip hard."""
    light = np.linspace(0, 2, 4096)
    return srgb_from_linear(np.where(light < 0.7, light, 0.7 + 0.3 * np.tanh((light - 0.7) / 0.3))) * np.float32(255)


def _lit_srgb(linear: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    return _srgb_table()[np.clip(linear * (4095 / 2), 0, 4095).astype(np.int32)]


def _backdrop(background: np.ndarray | tuple[int, int, int], view: View) -> Float32[np.ndarray, "h w 3"]:
    if isinstance(background, np.ndarray):
        assert background.shape[:2] == (view.height, view.width), "the backdrop has another size than the view"
        return background.astype(np.float32)
    return np.broadcast_to(np.array(background, dtype=np.float32), (view.height, view.width, 3))
