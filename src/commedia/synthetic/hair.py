"""Hair, hats and scarves: a cap grown from the scalp grid, with ends that hang. Geometry and styles; no colours."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from commedia.synthetic.scalp import CENTRE, COLUMNS, ELEVATIONS_DEG, azimuths

CAP_ROWS = 13
HANG_ROWS = 8
ROWS = CAP_ROWS + HANG_ROWS

# Degrees from the front at which a style gives its values; between them they are interpolated.
_KNOTS = np.radians([0, 25, 45, 62, 78, 95, 120, 180])


@dataclass(frozen=True)
class HairStyle:
    """One cap: values at the knots 0, 25, 45, 62, 78, 95, 120, 180 degrees from the front, on either side."""

    edge_deg: Float[np.ndarray, "8"]
    """Elevation at which the cap ends."""
    hang_m: Float[np.ndarray, "8"]
    """How far it hangs from there."""
    thickness_m: tuple[float, float, float]
    """At the crown, half way, at the edge."""
    flare: float
    """Metres outward per metre of hang; negative hugs the neck."""
    wave_m: float
    parting: float
    """-1 to 1: asymmetry of thickness and edge."""
    brim_m: float
    """Length of a peak over the forehead; 0 for none."""
    cloth: bool
    """A hat or scarf: sharp edges, woven, coloured."""
    bald_deg: float
    """Above this elevation there is none; 90 where the crown is covered."""
    frizz: float
    """Roughness of the surface, in metres."""


def sample_style(rng: np.random.Generator) -> HairStyle | None:
    """Draw a style, from cropped to waist-long, scarf to cap; None is a bare head."""
    kinds = ("bare", "short", "fringe", "long", "bob", "back", "afro", "receding", "hat", "cap", "scarf", "hood")
    odds = (0.11, 0.25, 0.10, 0.17, 0.08, 0.08, 0.04, 0.04, 0.04, 0.03, 0.04, 0.02)
    kind = str(rng.choice(kinds, p=odds))
    if kind == "bare":
        return None
    edge = np.array([42, 41, 36, 26, -6, 3, -16, -40]) + rng.normal(0, 2.5) + rng.normal(0, 2.0, 8)
    hang = np.zeros(8)
    style = {
        "thickness_m": (rng.uniform(0.006, 0.035), rng.uniform(0.004, 0.022), 0.002),
        "flare": rng.normal(0.0, 0.10),
        "wave_m": rng.uniform(0, 0.008),
        "parting": rng.uniform(-1, 1),
        "brim_m": 0.0,
        "cloth": kind in ("hat", "cap", "scarf", "hood"),
        "bald_deg": 90.0,
        "frizz": rng.uniform(0, 0.0025),
    }
    if kind == "fringe" or (kind in ("long", "bob") and rng.uniform() < 0.45):
        edge[:4] = rng.uniform(6, 26) + rng.normal(0, 2, 4) + np.array([0, 0, 0, -6])
    if kind in ("long", "bob"):
        length = rng.uniform(0.14, 0.34) if kind == "long" else rng.uniform(0.06, 0.13)
        near = rng.choice(3, p=[0.35, 0.40, 0.25])  # how far towards the face the curtain closes
        hang[4 - near + 1 :] = length * rng.uniform(0.9, 1.1)
        hang[4 - near + 1] *= rng.uniform(0.4, 1.0)
        edge[4:] = np.array([4, -2, -6, -12]) + rng.normal(0, 2)
        style["thickness_m"] = (rng.uniform(0.008, 0.03), rng.uniform(0.008, 0.028), rng.uniform(0.008, 0.025))
    if kind == "fringe" and rng.uniform() < 0.4:
        hang[5:] = rng.uniform(0.02, 0.1)
    if kind == "back":
        style["thickness_m"] = (rng.uniform(0.004, 0.012), rng.uniform(0.003, 0.008), 0.002)
        edge[4:] = np.array([6, 4, -12, -30])
    if kind == "afro":
        size = rng.uniform(0.03, 0.085)
        style |= {"thickness_m": (size, size, size * 0.6), "frizz": rng.uniform(0.002, 0.006)}
    if kind == "receding":
        style["bald_deg"] = rng.uniform(18, 60)
        style["thickness_m"] = (0.002, rng.uniform(0.002, 0.01), 0.002)
        edge[:3] = 60
    if kind in ("hat", "cap"):
        edge = np.array([34, 33, 30, 22, 10, 5, -2, -10]) + rng.normal(0, 5)
        style["thickness_m"] = (rng.uniform(0.01, 0.05), rng.uniform(0.008, 0.02), rng.uniform(0.004, 0.012))
        style["brim_m"] = rng.uniform(0.05, 0.08) if kind == "cap" else 0.0
        if kind == "hat" and rng.uniform() < 0.4:
            edge[3:] = edge[3:] - 18
    if kind in ("scarf", "hood"):
        edge = np.array([40, 40, 36, 24, 2, -8, -15, -20]) + rng.normal(0, 4)
        hang = np.array([0, 0, 0, rng.uniform(0, 0.1), 0.22, 0.25, 0.25, 0.25])
        thick = rng.uniform(0.004, 0.012) if kind == "scarf" else rng.uniform(0.015, 0.04)
        style |= {"thickness_m": (thick, thick, thick), "flare": rng.uniform(-0.16, -0.02), "wave_m": 0.003}
    return HairStyle(edge_deg=edge, hang_m=hang, **style)


def cap_vertices(
    style: HairStyle,
    scalp: Float[np.ndarray, "columns elevations 3"],
    down: Float[np.ndarray, "3"],
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "columns rows 3"], Float[np.ndarray, "columns rows 3"]]:
    """Grow a style on a head: positions, and for each its (azimuth share, way along the strand in metres, fade).

    `down` is the direction in which hair falls, in the head frame. `fade` is 1 inside and 0 at the ends.
    """
    azimuth = azimuths()
    away = np.abs(azimuth)
    lean = style.parting * np.sin(azimuth)
    edge = np.interp(away, _KNOTS, style.edge_deg) + 4 * lean * (away < 1.2)
    hang = np.interp(away, _KNOTS, style.hang_m)
    share = np.array([*np.linspace(0, 0.9, CAP_ROWS - 3), 0.95, 0.985, 1.0])
    elevation = 90 + (np.minimum(edge, 89)[:, None] - 90) * share
    skin = _at_elevation(scalp, elevation)
    out = skin - CENTRE
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    thickness = np.interp(
        share, [0, 0.5, 0.93, 1], [style.thickness_m[0], style.thickness_m[1], style.thickness_m[1], 0]
    )
    last = np.where(hang > 0.005, style.thickness_m[2], 0.6 * style.thickness_m[2] + 0.0005)
    thickness = np.maximum(thickness * (1 + 0.35 * lean[:, None]), 0.0015) * np.ones((COLUMNS, 1))
    thickness[:, -1] = last
    thickness += np.abs(rng.normal(0, 1, thickness.shape)) * style.frizz
    thickness[-1] = thickness[0]
    cap = skin + out * thickness[..., None]
    ends = _hanging(style, cap[:, -1], out[:, -1], hang, down, azimuth)
    if style.brim_m:
        ends = _with_brim(style, ends, cap[:, -1], azimuth)
    way = np.concatenate([share * 0.16 + np.zeros((COLUMNS, 1)), 0.16 + hang[:, None] * np.arange(1, 9) / 8], 1)
    fade = np.ones((COLUMNS, ROWS))
    fade[:, :CAP_ROWS] = np.where(elevation > style.bald_deg, 0.0, 1.0)
    free = hang <= 0.005
    # A thin edge frays; a thick one is a wall that must stay closed down to the skin.
    thick = style.thickness_m[1] > 0.009
    fade[free, CAP_ROWS - 2], fade[free, CAP_ROWS - 1 :] = (1.0, 0.3) if thick else (0.75, 0.0)
    fade[~free, -2], fade[~free, -1] = 0.6, 0.0
    extra = np.stack([np.linspace(0, 1, COLUMNS)[:, None] * np.ones(ROWS), way, fade], -1)
    return np.concatenate([cap, ends], 1).astype(np.float32), extra.astype(np.float32)


def _at_elevation(scalp: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    step = ELEVATIONS_DEG[0] - ELEVATIONS_DEG[1]
    place = np.clip((ELEVATIONS_DEG[0] - elevation) / step, 0, len(ELEVATIONS_DEG) - 1.001)
    low = place.astype(int)
    part = (place - low)[..., None]
    column = np.arange(COLUMNS)[:, None]
    return scalp[column, low] * (1 - part) + scalp[column, low + 1] * part


def _hanging(
    style: HairStyle, start: np.ndarray, out: np.ndarray, hang: np.ndarray, down: np.ndarray, azimuth: np.ndarray
) -> np.ndarray:
    flat = out * np.array([1, 0, 1])
    flat /= np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-6)
    run = (np.arange(1, HANG_ROWS + 1) / HANG_ROWS)[None, :, None] * hang[:, None, None]
    wave = style.wave_m * np.sin(run * 90 + 5 * np.cos(azimuth * 3)[:, None, None])
    return start[:, None] + run * down + flat[:, None] * (style.flare * run + wave * (run > 0))


def _with_brim(style: HairStyle, ends: np.ndarray, edge: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    reach = style.brim_m * np.sqrt(np.clip(1 - (azimuth / 0.95) ** 2, 0, None))
    run = (np.arange(1, HANG_ROWS + 1) / HANG_ROWS)[None, :, None]
    forward = np.array([0.0, -0.22, 1.0]) * run * reach[:, None, None]
    return np.where((np.abs(azimuth) < 0.95)[:, None, None], edge[:, None] + forward, ends)


def cap_triangles() -> np.ndarray:
    """Triangles of the grid of columns and rows."""
    corner = np.arange(COLUMNS * ROWS).reshape(COLUMNS, ROWS)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    return np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
