"""Shapes that must not act at full strength together: sums of weights that have a most.

Two shapes that each close a lid push it through the cheek together, and lips that close on a shut jaw pass each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Limit:
    """As in a table: the sum of factor times weight stays at most `most`."""

    factors: dict[str, float]
    """By plain morph name; a morph with a negative one makes room, as an open jaw does for lips that close."""
    most: float


@dataclass(frozen=True)
class Limits:
    """The same for one rig."""

    factors: Float[np.ndarray, "n m"]
    most: Float[np.ndarray, "n"]

    def applied(self, weights: Float[np.ndarray, "m"]) -> Float[np.ndarray, "m"]:
        """Scale down together what pushes a sum over its most, and leave the rest; what is within stays as it is."""
        # What one limit takes may be what gave another one room, so all are asked again; weights only ever shrink.
        for _ in range(len(self.most)):
            before = weights
            for factors, most in zip(self.factors, self.most, strict=True):
                weights = _within(weights, factors, float(most))
            if np.array_equal(weights, before):
                break
        return weights


def limits_of_rig(limits: Sequence[Limit], plain_names: Sequence[str | None]) -> Limits | None:
    """Look the morphs up; those that the rig lacks count as still. None where no limit has anything to limit."""
    rows = [[limit.factors.get(name or "", 0.0) for name in plain_names] for limit in limits]
    factors = np.array(rows, dtype=np.float64).reshape(len(limits), len(plain_names))
    used = (factors > 0).any(axis=1)
    return Limits(factors[used], np.array([limit.most for limit in limits])[used]) if used.any() else None


def _within(weights: np.ndarray, factors: np.ndarray, most: float) -> Float[np.ndarray, "m"]:
    shares = factors * weights
    pushing = shares > 0
    room, pushed = most - shares[~pushing].sum(), shares[pushing].sum()
    return np.where(pushing, weights * (max(room, 0) / pushed), weights) if pushed > room else weights
