"""Turn sampled heads into the mean and the identity components: exactly symmetric or antisymmetric, unit variance."""

from dataclasses import dataclass

import numpy as np
from sampling import detail_axes, detail_weights, macro_weights
from scipy.linalg import eigh
from wheel import Targets

# How much of a head's size stays after alignment. A camera without scale cannot see size, so little may hang on it, but
# children should stay a little smaller.
KEPT_SIZE = 0.15
FLIP = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Alignment:
    """Which vertices hold a head still: eyeballs fix the origin, the face fixes turn and size."""

    left_eye: np.ndarray
    right_eye: np.ndarray
    face: np.ndarray


@dataclass(frozen=True)
class Components:
    """Displacement per standard deviation, strongest first; `sign` is +1 symmetric, -1 antisymmetric."""

    basis: np.ndarray
    sign: np.ndarray
    deviation: np.ndarray
    kept_variance: float


def sample_heads(neutral: np.ndarray, targets: Targets, vertices: np.ndarray, *, count: int, seed: int) -> np.ndarray:
    """Draw heads as (count, v, 3) in decimetres, not aligned yet."""
    rng = np.random.default_rng(seed)
    axes = [(low[vertices], high[vertices], name) for low, high, name in detail_axes(targets)]
    lows, highs = (np.stack([axis[side] for axis in axes]).reshape(len(axes), -1) for side in (0, 1))
    macro_names = sorted(targets.macros)
    macros = np.stack([targets.macros[name][vertices] for name in macro_names]).reshape(len(macro_names), -1)
    macro_table, detail_table = np.zeros((count, len(macro_names))), np.zeros((count, len(axes)))
    for row in range(count):
        for name, value in macro_weights(rng).items():
            macro_table[row, macro_names.index(name)] = value
        detail_table[row] = detail_weights(axes, rng)
    moved = macro_table @ macros + detail_table.clip(0) @ highs + (-detail_table).clip(0) @ lows
    return neutral[vertices] + moved.reshape(count, -1, 3)


def align(heads: np.ndarray, by: Alignment, reference: np.ndarray) -> np.ndarray:
    """Bring each head's eyes to the origin, its face's turn to the reference and its size most of the way."""
    aligned = np.zeros_like(heads, dtype=np.float32)
    target = reference[by.face]
    target_size = _size(target)
    for index, head in enumerate(heads):
        centred = head - eye_midpoint(head, by)
        face = centred[by.face]
        left, _, right = np.linalg.svd((face - face.mean(0)).T @ (target - target.mean(0)))
        turn = left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right
        aligned[index] = centred @ turn * (target_size / _size(face)) ** (1 - KEPT_SIZE)
    return aligned


def eye_midpoint(vertices: np.ndarray, by: Alignment) -> np.ndarray:
    """Return the point midway between the eyeball centres."""
    return (vertices[by.left_eye].mean(0) + vertices[by.right_eye].mean(0)) / 2


def principal_components(heads: np.ndarray, mirror: np.ndarray, weight: np.ndarray, *, count: int) -> Components:
    """Analyse the symmetric and the antisymmetric part of the heads by themselves and merge them by variance.

    The population is closed under mirroring, so the two parts are uncorrelated and nothing is lost. `weight` says how
    much each vertex counts; displacements come back unweighted, by regression on the scores.
    """
    centred = heads - symmetric(heads.mean(axis=0, dtype=np.float64), mirror).astype(np.float32)
    flipped = centred[:, mirror] * FLIP.astype(np.float32)
    found, total = [], 0.0
    for sign in (1.0, -1.0):
        part = ((centred + np.float32(sign) * flipped) / 2).reshape(len(heads), -1)
        scaled = part * np.repeat(np.sqrt(weight), 3).astype(np.float32)
        products = (scaled @ scaled.T).astype(np.float64) / len(heads)
        total += np.trace(products)
        variances, scores = eigh(products, subset_by_index=(len(heads) - count, len(heads) - 1), overwrite_a=True)
        for rank in range(1, count + 1):
            score = scores[:, -rank] * np.sqrt(len(heads))
            found.append((variances[-rank], sign, (score @ part).reshape(-1, 3) / len(heads)))
    found.sort(key=lambda item: -item[0])
    variance, sign, basis = (np.array(column) for column in zip(*found[:count], strict=True))
    upright = np.stack([field * _orientation(field) for field in basis])
    return Components(upright, sign, np.sqrt(variance), float(variance.sum() / total))


def symmetric(vertices: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Average a shape with its mirror image."""
    return (vertices + vertices[mirror] * FLIP) / 2


def _size(points: np.ndarray) -> float:
    return float(np.linalg.norm(points - points.mean(0), axis=1).mean())


def _orientation(field: np.ndarray) -> float:
    """Choose a component's sign so that recompiling cannot flip it: its largest entry is positive."""
    flat = field.ravel()
    return float(np.sign(flat[np.argmax(np.abs(flat).round(9))]))
