"""Hair, hats, glasses, shoulders and lashes of a batch as one mesh, and the colours of its points."""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int64

from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import HeadModel
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_yaw_pitch_roll, yaw_pitch_roll_from_wxyz
from commedia.synthetic import wardrobe
from commedia.synthetic.hair import COLUMNS, ROWS, cap_triangles, cap_vertices
from commedia.synthetic.lashes import LASH_COUNT, lash_triangles, lash_vertices
from commedia.synthetic.painting import loop
from commedia.synthetic.painting_loops import FRAME, GLASS, HAIR, LASH, TORSO
from commedia.synthetic.performers import Performer
from commedia.synthetic.scalp import scalp_grid
from commedia.synthetic.skin import flat_noise, light_on

_CAP_COUNT = COLUMNS * ROWS
_GLASSES_COUNT = 134


class DressMesh(NamedTuple):
    """Topology shared by everyone; what somebody does not wear has no area."""

    triangles: Int64[np.ndarray, "t 3"]
    part: Int64[np.ndarray, "t"]


class DressPoints(NamedTuple):
    """Visible points of one person's dress."""

    part: Int64[np.ndarray, "n"]
    extra: Float32[np.ndarray, "n 3"]
    """Hair: azimuth share, way along the strand, fade. Lashes: place along the lid, way from root to tip, lower lid.
    Torso: its own coordinates. Glasses: zero."""
    normal: Float32[np.ndarray, "n 3"]


@cache
def dress_mesh() -> DressMesh:
    """Return the topology: cap, glasses, lashes, torso, in this order of vertices."""
    frame, glass = wardrobe.glasses_triangles()
    starts = np.cumsum([0, _CAP_COUNT, _GLASSES_COUNT, LASH_COUNT])
    pieces = (cap_triangles(), frame, lash_triangles(), wardrobe.torso_triangles())
    triangles = [piece + start for piece, start in zip(pieces, starts, strict=True)]
    parts = [
        np.full(len(pieces[0]), HAIR), np.where(glass, GLASS, FRAME), np.full(len(pieces[2]), LASH),
        np.full(len(pieces[3]), TORSO),
    ]  # fmt: skip
    return DressMesh(np.concatenate(triangles).astype(np.int64), np.concatenate(parts).astype(np.int64))


def dress(
    performer: Performer, vertices: Float[np.ndarray, "v 3"], head: HeadModel
) -> tuple[Float[np.ndarray, "d 3"], Float[np.ndarray, "d 3"]]:
    """Put a performer's things on: rotated positions (camera axes, metres, head's origin) and `extra` per vertex."""
    rotation = matrix_from_wxyz(performer.truth.wxyz)
    rng = np.random.default_rng(performer.seed)
    cap, cap_extra = np.zeros((_CAP_COUNT, 3), np.float32), np.zeros((_CAP_COUNT, 3), np.float32)
    if performer.hair is not None:
        down = rotation.T @ np.array([0, -1.0, 0]) + np.array([0, -1.0, 0])
        grown, extra = cap_vertices(performer.hair, scalp_grid(head).on(vertices), down / np.linalg.norm(down), rng)
        cap, cap_extra = grown.reshape(-1, 3), extra.reshape(-1, 3)
    glasses = np.zeros((_GLASSES_COUNT, 3), np.float32)
    if performer.glasses is not None:
        glasses = wardrobe.glasses_vertices(performer.glasses, points(load_scheme("ibug68"), vertices))
    torso = wardrobe.torso_vertices(performer.outfit)
    lashes, lash_extra = lash_vertices(head, vertices)
    worn = np.concatenate([cap, glasses, lashes]) @ rotation.T
    shoulders = torso @ _torso_rotation(performer, rng).T + rotation @ _neck_base(head, vertices)
    extra = np.concatenate([cap_extra, np.zeros_like(glasses), lash_extra, torso])
    return np.concatenate([worn, shoulders]).astype(np.float32), extra.astype(np.float32)


@lru_cache(maxsize=4)
def _neck_ring(head: HeadModel) -> np.ndarray:
    mean = head.model.mean
    return np.flatnonzero((mean[:, 1] < mean[:, 1].min() + 0.045) & (mean[:, 2] < 0.0))


def _neck_base(head: HeadModel, vertices: np.ndarray) -> np.ndarray:
    return vertices[_neck_ring(head)].mean(0) + np.array([0, 0.012, 0.0], np.float32)


def _torso_rotation(performer: Performer, rng: np.random.Generator) -> np.ndarray:
    yaw, _, roll = yaw_pitch_roll_from_wxyz(performer.truth.wxyz)
    turn = np.array([yaw * performer.outfit.turn_share, rng.normal(0, 0.08), roll * 0.2 + rng.normal(0, 0.05)])
    return matrix_from_wxyz(wxyz_from_yaw_pitch_roll(turn)).astype(np.float32)


def dress_colours(
    seen: DressPoints, performer: Performer
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n"]]:
    """Light a person's dress: linear RGB and opacity of each visible point."""
    look, outfit, glasses, style = performer.appearance, performer.outfit, performer.glasses, performer.hair
    nothing = np.zeros(3, np.float32)
    worn = (nothing, nothing) if glasses is None else (glasses.rim_colour, glasses.lens_colour)
    paint = np.stack([*(look.colours[name] for name in ("hair", "brow", "skin")), *outfit.colours, *worn])
    strengths = (
        look.strengths["lip_gloss"], look.strengths["lashes"], style is not None and style.cloth,
        0 if glasses is None else glasses.lens_alpha, outfit.stripes, outfit.neckline_m, outfit.v_cut,
    )  # fmt: skip
    colour, opacity = np.zeros((len(seen.part), 3), np.float32), np.zeros(len(seen.part), np.float32)
    light, numbers = light_on(seen.normal, performer.light), tuple(float(one) for one in strengths)
    loop("paint_dress")(
        flat_noise(), look.noise_at, numbers, paint.astype(np.float32), seen.part, seen.extra, seen.normal, light,
        colour, opacity,
    )  # fmt: skip
    return colour, opacity
