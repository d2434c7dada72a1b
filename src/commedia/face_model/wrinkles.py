"""Wrinkle maps: how somebody's skin changes with the expression, in the texture coordinates of the head.

Reference: Chaudhuri et al. 2020, Eq. 2, with one map for a group of blendshapes, and a factor in place of a sum: it
stays right in any light, and skin stays above black.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import UnknownName

UNCHANGED, PER_DOUBLING = 128, 128
"""The byte that changes nothing, and how many more double a colour."""


@dataclass(frozen=True, eq=False)
class WrinkleMap:
    """What a group of blendshapes does to skin: folds that deepen, cheeks that redden."""

    name: str
    weights: Mapping[str, float]
    """How much the map counts is the sum of blendshapes times these, at most 1."""
    change: UInt8[np.ndarray, "h w 3"]
    """Where the map counts fully, linear colours are multiplied by 2 ** ((change - 128) / 128)."""

    def __post_init__(self) -> None:
        for name in self.weights:
            if name not in EXPRESSION_INDEX:
                raise UnknownName("blendshape", name, EXPRESSION_NAMES)


def doublings(change: UInt8[np.ndarray, "*s"]) -> Float32[np.ndarray, "*s"]:
    """How often a change doubles linear colours, from -1 to 127 / 128."""
    return (change.astype(np.float32) - UNCHANGED) / PER_DOUBLING


def change_of(doubled: Float[np.ndarray, "*s"]) -> UInt8[np.ndarray, "*s"]:
    """The change that doubles linear colours so often, as far as a byte goes."""
    return np.clip(np.round(doubled * PER_DOUBLING + UNCHANGED), 0, 255).astype(np.uint8)


def shares_of(maps: Sequence[WrinkleMap], names: Sequence[str]) -> Float32[np.ndarray, "m n"]:
    """What each of some blendshapes, in this order, adds to how much each map counts."""
    shares = [[one.weights.get(name, 0.0) for name in names] for one in maps]
    return np.array(shares, np.float32).reshape(len(maps), len(names))
