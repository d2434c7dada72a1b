"""Hair, hats, glasses, shoulders and lashes of a batch as one mesh, and the colours of its points."""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import HeadModel
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_yaw_pitch_roll, yaw_pitch_roll_from_wxyz
from commedia.synthetic import wardrobe
from commedia.synthetic.appearance import Appearance
from commedia.synthetic.hair import COLUMNS, ROWS, cap_triangles, cap_vertices
from commedia.synthetic.lashes import LASH_COUNT, lash_triangles, lash_vertices
from commedia.synthetic.noise import NOISE_NAMES, NOISE_SIZE, noise_bank
from commedia.synthetic.performers import Performer
from commedia.synthetic.scalp import scalp_grid
from commedia.synthetic.skin import irradiance
from commedia.synthetic.wardrobe import Outfit

HAIR, FRAME, GLASS, TORSO, LASH = range(5)
_CAP_COUNT = COLUMNS * ROWS
_GLASSES_COUNT = 134


class DressMesh(NamedTuple):
    """Topology shared by everyone; what somebody does not wear has no area."""

    triangles: Int64[np.ndarray, "t 3"]
    part: Int64[np.ndarray, "t"]


class DressPoints(NamedTuple):
    """Visible points of one person's dress."""

    part: Int64[Tensor, "n"]
    extra: Float[Tensor, "n 3"]
    """Hair: azimuth share, way along the strand, fade. Lashes: place along the lid, way from root to tip, lower lid.
    Torso: its own coordinates. Glasses: zero."""
    normal: Float[Tensor, "n 3"]


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


def dress_colours(seen: DressPoints, performer: Performer) -> tuple[Float[Tensor, "n 3"], Float[Tensor, "n"]]:
    """Light a person's dress: linear RGB and opacity of each visible point."""
    device = seen.part.device
    light = irradiance(seen.normal, performer.light).T
    colour, alpha = torch.zeros(3, len(seen.part), device=device), torch.ones(len(seen.part), device=device)
    for part in (HAIR, FRAME, GLASS, TORSO, LASH):
        index = (seen.part == part).nonzero()[:, 0]
        if index.numel() == 0:
            continue
        extra, lit = seen.extra[index].T, light[:, index]
        if part == TORSO:
            colour[:, index] = _torso(extra, performer.outfit, performer.appearance, device) * lit
        elif part == HAIR:
            colour[:, index], alpha[index] = _hair(extra, seen.normal[index], performer, device, lit)
        elif part == LASH:
            colour[:, index], alpha[index] = _lashes(extra, performer.appearance, lit)
        else:
            glasses = performer.glasses
            assert glasses is not None
            paint = glasses.rim_colour if part == FRAME else glasses.lens_colour
            colour[:, index] = torch.from_numpy(paint).to(device)[:, None] * (lit + (0.15 if part == FRAME else 0.05))
            alpha[index] = 1.0 if part == FRAME else glasses.lens_alpha
    return colour.T, alpha


def _noise(u: Tensor, v: Tensor, appearance: Appearance, device: torch.device) -> Tensor:
    bank = torch.from_numpy(noise_bank()).to(device).reshape(-1, len(NOISE_NAMES))
    x = (u + float(appearance.noise_at[0])).long() % NOISE_SIZE
    y = (v + float(appearance.noise_at[1])).long() % NOISE_SIZE
    return bank[y * NOISE_SIZE + x].T


def _hair(
    extra: Tensor, normal: Tensor, performer: Performer, device: torch.device, lit: Tensor
) -> tuple[Tensor, Tensor]:
    style, appearance = performer.hair, performer.appearance
    assert style is not None
    around, way, fade = extra
    if style.cloth:
        noise = _noise(around * 900, way * 2200, appearance, device)
        paint = torch.from_numpy(performer.outfit.colours[1]).to(device)[:, None]
        band = 1 - 0.5 * performer.outfit.stripes * (torch.sin(way * 160) > 0.3)
        return paint * (1 + 0.10 * noise[5] + 0.12 * noise[0]) * band * lit, (fade > -1).float()
    bend = 14 * torch.sin(way * 38 + 6 * around)
    noise = _noise(around * 2600 + bend, way * 300, appearance, device)
    strands, blotch = noise[4], noise[0]
    paint = torch.from_numpy(appearance.colours["hair"]).to(device)[:, None]
    root = (0.55 + way * 4).clamp(0, 1)
    tone = (0.78 + 0.30 * strands + 0.12 * blotch).clamp(0.12, 1.8)
    # Hair shines in bands across the strands: where the strand, which runs down, is across the light.
    sheen = (1 - (normal[:, 1] - 0.35).abs() * 2.5).clamp(0, 1) ** 2 * (0.5 + 0.5 * strands).clamp(0, 1)
    colour = paint * tone * root * lit + 0.05 * appearance.strengths["lip_gloss"] * sheen * lit
    return colour, ((fade - 0.42 + 0.20 * strands + 0.08 * blotch) * 5).clamp(0, 1)


def _lashes(extra: Tensor, appearance: Appearance, lit: Tensor) -> tuple[Tensor, Tensor]:
    along, way, lower = extra
    paint = torch.from_numpy(appearance.colours["brow"]).to(extra.device)[:, None] * 0.12 + 0.004
    hairs = 0.75 + 0.25 * torch.sin(along * 150 + 5 * way)
    alpha = appearance.strengths["lashes"] * (1 - way) * hairs * torch.where(lower > 0.5, 0.45, 1.1)
    return paint * lit, alpha.clamp(0, 0.97)


def _torso(extra: Tensor, outfit: Outfit, appearance: Appearance, device: torch.device) -> Tensor:
    x, y, z = extra
    noise = _noise(x * 1500 + z * 700, y * 1500, appearance, device)
    first, second = torch.from_numpy(outfit.colours).to(device)[:, :, None]
    striped = outfit.stripes * (torch.sin(y * 220) > 0)
    cloth = (first + (second - first) * striped) * (1 + 0.08 * noise[5] + 0.15 * noise[0])
    collar = outfit.neckline_m - outfit.v_cut * (0.06 - x.abs()).clamp_min(0) * (z > 0)
    skin = torch.from_numpy(appearance.colours["skin"]).to(device)[:, None] * (1 + 0.04 * noise[0])
    bare = ((y - collar) * 400).clamp(0, 1)
    under_chin = 0.55 + 0.45 * ((0.01 - y) / 0.06).clamp(0, 1)
    return (cloth + (skin - cloth) * bare) * under_chin
