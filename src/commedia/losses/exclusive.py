"""The expression-exclusive constraint of paper 3: of two blendshapes that exclude each other the weaker is to rest."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from commedia.conventions import CONTRADICTORY_PAIRS, EXPRESSION_INDEX

Exclusion = Literal["pairs", "groups"]
"""`pairs`: Eq. 4; `groups`: as the authors' code does it."""

Side = tuple[int, ...]

PAIRS: tuple[tuple[int, int], ...] = tuple(
    (EXPRESSION_INDEX[first], EXPRESSION_INDEX[second]) for first, second in CONTRADICTORY_PAIRS
)
"""The published 26 as indices of our blendshapes, of which two may stand for one of FaceWarehouse's."""

_PUBLISHED = (
    *((1, 9), (3, 9), (2, 10), (4, 10), (5, 13), (6, 14), (7, 11), (8, 12), (15, 18), (16, 19), (15, 17), (16, 17)),
    *((21, 23), (24, 25), (26, 28), (26, 30), (26, 32), (27, 29), (27, 31), (27, 33)),
    *((34, 36), (34, 42), (35, 37), (35, 38), (41, 37), (41, 38)),
)
FACEWAREHOUSE_PAIRS: tuple[tuple[int, int], ...] = tuple((first - 1, second - 1) for first, second in _PUBLISHED)
"""The same for FaceWarehouse's 46 blendshapes, which the paper numbers from 1 (supplement, Table 2)."""


def expression_exclusion(
    expression: Float[Tensor, "b e"],
    kind: Exclusion = "pairs",
    pairs: Sequence[tuple[int, int]] = PAIRS,
) -> Float[Tensor, "b"]:
    """Sum of the squares of the weaker blendshape of every contradictory pair; a tie costs nothing.

    As `groups`, of every two sides that exclude each other all of the one whose strongest is weaker; a tie costs the
    first side. Which one is weaker has no gradient.

    Reference: Mo et al. 2022, Eq. 4, and their code for groups.
    """
    if kind == "pairs":
        first, second = (expression[:, list(side)] for side in zip(*pairs, strict=True))
        return ((first > second) * second.square() + (second > first) * first.square()).sum(1)
    total = expression.new_zeros(len(expression))
    for one, other in grouped(pairs):
        left, right = expression[:, list(one)], expression[:, list(other)]
        wins = left.amax(1) > right.amax(1)
        total = total + torch.where(wins, right.square().sum(1), left.square().sum(1))
    return total


def grouped(pairs: Sequence[tuple[int, int]]) -> list[tuple[Side, Side]]:
    """Join the pairs that share a side: a blink and a squint both exclude a wide eye."""
    excluded: dict[int, list[int]] = {}
    for first, second in pairs:
        excluded.setdefault(first, []).append(second)
    sides: dict[Side, list[int]] = {}
    for first, seconds in excluded.items():
        sides.setdefault(tuple(seconds), []).append(first)
    return [(tuple(firsts), seconds) for seconds, firsts in sides.items()]


def together(expression: Float[Tensor, "b e"], pairs: Sequence[tuple[int, int]] = PAIRS) -> Float[Tensor, "b"]:
    """Mean over pairs of the weaker one's weight: how contradictory a face is, for tables."""
    first, second = (expression[:, list(side)] for side in zip(*pairs, strict=True))
    return torch.minimum(first, second).mean(1)
