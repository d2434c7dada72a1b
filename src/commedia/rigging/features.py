"""Where a character has lids, brows and lips, told by what its shapes do and no picture: drawn faces look like nobody.

An upper lid is what some shape takes down across the eye; lips are what lies together and some shape takes apart; a
brow is what moves above an eye and stays where it blinks. Eyes are where eye bones carry something. No name is read.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from commedia.errors import CommediaError
from commedia.geometry.solvers import distances, search_tree
from commedia.rigging.skin import SIDES, Skin

FEATURES = (
    *("left iris", "left upper lid", "left lower lid", "left inner brow", "left outer brow"),
    *("right iris", "right upper lid", "right lower lid", "right inner brow", "right outer brow"),
    *("left corner", "right corner"),
    *("left upper lip", "middle upper lip", "right upper lip"),
    *("left lower lip", "middle lower lip", "right lower lip"),
)
# All lengths below are shares of the distance of the eyes, which is 6 cm on people.
EYE_WINDOW = (0.45, 0.5, 0.4)
"""What may be a lid: how far from an eye's middle to the side, up or down, and behind."""
OVER_EYE = 0.2
"""A lid is looked for this near to the eye's middle, to the side."""
CROSSED = 0.02
"""What begins this far above an eye's middle and ends as far below has crossed it."""
LEAST_LID = 4
"""Vertices."""
MEETS = 0.06
"""A lower lid is this near to where the upper one ends."""
BROW_TOP, BROW_SIDE = 1.0, 0.6
BROW_STAYS = 0.3
"""Of what a brow moves most: it moves less in a blink."""
BROW_MOVES, BROW_SHARE = 0.03, 0.25
"""A brow moves by at least this, and by this share of what moves most there."""
MOUTH_TOP, MOUTH_BOTTOM, MOUTH_SIDE = -0.3, -1.8, 0.8
TOGETHER = 0.04
"""Lips at rest."""
APART = 0.06
RIM = 0.4
"""Of the widest gap: rims of lips part by more."""
CORNER_RIM = 0.15
CORNER = 0.06
"""How far a corner of the mouth reaches around its end."""
LOPSIDED = 0.25
"""Of a mouth's width: how far its middle may be from the face's."""
LEAST_WIDTH, MOST_WIDTH = 0.15, 1.5


class NoFeatures(CommediaError):
    """A character whose shapes do not show where its eyes or its mouth are."""


@dataclass(frozen=True)
class Features:
    """The features that were found."""

    rows: dict[str, Int[np.ndarray, "k"]]
    """Vertices by name; a feature without any is left out."""
    size: dict[str, float]
    """By name the length that its displacements are measured in: how far a lid goes to close, the mouth's width, and
    for brows the distance of the eyes."""

    def displacements(self, skin: Skin) -> Float[np.ndarray, "m f 3"]:
        """What each shape does to each of `FEATURES`, by its size; NaN for those that were not found."""
        moved = np.full((len(skin.shapes), len(FEATURES), 3), np.nan)
        for column, name in enumerate(FEATURES):
            if name in self.rows:
                moved[:, column] = skin.shapes[:, self.rows[name]].mean(axis=1) / self.size[name]
        return moved


def find_features(skin: Skin) -> Features:
    """Find what can be found, of eyes and mouth at least one; refuse a character with neither."""
    centers = skin.eyes
    if len(centers) < len(SIDES) or centers["left"][0] <= centers["right"][0]:
        raise NoFeatures("no eye bones, and no shapes with a name for a blink, say where its left and right eye are")
    apart = float(np.linalg.norm(centers["left"] - centers["right"]))
    rows: dict[str, np.ndarray] = {}
    size: dict[str, float] = {}
    for side, center in centers.items():
        own, travel = _eye(skin, side, (skin.vertices - center) / apart, apart)
        rows |= own
        size |= {name: apart if "brow" in name else travel * apart for name in own}
    middle = (skin.vertices - (centers["left"] + centers["right"]) / 2) / apart
    lips, width = _mouth(skin, middle, apart)
    rows |= lips
    size |= dict.fromkeys(lips, width * apart)
    if not rows:
        raise NoFeatures("no shape takes anything down across its eyes or apart where a mouth would be")
    return Features(rows, size)


def _eye(skin: Skin, side: str, placed: np.ndarray, apart: float) -> tuple[dict[str, np.ndarray], float]:
    """Return the features of one eye, and how far its lid goes to close; nothing for an eye that no shape closes."""
    drawn = skin.irises["left"] | skin.irises["right"]
    in_window = (np.abs(placed[:, :2]) < EYE_WINDOW[:2]).all(axis=1) & (placed[:, 2] > -EYE_WINDOW[2])
    near = np.flatnonzero(in_window & ~drawn)
    start, end = placed[near, 1], placed[near, 1] + skin.shapes[:, near, 1] / apart
    crosses = (start > CROSSED) & (end < -CROSSED) & (np.abs(placed[near, 0]) < OVER_EYE)
    closing = int(crosses.sum(axis=1).argmax()) if len(skin.shapes) else 0
    lid = near[crosses[closing]] if len(skin.shapes) else near[:0]
    if len(lid) < LEAST_LID:
        return {}, 1.0
    travel = float(-skin.shapes[closing, lid, 1].mean()) / apart
    closed = placed[lid] + skin.shapes[closing, lid] / apart
    below = near[(start < -CROSSED) & ~crosses[closing]]
    below = below[distances(placed[below], closed) < MEETS]
    iris = np.flatnonzero(skin.irises[side])
    found = {f"{side} iris": iris[front(skin.vertices[iris])], f"{side} upper lid": lid, f"{side} lower lid": below}
    found |= _brow(skin, side, placed, np.setdiff1d(np.flatnonzero(~drawn), lid), closing, apart)
    return {name: own for name, own in found.items() if len(own)}, travel


def front(places: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, "n"]:
    """What is seen of an eyeball: all of one that turns goes nowhere."""
    depth = places[:, 2]
    return depth >= (depth.mean() + depth.max()) / 2 if len(depth) else np.zeros(0, dtype=bool)


def _brow(
    skin: Skin, side: str, placed: np.ndarray, rows: np.ndarray, closing: int, apart: float
) -> dict[str, np.ndarray]:
    """Return the inner and the outer third of what moves above an eye and stays where it closes."""
    height, aside = placed[rows, 1], placed[rows, 0] * SIDES[side]
    rows = rows[(height > CROSSED) & (height < BROW_TOP) & (aside > -0.5) & (aside < BROW_SIDE)]
    size = np.linalg.norm(skin.shapes[:, rows], axis=2) / apart
    most = size.max(axis=0, initial=0)
    moving = (most > max(BROW_MOVES, BROW_SHARE * float(most.max(initial=0)))) & (size[closing] < BROW_STAYS * most)
    rows = rows[moving]
    if len(rows) < LEAST_LID:
        return {}
    aside = placed[rows, 0] * SIDES[side]
    low, high = np.quantile(aside, (1 / 3, 2 / 3))
    return {f"{side} inner brow": rows[aside <= low], f"{side} outer brow": rows[aside >= high]}


def _mouth(skin: Skin, placed: np.ndarray, apart: float) -> tuple[dict[str, np.ndarray], float]:
    """Return the features of the mouth and its width; nothing where no shape takes lips apart."""
    x, y = placed[:, 0], placed[:, 1]
    near = np.flatnonzero((y < MOUTH_TOP) & (y > MOUTH_BOTTOM) & (np.abs(x) < MOUTH_SIDE) & _on_face(skin, placed))
    pairs = near[_pairs(placed[near])]
    parting = (skin.shapes[:, pairs[:, 0], 1] - skin.shapes[:, pairs[:, 1], 1]) / apart
    gaps = np.where(_opens(parting, placed[pairs[:, 0], 1] - placed[pairs[:, 1], 1])[:, None], np.abs(parting), 0)
    if not gaps.size or gaps.max() < APART:
        return {}, 1.0
    opening = int(np.where(gaps > APART, gaps, 0).sum(axis=1).argmax())
    gap = gaps[opening]
    # Which of two lips that lie on each other is the upper one is seen when they part.
    upper, lower = np.where(parting[opening] > 0, pairs.T, pairs.T[::-1])
    rim, wide = gap > RIM * gap.max(), gap > CORNER_RIM * gap.max()
    left, right = (placed[pairs[wide].reshape(-1)][:, 0].max(), placed[pairs[wide].reshape(-1)][:, 0].min())
    width = float(left - right)
    if not LEAST_WIDTH < width < MOST_WIDTH or abs(left + right) / 2 > LOPSIDED * width:
        return {}, 1.0
    found = _lips("upper", np.unique(upper[rim]), x, width) | _lips("lower", np.unique(lower[rim]), x, width)
    if not len(found["middle upper lip"]) or not len(found["middle lower lip"]):
        return {}, 1.0
    rims = np.unique(pairs[wide])
    for side, end in (("left", left), ("right", right)):
        tip = placed[rims[np.abs(placed[rims, 0] - end).argmin()]]
        found[f"{side} corner"] = near[np.linalg.norm(placed[near] - tip, axis=1) < CORNER]
    return {name: own for name, own in found.items() if len(own)}, width


def _opens(parting: Float[np.ndarray, "m p"], above: Float[np.ndarray, "p"]) -> Bool[np.ndarray, "m"]:
    """Whether what is above goes up: lips that a shape closes over an open jaw part too, the other way round."""
    return parting @ above > 0


def _lips(which: str, rows: np.ndarray, x: np.ndarray, width: float) -> dict[str, np.ndarray]:
    third = width / 6
    return {
        f"left {which} lip": rows[x[rows] > third],
        f"middle {which} lip": rows[np.abs(x[rows]) <= third],
        f"right {which} lip": rows[x[rows] < -third],
    }


def _on_face(skin: Skin, placed: np.ndarray) -> Bool[np.ndarray, "n"]:
    """The piece that has most of the face: teeth part as lips do."""
    face = (np.abs(placed[:, 0]) < MOUTH_SIDE) & (placed[:, 1] > MOUTH_BOTTOM) & (placed[:, 1] < BROW_TOP)
    return skin.piece == np.bincount(skin.piece[face], minlength=1).argmax()


def _pairs(places: Float[np.ndarray, "n 3"]) -> Int[np.ndarray, "p 2"]:
    return (
        search_tree(places).query_pairs(TOGETHER, output_type="ndarray") if len(places) else np.zeros((0, 2), np.int64)
    )
