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


def fit_similarity(
    source: Float[np.ndarray, "n 3"], target: Float[np.ndarray, "n 3"], weights: Float[np.ndarray, "n"] | None = None
) -> Similarity:
    """Find `target_from_source` that brings points nearest to their partners, in the least squares sense.

    Reference:
        Umeyama 1991, Eq. 40 to 42.
    """
    share = np.full(len(source), 1 / len(source)) if weights is None else weights / weights.sum()
    mean_source, mean_target = share @ source, share @ target
    from_source, from_target = source - mean_source, target - mean_target
    left, spread, right = np.linalg.svd((share[:, None] * from_target).T @ from_source)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    rotation = (left * sign) @ right
    size = float(share @ np.square(from_source).sum(axis=1))
    scale = float(spread @ sign) / max(size, 1e-300)
    return Similarity(scale, rotation, mean_target - scale * rotation @ mean_source)
