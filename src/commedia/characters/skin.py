"""A texture for the default head, painted by rule from its regions and landmarks: no photograph is in it."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import EYE_CHART_RADIUS, EYE_CHARTS, PARTS, REGIONS, HeadModel, head_or_default
from commedia.face_model.person import Albedo
from commedia.render.uv import Texels, texels_of

SIZE_PX = 1024
BITE_Y_M, CROWN_M = -0.0605, 0.0095
"""Where the rows of teeth meet in the mean head, and how far their crowns reach up and down from there."""
ARCH_CENTER_Z_M, TOOTH_ANGLE = -0.016, 0.26
"""Middle of the dental arch, and the angle that one tooth takes of it."""


@dataclass(frozen=True, eq=False)
class Look:
    """What a head is painted with, sRGB 0 to 255. Compared by identity, so that what is painted can be kept by it."""

    skin: tuple[int, int, int] = (214, 168, 142)
    lips: tuple[int, int, int] = (186, 104, 98)
    hair: tuple[int, int, int] = (62, 45, 36)
    """Lashes, the cropped hair of the scalp, and brows unless they have a colour of their own."""
    iris: tuple[int, int, int] = (96, 112, 98)
    brows: tuple[int, int, int] | None = None
    scalp: float = 0.88
    """How much of the scalp is hair; 0 for a bald head."""
    hair_m: float = 0.0
    """How far the hair stands off the scalp."""
    whites: tuple[int, int, int] = (236, 232, 228)
    """Of the eyes."""
    photo: UInt8[np.ndarray, "s s 4"] | None = None
    """Photographed skin in the head's texture coordinates; alpha says how much of it covers the paint."""

    @property
    def size_px(self) -> int:
        """Side of the texture: as large as the photograph, where there is one."""
        return SIZE_PX if self.photo is None else len(self.photo)


MASK = Look(skin=(205, 200, 194), lips=(186, 176, 170), hair=(150, 145, 140), iris=(120, 124, 128), scalp=0.0)
"""Nobody's colours: clay."""


def paint_head(look: Look | None = None, *, head: HeadModel | None = None) -> UInt8[np.ndarray, "h w 3"]:
    """Paint the whole texture of a head (None: the default head); (0, 0) is its upper left corner."""
    look = look or Look()
    size_px = look.size_px
    atlas = _atlas(head_or_default(head), size_px)
    skin, lips, hair = (np.array(colour, dtype=np.float32) for colour in (look.skin, look.lips, look.hair))
    picture = np.broadcast_to(skin, (size_px, size_px, 3)) * (1 + 0.018 * atlas.mottle[..., None])
    picture = _blend(picture, skin * (0.97, 0.74, 0.70), 0.42 * atlas.blush)
    picture = _blend(picture, skin * (0.80, 0.64, 0.60), 0.45 * atlas.part("left_lids", "right_lids"))
    picture = _blend(picture, np.array([176, 92, 86]), atlas.part("left_socket", "right_socket"))
    mouth = np.clip(atlas.part("upper_lip", "lower_lip") * 1.25, 0, 1)
    picture = _blend(picture, lips * (1 + 0.05 * atlas.mottle[..., None]), 0.85 * mouth)
    picture = _blend(picture, np.array([112, 38, 40]), atlas.part("inner_mouth"))
    picture = _blend(picture, hair * (1 + 0.22 * atlas.strokes[..., None]), look.scalp * _scalp(atlas))
    brows = hair if look.brows is None else np.array(look.brows, dtype=np.float32)
    picture = _blend(picture, brows, atlas.brows * np.clip(0.78 + 0.16 * atlas.strokes, 0, 1))
    picture = _blend(picture, hair * 0.45, 0.9 * atlas.lashes)
    if look.photo is not None:
        picture = _blend(picture, look.photo[..., :3], look.photo[..., 3] / np.float32(255))
    picture = _blend(picture, _teeth(atlas), atlas.part("teeth"))
    tongue = np.array([176, 88, 90]) * (1 + 0.06 * atlas.mottle[..., None]) * _depth_shade(atlas.place)
    picture = _blend(picture, tongue, atlas.part("tongue"))
    for eye in EYE_CHARTS:
        picture = _paint_eye(picture, eye, *(np.array(part, dtype=np.float32) for part in (look.iris, look.whites)))
    return np.clip(atlas.texels.filled(picture), 0, 255).astype(np.uint8)


def texture_of(head: HeadModel, albedo: Albedo) -> UInt8[np.ndarray, "h w 3"]:
    """Return a person's skin as a texture; colours of vertices are spread over the head's chart."""
    if albedo.ndim == 3:
        return albedo
    texels = texels_of(head.uv, head.uv_triangles, SIZE_PX)
    colours = texels.filled(texels.carried(albedo * 255, head.model.triangles))
    return np.clip(colours + 0.5, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class _Atlas:
    """What each texel of the texture shows; independent of the colours."""

    texels: Texels
    regions: np.ndarray
    place: np.ndarray
    blush: np.ndarray
    brows: np.ndarray
    lashes: np.ndarray
    mottle: np.ndarray
    strokes: np.ndarray

    def part(self, *names: str) -> np.ndarray:
        # One by one: a choice of several copies them all first, which takes four times as long.
        first, *others = (self.regions[..., REGIONS.index(name)] for name in names)
        return sum(others, start=first)


@lru_cache(maxsize=2)
def _atlas(head: HeadModel, size_px: int) -> _Atlas:
    texels = texels_of(head.uv, head.uv_triangles, size_px)
    one_hot = np.eye(len(REGIONS), dtype=np.float32)[head.vertex_region]
    values = texels.carried(np.concatenate([head.model.mean, one_hot], axis=1), head.model.triangles)
    place, regions = values[..., :3], values[..., 3:]
    random = np.random.default_rng(2)
    landmarks = points(load_scheme("ibug68"), head.model.mean)
    skin = texels.covered & (head.triangle_part[texels.triangle] == PARTS.index("skin"))
    return _Atlas(
        texels,
        regions,
        place,
        _blush(place, landmarks) * skin,
        _brows(place, landmarks) * skin,
        _lashes(place, landmarks) * skin,
        _noise(random, (2.0, 9.0), size_px),
        _noise(random, (0.8, 1.6), size_px),
    )


def _noise(random: np.random.Generator, sigmas: tuple[float, ...], size_px: int) -> np.ndarray:
    total = np.zeros((size_px, size_px), dtype=np.float32)
    for sigma in sigmas:
        layer = cv2.GaussianBlur(random.standard_normal((size_px, size_px)).astype(np.float32), (0, 0), sigma)
        total += layer / layer.std()
    return total / len(sigmas)


def _blush(place: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    # Cheeks, tip of the nose and chin carry more blood than the rest.
    left, right = landmarks[[46, 35]].mean(axis=0), landmarks[[41, 31]].mean(axis=0)
    side = np.array([0.014, -0.008, 0], dtype=np.float32)
    spots = ((left + side, 0.021, 0.8), (right - side * (1, -1, 1), 0.021, 0.8), (landmarks[30], 0.012, 0.7))
    return np.clip(sum(amount * _near(place, center, radius) for center, radius, amount in spots), 0, 1)


def _near(place: np.ndarray, center: np.ndarray, radius: float) -> np.ndarray:
    return np.exp(-((place - center.astype(np.float32)) ** 2).sum(axis=-1) / (2 * radius * radius))


def _brows(place: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    mask = np.zeros(place.shape[:2], dtype=np.float32)
    for outer_to_inner in (landmarks[17:22], landmarks[26:21:-1]):
        along, distance = _along(place, outer_to_inner)
        # Thin at the temple, full towards the nose, soft at both ends.
        half_width = 0.0018 + 0.0022 * np.clip(along * 1.4, 0, 1)
        ends = np.clip(along / 0.06, 0, 1) * np.clip((1 - along) / 0.04, 0, 1)
        mask = np.maximum(mask, np.clip(1.6 - distance / half_width, 0, 1) * (0.35 + 0.65 * ends))
    return mask


def _lashes(place: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    mask = np.zeros(place.shape[:2], dtype=np.float32)
    upper = (landmarks[36:40], landmarks[42:46])
    for line in upper:
        _, distance = _along(place, line)
        mask = np.maximum(mask, np.clip(1.5 - distance / 0.0011, 0, 1))
    return mask


def _along(place: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far along a polyline (0 to 1) the nearest point lies, and its distance in metres; smoothly resampled."""
    steps = np.linspace(0, len(line) - 1, 41)
    curve = np.stack([np.interp(steps, np.arange(len(line)), line[:, axis]) for axis in range(3)], axis=1)
    kernel = np.ones(7) / 7
    inner = np.stack([np.convolve(np.pad(curve[:, a], 3, "edge"), kernel, "valid") for a in range(3)], axis=1)
    along = np.zeros(place.shape[:2], dtype=np.float32)
    nearest = np.full(place.shape[:2], np.inf, dtype=np.float32)
    # Hair is millimetres wide: texels a centimetre away need no measuring.
    around = ((place > inner.min(axis=0) - 0.01) & (place < inner.max(axis=0) + 0.01)).all(axis=-1)
    squares = ((place[around][:, None] - inner.astype(np.float32)) ** 2).sum(axis=-1)
    along[around] = squares.argmin(axis=1) / np.float32(40)
    nearest[around] = np.sqrt(squares.min(axis=1))
    return along, nearest


def _teeth(atlas: _Atlas) -> np.ndarray:
    """Crowns with gaps along the arch of the jaw, gums beyond them."""
    part = _around(atlas.part("teeth"))
    place, painted = atlas.place[part], np.zeros(atlas.place.shape)
    x, y, z = np.moveaxis(place, -1, 0)
    around = np.arctan2(x, z - ARCH_CENTER_Z_M)
    gap = np.clip(1 - np.abs((around / TOOTH_ANGLE + 0.5) % 1 - 0.5) / 0.07, 0, 1)
    ivory = np.array([236, 228, 211]) * (1 - 0.3 * gap[..., None])
    gums = np.clip((np.abs(y - BITE_Y_M) - CROWN_M) / 0.0008 + 0.5, 0, 1)
    # Light reaches a grin's teeth from between the lips: they darken later than the mouth behind them.
    painted[part] = _blend(ivory, np.array([190, 112, 108]), gums) * _depth_shade(place, brightest=1.0, per_m=14.0)
    return painted


def _depth_shade(place: np.ndarray, *, brightest: float = 0.92, per_m: float = 30.0) -> np.ndarray:
    # The renderers here cast no shadows, and a mouth is dark inside.
    return np.clip(brightest + per_m * (place[..., 2:] - 0.017), 0.3, brightest)


def _scalp(atlas: _Atlas) -> np.ndarray:
    # A hairline is ragged, not an edge of the mesh.
    return np.clip((atlas.part("scalp") + 0.16 * atlas.strokes - 0.3) * 2.2, 0, 1)


def _paint_eye(picture: np.ndarray, eye: str, iris: np.ndarray, whites: np.ndarray) -> np.ndarray:
    """White, iris and pupil on an eyeball's chart, whose radius grows with the square root of the angle."""
    size_px = len(picture)
    center = np.array(EYE_CHARTS[eye]) * size_px
    # The chart is a fiftieth of the picture, and what lies around it stays as it is.
    reach = int(np.ceil(1.05 * EYE_CHART_RADIUS * size_px))
    (left, top), (right, bottom) = (np.clip(center.astype(int) + side, 0, size_px) for side in (-reach, reach + 1))
    painted = picture.copy()
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32) + 0.5
    painted[top:bottom, left:right] = _painted_chart(
        picture[top:bottom, left:right], (center, size_px), (rows, columns), (iris, whites)
    )
    return painted


def _painted_chart(
    picture: np.ndarray,
    placed: tuple[np.ndarray, int],
    grid: tuple[np.ndarray, np.ndarray],
    paints: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    (center, size_px), (rows, columns), (iris, whites) = placed, grid, paints
    radius = np.hypot(columns - center[0], rows - center[1]) / (EYE_CHART_RADIUS * size_px)
    turn = np.arctan2(rows - center[1], columns - center[0])
    angle = np.pi * np.minimum(radius, 1) ** 2
    inside = (radius <= 1.03).astype(np.float32)
    white = whites - np.clip(angle - 0.5, 0, 1.2)[..., None] * np.array([14, 42, 44])
    picture = _blend(picture, white, inside)
    rays = 1 + 0.16 * np.sin(turn * 37) * np.sin(turn * 23 + 1) + 0.45 * np.clip((angle - 0.2) / 0.3, 0, 1)
    picture = _blend(picture, iris * rays[..., None] * 0.8, _disc(angle, 0.51))
    picture = _blend(picture, iris * 0.25, 0.8 * (_disc(angle, 0.53) - _disc(angle, 0.45)))
    picture = _blend(picture, np.array([12, 10, 10]), _disc(angle, 0.2))
    # A painted glint, because a flat picture of an eye looks blind.
    glint = np.hypot(columns - center[0] + 0.006 * size_px, rows - center[1] + 0.008 * size_px)
    return _blend(picture, np.array([250, 250, 250]), 0.85 * np.clip(4.6 * size_px / SIZE_PX - glint, 0, 1))


def _disc(angle: np.ndarray, limit: float) -> np.ndarray:
    return np.clip((limit - angle) / 0.03 + 0.5, 0, 1)


def _blend(below: np.ndarray, colour: np.ndarray, amount: Float[np.ndarray, "h w"]) -> np.ndarray:
    """Lay a colour, or one for each texel, over a picture, which is changed."""
    part, colour = _around(amount), np.asarray(colour, dtype=np.float32)
    # Most of what is painted is small.
    colour = colour[part] if colour.ndim == 3 else colour
    below[part] += (colour - below[part]) * amount[part][..., None].astype(np.float32)
    return below


def _around(amount: Float[np.ndarray, "h w"]) -> tuple[slice, slice]:
    """The rows and columns outside of which there is nothing."""
    filled = [np.flatnonzero(amount.any(axis=axis)) for axis in (1, 0)]
    rows, columns = (slice(at[0], at[-1] + 1) if len(at) else slice(0) for at in filled)
    return rows, columns
