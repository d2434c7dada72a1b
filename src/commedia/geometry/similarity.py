"""Turn, scale and shift: what may differ between two shapes that are the same."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Similarity:
    """x -> scale * rotation @ x + translation; named as everything here, `a_from_b`."""

    scale: float
    """Positive: a mirror image is not similar."""
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]

    def points(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Move points."""
        return self.scale * points @ self.rotation.T + self.translation

    def offsets(self, offsets: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Turn and scale differences of points."""
        return self.scale * offsets @ self.rotation.T

    def inverse(self) -> "Similarity":
        """The way back."""
        return Similarity(1 / self.scale, self.rotation.T, -(self.translation @ self.rotation) / self.scale)

    def __matmul__(self, first: "Similarity") -> "Similarity":
        """`a_from_c = a_from_b @ b_from_c`."""
        return Similarity(self.scale * first.scale, self.rotation @ first.rotation, self.points(first.translation))


@dataclass(frozen=True)
class Similarities:
    """One `Similarity` per row, as arrays."""

    scale: Float[np.ndarray, "b"]
    rotation: Float[np.ndarray, "b 3 3"]
    translation: Float[np.ndarray, "b 3"]


def fit_similarity(
    source: Float[np.ndarray, "n 3"], target: Float[np.ndarray, "n 3"], weights: Float[np.ndarray, "n"] | None = None
) -> Similarity:
    """Find `target_from_source` that brings points nearest to their partners, in the least squares sense."""
    found = fit_similarities(source.astype(np.float64), target[None].astype(np.float64), weights)
    return Similarity(float(found.scale[0]), found.rotation[0], found.translation[0])


def fit_similarities(
    source: Float[np.ndarray, "n 3"], targets: Float[np.ndarray, "b n 3"], weights: Float[np.ndarray, "n"] | None = None
) -> Similarities:
    """Do the same for many partners of one set of points, in the targets' precision (Umeyama 1991, Eq. 40 to 42)."""
    kind = targets.dtype
    share = np.full(len(source), 1 / len(source)) if weights is None else weights / weights.sum()
    source, share = source.astype(kind), share.astype(kind)
    mean_source, mean_target = share @ source, share @ targets
    from_source, from_target = source - mean_source, targets - mean_target[:, None]
    left, spread, right = np.linalg.svd((share[:, None] * from_target).transpose(0, 2, 1) @ from_source)
    sign = np.ones_like(spread)
    # A product below zero is a reflection; the least of the three spreads pays for undoing it.
    sign[:, 2] = np.where(np.linalg.det(left) * np.linalg.det(right) < 0, -1, 1)
    rotation = (left * sign[:, None]) @ right
    size = share @ np.square(from_source).sum(axis=1)
    scale = (spread * sign).sum(axis=1) / np.maximum(size, np.finfo(kind).tiny)
    return Similarities(scale, rotation, mean_target - scale[:, None] * (rotation @ mean_source))
