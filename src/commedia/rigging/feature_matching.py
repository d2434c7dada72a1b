"""Which shape is which blendshape by what it does to lids, brows and lips, each in its own size: for faces unlike ours.

Directions are compared, not distances: a drawn lid goes five times as far as ours, and a drawn mouth opens without a
jaw. A shape at 1 is taken for its blendshape at 1, as its artist means it. What is doubtful is left alone, and said.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES, IDENTITY_COUNT, mirrored_name
from commedia.face_model.landmarks import points
from commedia.rigging.assignment import Assignment
from commedia.rigging.blendshapes import part_vertices
from commedia.rigging.features import FEATURES, Features, front
from commedia.rigging.skin import SIDES, Skin
from commedia.rigging.template import Template

LANDMARKS = {
    **{"left upper lid": (43, 44), "left lower lid": (46, 47)},
    **{"right upper lid": (37, 38), "right lower lid": (40, 41)},
    **{"left inner brow": (22, 23), "left outer brow": (25, 26)},
    **{"right inner brow": (20, 21), "right outer brow": (17, 18), "left corner": (54,), "right corner": (48,)},
    **{"left upper lip": (63,), "middle upper lip": (62,), "right upper lip": (61,)},
    **{"left lower lip": (65,), "middle lower lip": (66,), "right lower lip": (67,)},
}
"""Where the features are on our own head; irises are the front of its eyeballs."""
UNSEEN = ("cheek", "nose", "tongue", "jawForward", "jawLeft", "jawRight", "mouthRoll", "mouthShrug")
"""Blendshapes that act beside these features, or too finely for them, and are never taken for found."""
DEPTH = 0.5
"""Drawn faces are flat: what goes to and fro counts this much."""
SHIFT = 0.3
"""What the mouth does as a whole, but aside, counts this much: our jaw takes it along, and a drawn one need not."""
TWINS = 0.85
"""Cosine of two of our blendshapes that these features do not tell apart: the one that does more stands for both."""
LEAST_COSINE = 0.65
MARGIN = 0.01
"""By how much a shape must be more like its blendshape than like any other."""
RIVALS = 0.06
"""Shapes that are less like a blendshape than the likest by at most this may be meant as well ..."""
AGREE = 0.9
"""... and must be this much like each other, or nobody knows which is meant."""
LEAST_SIZE = 0.15
"""Of what our blendshape does to its features."""
ELSEWHERE = 0.25
"""Of how far a shape moves anything: features that go less far are not what it is about."""
NOSE = ((-0.55, -0.15), 0.35)
"""Heights below the eyes, and how far aside, in distances of the eyes: ..."""
WRINKLED = 0.4
"""... a shape that moves this much of its most there wrinkles a nose, and takes the brows along."""
BROWS = ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")


@dataclass(frozen=True)
class Doubt:
    """A blendshape that more than one shape may be."""

    blendshape: str
    shapes: tuple[str, ...]


@dataclass(frozen=True)
class _Targets:
    """What a shape may be: single blendshapes, both sides of one, or all that lifts the brows."""

    gains: Float[np.ndarray, "g e"]
    """By blendshape, how much of the shape it plays; both sides play half of it each."""
    motion: Float[np.ndarray, "g d"]


@dataclass(frozen=True)
class _Similarity:
    """Every shape beside every target."""

    cosine: Float[np.ndarray, "m g"]
    large: Bool[np.ndarray, "m g"]
    """Whether a shape does enough to be meant."""
    alike: Float[np.ndarray, "m m"]
    """Cosine of two shapes, with all that the features do."""
    size: Float[np.ndarray, "m"]


def liken(
    skin: Skin,
    features: Features,
    free: Bool[np.ndarray, "m"],
    wanted: Bool[np.ndarray, "e"],
    names: tuple[str, ...],
    template: Template,
) -> tuple[Assignment, tuple[Doubt, ...]]:
    """Find one free shape for each wanted blendshape that one is like, beyond doubt; also say where there was doubt."""
    moved = features.displacements(skin)
    seen = np.asarray(np.isfinite(moved).all(axis=(0, 2)))
    targets = _targets(seen, template)
    known = _compared(moved[:, seen], targets, seen)
    usable = (free & _acts_here(skin, features))[:, None] & known.large & _clear(known.cosine)
    usable &= ~(_wrinkles_nose(skin)[:, None] & _of_brows(targets))
    found = _left_alone(known.cosine, free, targets)
    doubts: dict[str, Doubt] = {}
    # Shapes of one blendshape first: one of both sides is only for what they leave.
    for row in np.argsort((targets.gains > 0).sum(axis=1), kind="stable"):
        blendshapes = np.flatnonzero(targets.gains[row])
        if not wanted[blendshapes].all() or found.weights[blendshapes].any():
            continue
        chosen, rivals = _chosen(np.where(usable[:, row], known.cosine[:, row], -1), known)
        if chosen >= 0 and not found.weights[:, chosen].any():
            found.weights[blendshapes, chosen] = targets.gains[row, blendshapes]
            found.residual[blendshapes] = _left_over(known.cosine[chosen, row])
        for blendshape in blendshapes if rivals else ():
            doubts[EXPRESSION_NAMES[blendshape]] = Doubt(EXPRESSION_NAMES[blendshape], tuple(names[k] for k in rivals))
    left = [one for one in doubts.values() if not found.weights[EXPRESSION_INDEX[one.blendshape]].any()]
    return found, tuple(left)


def _compared(moved: Float[np.ndarray, "m f 3"], targets: _Targets, seen: Bool[np.ndarray, "all"]) -> _Similarity:
    shapes, raw = _flat(moved, seen), moved.reshape(len(moved), -1)
    size, whole = np.linalg.norm(shapes, axis=1), np.linalg.norm(targets.motion, axis=1)
    cosine = shapes @ targets.motion.T / np.maximum(np.outer(size, whole), 1e-12)
    raw = raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-12)
    return _Similarity(cosine, size[:, None] > LEAST_SIZE * whole, raw @ raw.T, size)


def _left_alone(cosine: np.ndarray, free: np.ndarray, targets: _Targets) -> Assignment:
    """Nothing mapped yet; for each blendshape that can be told what comes nearest."""
    residual, nearest = np.ones(EXPRESSION_COUNT), np.full(EXPRESSION_COUNT, -1)
    for row in np.flatnonzero((targets.gains == 1).any(axis=1)) if free.any() else ():
        blendshape, best = int(targets.gains[row].argmax()), int(np.where(free, cosine[:, row], -2).argmax())
        if cosine[best, row] > 0:
            residual[blendshape], nearest[blendshape] = _left_over(cosine[best, row]), best
    return Assignment(np.zeros((EXPRESSION_COUNT, len(cosine))), residual, nearest)


def _chosen(cosine: Float[np.ndarray, "m"], known: _Similarity) -> tuple[int, list[int]]:
    """The shape that is meant, or -1; where several that differ may be meant, they come second."""
    best = float(cosine.max(initial=-1))
    if best < LEAST_COSINE:
        return -1, []
    rivals = np.flatnonzero(cosine >= max(best - RIVALS, LEAST_COSINE))
    among = known.alike[np.ix_(rivals, rivals)]
    if among.min() < AGREE:
        return -1, rivals.tolist()
    # Of what is the same in several sizes the largest is the blendshape at full strength.
    return int(rivals[known.size[rivals].argmax()]), []


def _clear(cosine: Float[np.ndarray, "m g"]) -> Bool[np.ndarray, "m g"]:
    """Where a shape is more like a target than like any other."""
    order = np.sort(cosine, axis=1)
    return (cosine == order[:, -1:]) & (cosine > order[:, -2:-1] + MARGIN)


def _acts_here(skin: Skin, features: Features) -> Bool[np.ndarray, "m"]:
    reach = np.zeros(len(skin.shapes))
    for rows in features.rows.values():
        reach = np.maximum(reach, np.linalg.norm(skin.shapes[:, rows].mean(axis=1), axis=1))
    return reach > ELSEWHERE * np.linalg.norm(skin.shapes, axis=2).max(axis=1, initial=0)


def _wrinkles_nose(skin: Skin) -> Bool[np.ndarray, "m"]:
    left, right = skin.eyes["left"], skin.eyes["right"]
    placed = (skin.vertices - (left + right) / 2) / np.linalg.norm(left - right)
    (low, high), aside = NOSE
    size = np.linalg.norm(skin.shapes, axis=2)
    on_nose = (placed[:, 1] > low) & (placed[:, 1] < high) & (np.abs(placed[:, 0]) < aside)
    return np.asarray(size[:, on_nose].max(axis=1, initial=0) > WRINKLED * size.max(axis=1, initial=0))


def _of_brows(targets: _Targets) -> Bool[np.ndarray, "g"]:
    brows = np.array([name.startswith("brow") for name in EXPRESSION_NAMES])
    return np.asarray(targets.gains[:, brows].any(axis=1))


def _left_over(cosine: float) -> float:
    return float(np.sqrt(max(1 - max(cosine, 0) ** 2, 0)))


def _flat(moved: Float[np.ndarray, "m f 3"], seen: Bool[np.ndarray, "all"]) -> Float[np.ndarray, "m d"]:
    moved = moved * [1, 1, DEPTH]
    mouth = np.array(["lip" in name or "corner" in name for name, here in zip(FEATURES, seen, strict=True) if here])
    if mouth.any():
        moved[:, mouth, 1:] -= (1 - SHIFT) * moved[:, mouth, 1:].mean(axis=1, keepdims=True)
    return moved.reshape(len(moved), -1)


def _targets(seen: Bool[np.ndarray, "all"], template: Template) -> _Targets:
    own = _flat(our_features(template)[:, seen], seen)
    size = np.linalg.norm(own, axis=1)
    rows = []
    for blendshape, name in enumerate(EXPRESSION_NAMES):
        if not name.startswith(UNSEEN):
            rows.append(np.eye(EXPRESSION_COUNT)[blendshape])
            other = EXPRESSION_INDEX[mirrored_name(name)]
            # Looks and a mouth that goes aside have no both.
            if name.endswith("Left") and not name.startswith(("eyeLook", "mouthLeft")):
                rows.append((np.eye(EXPRESSION_COUNT)[blendshape] + np.eye(EXPRESSION_COUNT)[other]) / 2)
    brows = np.zeros(EXPRESSION_COUNT)
    brows[[EXPRESSION_INDEX[name] for name in BROWS]] = (0.5, 0.25, 0.25)
    gains = np.array([*rows, brows])
    motion = (gains > 0) @ own
    whole = np.linalg.norm(motion, axis=1)
    cosine = motion @ motion.T / np.maximum(np.outer(whole, whole), 1e-12)
    # Of equals the first, as one side where the other is not seen.
    order = np.lexsort((np.arange(len(whole)), -whole.round(9))).argsort()
    greater = (cosine > TWINS) & (order[None] < order[:, None])
    # Inner brows take the outer ones along, and are not all brows.
    greater[:, -1] = False
    kept = ~greater.any(axis=1) & (whole > 1e-3 * size.max())
    return _Targets(gains[kept], motion[kept])


@lru_cache(maxsize=4)
def our_features(template: Template) -> Float[np.ndarray, "e f 3"]:
    """What our own blendshapes do to the features, as `Features.displacements` says it of another's."""
    head = template.head
    scheme, basis = template.landmarks, head.model.expression_basis.astype(np.float64)
    marked = points(scheme, template.skin(np.zeros(IDENTITY_COUNT)))
    moved = np.einsum("lk,elkc->elc", scheme.barycentric, basis[:, template.vertices[scheme.vertices]])
    eyes = {side: part_vertices(head, f"{side}_eye") for side in SIDES}
    places = {side: head.model.mean[rows] for side, rows in eyes.items()}
    apart = float(np.linalg.norm(places["left"].mean(axis=0) - places["right"].mean(axis=0)))
    width = float(np.linalg.norm(marked[LANDMARKS["left corner"]] - marked[LANDMARKS["right corner"]]))
    found = np.zeros((EXPRESSION_COUNT, len(FEATURES), 3))
    for column, name in enumerate(FEATURES):
        side = name.split()[0]
        if name.endswith("iris"):
            own = basis[:, eyes[side][front(places[side])]]
        else:
            own = moved[:, list(LANDMARKS[name])]
        size = apart if "brow" in name else width
        if name.endswith(("iris", "lid")):
            blink = moved[EXPRESSION_INDEX[f"eyeBlink{side.title()}"], list(LANDMARKS[f"{side} upper lid"])]
            size = float(-blink[:, 1].mean())
        found[:, column] = own.mean(axis=1) / size
    return found
