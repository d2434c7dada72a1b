"""Fitted frames of one person to how their skin changes with groups of blendshapes, in the head's texture chart.

In each frame light is divided out of the skin, as for its colours at rest. What differs from the texture is, texel by
texel, something that all frames show alike, and a change for each group of blendshapes, by how far the group goes and
within its attention mask (Eq. 2 of Chaudhuri et al. 2020). Only changes are maps, and only those that bring the skin of
unseen frames nearer than what all show alike are kept.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.face_model.model import HeadModel
from commedia.face_model.wrinkles import WrinkleMap, change_of, doublings, shares_of
from commedia.looks.portraits import Portrait
from commedia.looks.skin import CHART_PX, face_chart, flattened, plain_skin, sight_of
from commedia.personal.skin_mesh import skin_mesh_of
from commedia.render.colour_numpy import decoding_table

GROUPS: Mapping[str, Mapping[str, float]] = {
    "brow raise": {"browInnerUp": 0.5, "browOuterUpLeft": 0.25, "browOuterUpRight": 0.25},
    "frown": {"browDownLeft": 0.5, "browDownRight": 0.5},
    "squint": {"eyeSquintLeft": 0.5, "eyeSquintRight": 0.5},
    "sneer": {"noseSneerLeft": 0.5, "noseSneerRight": 0.5},
    "smile left": {"mouthSmileLeft": 1.0},
    "smile right": {"mouthSmileRight": 1.0},
    "open mouth": {"jawOpen": 1.0},
}
"""What each map goes with."""
MAP_PX = 256
SEEN, VARIED = 0.35, 0.25
"""How far a group has to go in some frame, and how differently far in all, before a map of it is looked for."""
DOUBT = 0.2
"""As if so many frames that show a group fully had shown no change."""
LEAST_MASK = 0.17
MOST = 0.7
"""Doublings; deeper shadows are those of something before the face."""
SMOOTH_PX = 1.2
DARK = 0.01
"""Added to linear colours before they are compared."""
BARE = ("skin", "nose")
"""Brows, lips and lids are never where the model says to the pixel."""

Doublings = Float32[np.ndarray, "s s 3"]


class SkinSights(NamedTuple):
    """Skin in frames, on a chart of `MAP_PX`, with light divided out."""

    skin: Float32[np.ndarray, "n s s 3"]
    """How often each texel doubles bare skin's usual colour."""
    weight: Float32[np.ndarray, "n s s"]
    """How well it is seen, 0 to 1."""
    expression: Float[np.ndarray, "n 52"]


def skin_sights(portraits: Sequence[Portrait], identity: Float[np.ndarray, "i"], head: HeadModel) -> SkinSights:
    """Spread frames over the chart; `head` is the person's own, and the portraits' parameters are fitted to it."""
    plain, skins, weights = plain_skin(head), [], []
    for sight in (sight_of(portrait, identity, head) for portrait in portraits):
        known = plain & (sight.weight > 0.2)
        weight = sight.weight * known.any()
        skin = _over_usual(flattened(sight, plain), known)
        weights.append(_small(weight))
        skins.append(_small(skin * weight[..., None]) / np.maximum(weights[-1], 1e-3)[..., None])
    expressions = np.stack([portrait.params.expression for portrait in portraits])
    return SkinSights(np.stack(skins).astype(np.float32), np.stack(weights), expressions)


def resting_skin(texture: UInt8[np.ndarray, "t t 3"], head: HeadModel) -> Doublings:
    """The skin at rest, on the same chart and in the same unit."""
    chart = cv2.resize(decoding_table()[texture], (CHART_PX, CHART_PX), interpolation=cv2.INTER_AREA)
    return _small(_over_usual(chart, plain_skin(head)))


def _over_usual(linear: np.ndarray, known: np.ndarray) -> np.ndarray:
    doubled = np.log2(np.maximum(linear, 0) + DARK)
    return doubled - (np.median(doubled[known], axis=0) if known.any() else 0)


def _small(chart: np.ndarray) -> np.ndarray:
    return cv2.resize(chart.astype(np.float32), (MAP_PX, MAP_PX), interpolation=cv2.INTER_AREA)


def found_wrinkles(seen: SkinSights, rest: Doublings, head: HeadModel) -> tuple[list[WrinkleMap], Doublings]:
    """Look for the maps of all groups that frames show, and for the skin at rest as these frames show it.

    `rest` is that of the texture, and `head` the template.
    """
    goes = np.clip(seen.expression @ shares_of(_empty(GROUPS), EXPRESSION_NAMES).T, 0, 1)
    shown = np.flatnonzero((goes.max(axis=0) >= SEEN) & (np.ptp(goes, axis=0) >= VARIED))
    masks = attention(head)
    always = np.any(masks > LEAST_MASK, axis=0, keepdims=True).astype(np.float32)
    changes = _changes(
        seen,
        rest,
        np.concatenate([goes[:, shown], np.ones((len(goes), 1))], axis=1),
        np.concatenate([masks[shown], always]),
    )
    names = [list(GROUPS)[row] for row in shown]
    maps = [WrinkleMap(name, GROUPS[name], change_of(one)) for name, one in zip(names, changes, strict=False)]
    return maps, rest + changes[-1]


def kept_wrinkles(
    found: Sequence[WrinkleMap], unseen: SkinSights, rest: Doublings, head: HeadModel
) -> tuple[WrinkleMap, ...]:
    """Keep those maps that bring the skin of unseen frames nearer, one after the other."""
    kept: list[WrinkleMap] = []
    least = skin_error(kept, unseen, rest, head)
    for one in found:
        error = skin_error([*kept, one], unseen, rest, head)
        if error < least:
            kept, least = [*kept, one], error
    return tuple(kept)


def skin_error(maps: Sequence[WrinkleMap], seen: SkinSights, rest: Doublings, head: HeadModel) -> float:
    """How far skin with these maps is from that in frames, in doublings, where any group moves bare skin; NaN where
    none of it is seen."""
    where = (attention(head) > LEAST_MASK).any(axis=0)
    goes = np.clip(seen.expression @ shares_of(maps, EXPRESSION_NAMES).T, 0, 1).astype(np.float32)
    changes = np.array([doublings(one.change)[where] for one in maps], np.float32).reshape(
        len(maps), int(where.sum()), 3
    )
    apart = seen.skin[:, where] - rest[where] - np.einsum("ng,gtc->ntc", goes, changes)
    weight = seen.weight[:, where]
    total = float(weight.sum())
    return float((weight * np.linalg.norm(apart, axis=2)).sum()) / total if total > 0 else float("nan")


@lru_cache(maxsize=2)
def attention(head: HeadModel) -> Float32[np.ndarray, "g s s"]:
    """Where on the chart each of `GROUPS` moves bare skin, 0 to 1."""
    chart, masks = face_chart(head), skin_mesh_of(head).masks
    moved = [masks[[EXPRESSION_INDEX[name] for name in group]].max(axis=0) for group in GROUPS.values()]
    bare = cv2.erode((chart.part(*BARE) > 0.5).astype(np.uint8), np.ones((7, 7), np.uint8)).astype(np.float32)
    carried = chart.texels.carried(np.stack(moved, axis=1), head.model.triangles)
    # The root, as skin folds beyond where it moves most.
    soft = np.sqrt(np.maximum(carried, 0) * cv2.GaussianBlur(bare, (0, 0), 3.0)[..., None])
    return np.stack([_small(soft[..., row]) for row in range(len(GROUPS))])


def _changes(
    seen: SkinSights, rest: Doublings, goes: Float[np.ndarray, "n g"], masks: Float32[np.ndarray, "g s s"]
) -> Float32[np.ndarray, "g s s 3"]:
    """Doublings at full weight: of each texel the least squares over frames."""
    where = (masks > LEAST_MASK).any(axis=0)
    known = (goes[:, None] * masks[:, where].T).astype(np.float32)
    weighted = known * seen.weight[:, where][..., None]
    normal = np.einsum("nti,ntj->tij", weighted, known) + DOUBT * np.eye(len(masks), dtype=np.float32)
    solved = np.linalg.solve(normal, np.einsum("nti,ntc->tic", weighted, (seen.skin - rest)[:, where]))
    changes = np.zeros((*masks.shape, 3), np.float32)
    changes[:, where] = masks[:, where][..., None] * np.moveaxis(solved, 0, 1)
    limited = np.clip(changes, -MOST, MOST)
    return np.stack([cv2.GaussianBlur(limited[row], (0, 0), SMOOTH_PX) for row in range(len(masks))])


def _empty(groups: Mapping[str, Mapping[str, float]]) -> list[WrinkleMap]:
    return [WrinkleMap(name, weights, change_of(np.zeros((1, 1, 3)))) for name, weights in groups.items()]
