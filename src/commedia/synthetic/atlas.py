"""Where on the head what is painted: soft masks of lips, brows, beard, wrinkles and shadows in texture space.

Painted once per process from the mean head, its regions and its landmarks; every face then mixes the same masks with
weights of its own. Lengths are metres on the mean head; a mask is 0 to 1 unless said otherwise.
"""

from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float32

from commedia.conventions import EXPRESSION_INDEX
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import REGIONS, HeadModel
from commedia.render.uv import texels_of
from commedia.synthetic.occlusion import ambient_occlusion
from commedia.synthetic.painting_loops import ATLAS_SIZE, MASKS, SCALP
from commedia.synthetic.teeth import tooth_masks

_ARC_RADIUS = 0.105
_AXIS_Z = -0.07


@lru_cache(maxsize=4)
def skin_atlas(head: HeadModel) -> Float32[np.ndarray, "n c"]:
    """Paint the masks of a head, a column for each of `MASKS`, a row `y * ATLAS_SIZE + x` for each texel.

    `brow_along` runs 0 (inner) to 1 (tail), `brow_across` is metres above the brow's line, `side` is +1 on the
    subject's left and -1 on the right, wrinkles are negative beside the furrow. Takes about a second, once.
    """
    texels = texels_of(head.uv, head.uv_triangles, ATLAS_SIZE)
    member = np.eye(len(REGIONS), dtype=np.float32)[head.vertex_region]
    with_jaw = np.linalg.norm(head.model.expression_basis[EXPRESSION_INDEX["jawOpen"]], axis=1) > 0.003
    of_vertex = np.concatenate([head.model.mean, ambient_occlusion(head)[:, None], with_jaw[:, None], member], axis=1)
    known = texels.carried(of_vertex, head.model.triangles)[texels.covered]
    regions = dict(zip(REGIONS, known[:, 5:].T, strict=True))
    masks = _masks(known[:, :3], regions, points(load_scheme("ibug68"), head.model.mean))
    masks["occlusion"] = known[:, 3]
    masks |= tooth_masks(known[:, :3], regions["teeth"], known[:, 4])
    table = np.zeros((ATLAS_SIZE, ATLAS_SIZE, len(MASKS)), np.float32)
    table[texels.covered] = np.stack([masks[name] for name in MASKS], -1)
    table = texels.filled(table).reshape(ATLAS_SIZE * ATLAS_SIZE, -1)
    # The region's border follows coarse triangles; a hairline does not.
    table[:, SCALP] = cv2.GaussianBlur(table[:, SCALP].reshape(ATLAS_SIZE, -1), (0, 0), 9).reshape(-1)
    return table


def _masks(rest: np.ndarray, regions: dict[str, np.ndarray], marks: np.ndarray) -> dict[str, np.ndarray]:
    x, y, z = rest.T
    place = np.stack([_ARC_RADIUS * np.arctan2(np.abs(x), z - _AXIS_Z), y], -1)
    anchor = np.stack([_ARC_RADIUS * np.arctan2(marks[:, 0], marks[:, 2] - _AXIS_Z), marks[:, 1]], -1)
    inside = np.clip(
        sum(regions[name] for name in ("inner_mouth", "left_socket", "right_socket", "teeth", "tongue")), 0, 1
    )
    outside = 1 - inside
    front = _step(z, -0.075, -0.045)
    lips = np.clip(regions["upper_lip"] + regions["lower_lip"], 0, 1)
    masks = {
        "side": np.sign(x),
        "inner_mouth": inside,
        "depth": _step(z, 0.022, -0.012),
        "lips": lips,
        "lip_line": lips * np.clip(regions["inner_mouth"] * 4, 0, 1),
        "scalp": regions["scalp"],
        "ear": regions["left_ear"] + regions["right_ear"],
    }
    masks |= {name: mask * outside for name, mask in _beard(place, anchor, rest, lips).items()}
    masks |= _brows(place, anchor, front * outside)
    masks |= {name: mask * outside * front for name, mask in _make_up(place, anchor, regions).items()}
    return masks | {name: mask * outside * front for name, mask in _wrinkles(place, anchor).items()}


def _beard(place: np.ndarray, anchor: np.ndarray, rest: np.ndarray, lips: np.ndarray) -> dict[str, np.ndarray]:
    x, y = place.T
    mouth, wing, jaw = anchor[54], anchor[35], anchor[14]
    bare = np.clip(1 - lips * 1.5, 0, 1)
    cheek_line = wing[1] - 0.012 - 0.35 * np.clip(0.06 - x, 0, 0.06) + 0.9 * np.clip(x - 0.055, 0, 0.1)
    beard = _step(y, cheek_line + 0.012, cheek_line - 0.014) * _step(x, jaw[0] + 0.035, jaw[0] + 0.005)
    beard *= _step(y, -0.135, -0.115)
    near_mouth = np.hypot(x / 1.15, (y - mouth[1] + 0.012) / 1.0)
    above = _step(y, mouth[1] - 0.002, mouth[1] + 0.003)
    moustache = (
        above * _step(np.abs(x), mouth[0] + 0.012, mouth[0] - 0.004) * _step(y, wing[1] + 0.001, wing[1] - 0.006)
    )
    goatee = _step(near_mouth, 0.045, 0.034) * (1 - above)
    philtrum = 1 - 0.5 * np.exp(-((x / 0.003) ** 2)) * above
    return {
        "beard": beard * bare * (1 - above * _step(x, mouth[0] + 0.006, mouth[0])),
        "moustache": moustache * bare * philtrum,
        "goatee": goatee * bare * _step(rest[:, 2], -0.03, 0.0),
    }


def _brows(place: np.ndarray, anchor: np.ndarray, front: np.ndarray) -> dict[str, np.ndarray]:
    along, across, distance = _along(place, anchor[22:27])
    near = _step(distance, 0.014, 0.012) * front
    return {"brow": near, "brow_along": along, "brow_across": across}


def _make_up(place: np.ndarray, anchor: np.ndarray, regions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    x, y = place.T
    eye = anchor[42:48].mean(0)
    _, upper_n, upper = _along(place, anchor[42:46])
    along, lower_n, lower = _along(place, anchor[[42, 47, 46, 45]])
    cheek = (anchor[35] + anchor[13]) / 2
    nose_tip = np.hypot(x, y - anchor[30][1])
    above_lid = np.clip(upper_n, 0, 1)
    lids = np.clip(regions["left_lids"] + regions["right_lids"], 0, 1)
    return {
        "blush": np.exp(-(((x - cheek[0]) / 0.02) ** 2) - ((y - cheek[1] - 0.006) / 0.014) ** 2),
        "nose": np.exp(-((nose_tip / 0.015) ** 2)),
        "shadow": _step(above_lid, 0.017, 0.004) * (upper_n > -0.001) * _step(np.abs(x - eye[0]), 0.024, 0.012),
        "lash_upper": np.exp(-((upper / 0.0016) ** 2)),
        "lash_lower": np.exp(-((lower / 0.0011) ** 2)) * _step(along, 0.1, 0.5),
        "lid": lids,
        "under_eye": np.exp(-(((lower_n + 0.009) / 0.006) ** 2)) * _step(np.abs(x - eye[0]), 0.022, 0.008),
    }


def _wrinkles(place: np.ndarray, anchor: np.ndarray) -> dict[str, np.ndarray]:
    x, y = place.T
    brow_top, mouth, wing = anchor[22:27, 1].max(), anchor[54], anchor[35]
    fold = np.stack([wing, mouth, mouth, mouth])
    fold = fold + np.array([[0.003, 0.004], [0.011, 0.008], [0.012, -0.004], [0.008, -0.016]])
    fold_along, fold_n, fold_distance = _along(place, fold)
    outer = anchor[45]
    angle = np.arctan2(y - outer[1], x - outer[0])
    reach = np.hypot(x - outer[0], y - outer[1])
    height = y - brow_top + 0.004 * np.cos(x * 60)
    _, bag_n, bag = _along(place, anchor[[42, 47, 46, 45]] + [0, -0.011])
    beside, level = x - mouth[0] - 0.007, y - mouth[1]
    return {
        "forehead_lines": _furrow(height / 0.0095) * _step(height, 0.006, 0.014) * _step(height, 0.046, 0.034)
        * _step(x, 0.052, 0.036),
        "glabella": (_ridge(x - 0.0075, 0.0018) + 0.5 * _ridge(y - anchor[27][1], 0.0016))
        * _step(x, 0.016, 0.010) * np.exp(-(((y - anchor[22][1] + 0.004) / 0.012) ** 2)),
        "crow": _furrow(angle * 1.75 + 0.25) * _step(reach, 0.004, 0.010) * _step(reach, 0.028, 0.018)
        * _step(np.abs(angle), 0.85, 0.6),
        "nasolabial": np.where(fold_distance < 0.012, _ridge(fold_n, 0.0022), 0.0)
        * _step(fold_along, 0.0, 0.12) * _step(fold_along, 1.0, 0.75),
        "nose_wrinkle": _furrow((y - 0.35 * x) / 0.0055) * np.exp(-((x / 0.011) ** 2))
        * np.exp(-(((y - anchor[27][1] + 0.006) / 0.012) ** 2)),
        "dimple": _ridge(beside - 120 * level**2, 0.0017) * _step(np.abs(level), 0.010, 0.005),
        "chin": _step(np.hypot(x, y - anchor[8][1] - 0.018), 0.018, 0.008),
        "bag": _ridge(bag_n, 0.0018) * _step(bag, 0.010, 0.006),
        "cheek": np.exp(-((np.hypot(x - anchor[13][0] * 0.62, y - mouth[1] - 0.008) / 0.022) ** 2)),
    }  # fmt: skip


def _along(place: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Describe places by a polyline: share of its length, signed distance (positive on its left), distance."""
    lengths = np.linalg.norm(np.diff(line, axis=0), axis=1)
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    best = np.full(len(place), np.inf)
    share, signed = np.zeros(len(place)), np.zeros(len(place))
    for start, end, before, length in zip(line[:-1], line[1:], starts, lengths, strict=False):
        direction = (end - start) / length
        offset = place - start
        step = np.clip(offset @ direction, 0, length)
        distance = np.linalg.norm(offset - step[:, None] * direction, axis=1)
        nearer = distance < best
        side = direction[0] * offset[:, 1] - direction[1] * offset[:, 0]
        best = np.where(nearer, distance, best)
        share = np.where(nearer, (before + step) / starts[-1], share)
        signed = np.where(nearer, np.sign(side) * distance, signed)
    return share, signed, best


def _step(
    value: np.ndarray, zero: np.ndarray | np.floating | float, one: np.ndarray | np.floating | float
) -> np.ndarray:
    """Rise smoothly from 0 to 1 between two values, in either direction."""
    t = np.clip((value - zero) / (np.asarray(one) - zero), 0, 1)
    return t * t * (3 - 2 * t)


def _ridge(offset: np.ndarray, width: float) -> np.ndarray:
    """A dark line with a lighter swelling on both sides."""
    scaled = (offset / width) ** 2
    return np.exp(-scaled) - 0.45 * np.exp(-scaled / 9)


def _furrow(phase: np.ndarray) -> np.ndarray:
    """Repeated dark lines, one per unit of phase, lighter between."""
    wave = np.cos(2 * np.pi * phase)
    return np.where(wave > 0, wave**2, -0.35 * wave**2)
