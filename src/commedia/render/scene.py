"""What is drawn and from where: surfaces, the view of an orthographic camera, and surfaces joined to one mesh."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite

import numpy as np
from jaxtyping import Float, Float32, Int, Int32, UInt8

from commedia.geometry.meshes import smooth_normals
from commedia.render.colour_numpy import linear_from_srgb
from commedia.render.rasterize_compiled import Memory, Paint
from commedia.render.textures import Texture, texels_per_unit


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

    @property
    def picture(self) -> UInt8[np.ndarray, "th tw c"] | None:
        """The texture, where there are coordinates to read it at."""
        return None if self.uv is None else self.texture


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

    def finer(self, times: int) -> "View":
        """The same part in a picture of so many times the height and width."""
        return View(self.center, self.px_per_unit * times, self.height * times, self.width * times)


def framing_view(vertices: Float[np.ndarray, "v 3"], height: int, width: int, *, margin: float = 0.06) -> View:
    """Choose the view that shows all the points, centred, with a margin in shares of the picture."""
    low, high = vertices[:, :2].min(axis=0), vertices[:, :2].max(axis=0)
    extent = np.maximum(high - low, 1e-9)
    px_per_unit = float(min(width / extent[0], height / extent[1]) * (1 - 2 * margin))
    center = (low + high) / 2
    return View((float(center[0]), float(center[1])), px_per_unit, height, width)


def reached(low: float, high: float, end: int) -> slice:
    """What of the pixels from 0 to `end` points from `low` to `high` can touch; all where one is nowhere."""
    if not (isfinite(low) and isfinite(high)):
        return slice(0, end)
    return slice(min(max(floor(low), 0), end), min(max(ceil(high), 0), end))


class Scene:
    """Surfaces joined to one mesh, made once for many pictures: only `vertices` and `normals` may move between them."""

    def __init__(self, surfaces: Sequence[Surface]):
        self.surfaces = tuple(surfaces)
        self._firsts = np.cumsum([0] + [len(surface.vertices) for surface in surfaces])
        joined = [surface.triangles + first for surface, first in zip(surfaces, self._firsts[:-1], strict=True)]
        self.triangles: Int32[np.ndarray, "t 3"] = np.ascontiguousarray(np.concatenate(joined), dtype=np.int32)
        counts = [len(surface.triangles) for surface in surfaces]
        self.surface_of: Int32[np.ndarray, " t"] = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        """Which surface each triangle is part of."""
        with np.errstate(over="ignore"):  # what lies too far away is nowhere
            self.vertices: Float32[np.ndarray, "v 3"] = _joined([surface.vertices for surface in surfaces])
            self.normals: Float32[np.ndarray, "v 3"] = _joined([_normals(surface) for surface in surfaces])
        self.look: Float32[np.ndarray, "v 6"] = np.concatenate([_look(surface) for surface in surfaces])
        """Gloss, linear colour, texture coordinates."""
        self._textures, self._paints = [_texture(surface) for surface in surfaces], dict[tuple, Paint]()
        self.memory = Memory()
        self.has_holes = any(surface.alpha_cutoff is not None for surface in surfaces)

    def move(
        self, number: int, vertices: Float[np.ndarray, "v 3"], normals: Float[np.ndarray, "v 3"] | None = None
    ) -> None:
        """Put a surface, by its place among them, elsewhere; its normals are made from the triangles when absent.

        In the unit it was given in: how fine its texture is read is known from its size at first.
        """
        part = slice(self._firsts[number], self._firsts[number + 1])
        self.vertices[part] = vertices
        triangles = self.surfaces[number].triangles
        self.normals[part] = smooth_normals(vertices, triangles) if normals is None else normals

    def repaint(self, number: int, texture: UInt8[np.ndarray, "th tw c"]) -> None:
        """Give a surface that has a texture another one; the one it has costs nothing."""
        before = self._textures[number]
        assert before is not None, "the surface has no texture coordinates"
        if before.whole is not texture:
            self._textures[number] = before.repainted(texture)
            self._paints.clear()

    def pictures(self, px_per_unit: float) -> list[UInt8[np.ndarray, "_ _ _"] | None]:
        """Each surface's texture in the size that a view needs."""
        return [None if texture is None else texture.seen(px_per_unit) for texture in self._textures]

    def paint(self, px_per_unit: float) -> Paint:
        """The looks, and these textures as one array for compiled loops."""
        pictures = self.pictures(px_per_unit)
        key = tuple(map(id, pictures))
        if key not in self._paints:
            self._paints[key] = self._painted(pictures)
        return self._paints[key]

    def _painted(self, pictures: list[UInt8[np.ndarray, "_ _ _"] | None]) -> Paint:
        distinct = {id(picture): picture for picture in pictures if picture is not None}
        texels = [np.zeros((0, 4), dtype=np.uint8), *map(_rgba, distinct.values())]
        begins = dict(zip(distinct, np.cumsum([len(part) for part in texels]), strict=False))
        table = [(-1, 0, 0) if p is None else (begins[id(p)], *p.shape[:2]) for p in pictures]
        cutoffs = [-1.0 if s.alpha_cutoff is None or s.picture is None else s.alpha_cutoff for s in self.surfaces]
        return Paint(
            self.surface_of,
            self.look,
            np.ascontiguousarray(np.concatenate(texels)),
            np.array(table, dtype=np.int64),
            np.array(cutoffs, dtype=np.float32),
        )


def _joined(parts: list[np.ndarray]) -> Float32[np.ndarray, "n 3"]:
    return np.ascontiguousarray(np.concatenate(parts), dtype=np.float32)


def _normals(surface: Surface) -> np.ndarray:
    return surface.normals if surface.normals is not None else smooth_normals(surface.vertices, surface.triangles)


def _texture(surface: Surface) -> Texture | None:
    if surface.picture is None or surface.uv is None:
        return None
    texels = texels_per_unit(surface.vertices, surface.uv, surface.triangles, surface.picture.shape[:2])
    return Texture(surface.picture, texels, has_holes=surface.alpha_cutoff is not None)


def _look(surface: Surface) -> Float32[np.ndarray, "v 6"]:
    found = np.zeros((len(surface.vertices), 6), dtype=np.float32)
    found[:, 0] = surface.gloss
    plain = 0.6 if surface.picture is None else 1.0
    found[:, 1:4] = plain if surface.colours is None else linear_from_srgb(surface.colours)
    if surface.uv is not None:
        found[:, 4:] = surface.uv
    return found


def _rgba(picture: UInt8[np.ndarray, "th tw c"]) -> UInt8[np.ndarray, "n 4"]:
    texels = picture.reshape(-1, picture.shape[2])
    if texels.shape[1] == 4:
        return texels
    return np.concatenate([texels, np.full((len(texels), 1), 255, dtype=np.uint8)], axis=1)
