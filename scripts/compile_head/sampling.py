"""Draw random heads: who people are, as weights of MakeHuman's macro and detail targets."""

import re

import numpy as np
from wheel import Targets

# Position of the named ages on MakeHuman's slider (macro.json of the target set).
AGE_ANCHORS = {"baby": 0.0, "child": 0.1875, "young": 0.5, "old": 1.0}
ETHNICITIES = ("african", "asian", "caucasian")
OPPOSITES = (
    *(("decr", "incr"), ("down", "up"), ("in", "out"), ("backward", "forward"), ("concave", "convex")),
    *(("compress", "uncompress"), ("pointed", "triangle"), ("square", "round")),
)
# Moving the whole head, or the neck under it, says nothing about a face.
IGNORED = re.compile(r"^(head-trans|neck-trans|measure-neck|asymm-)")


def detail_axes(targets: Targets) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """Join opposite targets to axes (negative, positive, name); without an opposite the negative side is zero."""
    names = {name for name in targets.details if not IGNORED.match(name)}
    axes = []
    for name in sorted(names):
        stem, _, end = name.rpartition("-")
        opposite = {low: high for low, high in OPPOSITES}.get(end)
        if opposite and f"{stem}-{opposite}" in names:
            axes.append((targets.details[name], targets.details[f"{stem}-{opposite}"], stem))
        elif not any(end == high and f"{stem}-{low}" in names for low, high in OPPOSITES):
            axes.append((np.zeros_like(targets.details[name]), targets.details[name], name))
    return axes


def macro_weights(rng: np.random.Generator) -> dict[str, float]:
    """Draw age, gender, ethnicity and build; return the weight of every macro target that takes part."""
    age = _blend(_draw_age(rng), AGE_ANCHORS)
    male = rng.beta(0.6, 0.6)
    gender = {"male": male, "female": 1 - male}
    ethnicity = dict(zip(ETHNICITIES, rng.dirichlet([0.5] * 3), strict=True))
    build = {"min": 0.0, "average": 0.5, "max": 1.0}
    muscle, weight = _blend(rng.beta(2.5, 2.5), build), _blend(rng.beta(2.0, 2.2), build)
    weights = {f"{e}-{g}-{a}": ethnicity[e] * gender[g] * age[a] for e in ethnicity for g in gender for a in age}
    for g in gender:
        for a in age:
            for m in muscle:
                for w in weight:
                    weights[f"universal-{g}-{a}-{m}muscle-{w}weight"] = gender[g] * age[a] * muscle[m] * weight[w]
    return {name: value for name, value in weights.items() if value > 0}


def detail_weights(axes: list[tuple[np.ndarray, np.ndarray, str]], rng: np.random.Generator) -> np.ndarray:
    """Draw a weight in [-1, 1] per axis: sparse, alike on both sides, and only a little asymmetric."""
    common: dict[str, float] = {}
    weights = np.zeros(len(axes))
    for index, (_, _, name) in enumerate(axes):
        if name.startswith("asym"):
            weights[index] = rng.normal(0, 0.35) if rng.random() < 0.15 else 0.0
            continue
        pair = name[2:] if name[:2] in ("l-", "r-") else name
        if pair not in common:
            common[pair] = rng.normal(0, 0.3) if rng.random() < 0.5 else 0.0
        side = rng.normal(0, 0.05) if pair != name else 0.0
        weights[index] = common[pair] + side
    return weights.clip(-1, 1)


def _draw_age(rng: np.random.Generator) -> float:
    """Adults mostly; children from three up, teenagers and old people in lower numbers."""
    low, high = ((0.10, 0.30), (0.30, 0.45), (0.45, 0.80), (0.80, 1.0))[rng.choice(4, p=(0.10, 0.12, 0.58, 0.20))]
    return rng.uniform(low, high)


def _blend(value: float, anchors: dict[str, float]) -> dict[str, float]:
    """Weights of the two anchors around a value, linear between them."""
    positions = list(anchors.values())
    weights = [np.interp(value, positions, np.eye(len(positions))[index]) for index in range(len(positions))]
    return dict(zip(anchors, weights, strict=True))
