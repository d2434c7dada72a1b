"""An expression to one that a face can make: of two blendshapes that exclude each other the weaker gives way."""

import numpy as np
from jaxtyping import Float

from commedia.conventions import CONTRADICTORY_PAIRS, EXPRESSION_INDEX

GIVES_WAY = 1 / 3
"""A blendshape with this share of one that excludes it, or less, rests; with more it is the more itself, the nearer the
two are, so that nothing jumps when the other becomes the stronger."""
_FIRST, _SECOND = (
    np.array([EXPRESSION_INDEX[name] for name in side]) for side in zip(*CONTRADICTORY_PAIRS, strict=True)
)


def possible_expression(expression: Float[np.ndarray, "*n 52"]) -> Float[np.ndarray, "*n 52"]:
    """Let the weaker of every contradictory pair give way; the stronger and all others stay as they are.

    After Mo et al. 2022, section 4.2, where the winner takes all: that rule jumps where two are equal.
    """
    first, second = expression[..., _FIRST], expression[..., _SECOND]
    stronger = np.maximum(np.maximum(first, second), 1e-6)
    kept = np.ones_like(expression)
    for own, side in ((_FIRST, first), (_SECOND, second)):
        share = np.clip(1 - (1 - side / stronger) / (1 - GIVES_WAY), 0, 1).astype(expression.dtype)
        for pair, index in enumerate(own):
            kept[..., index] = np.minimum(kept[..., index], share[..., pair])
    return expression * kept


def contradiction(expression: Float[np.ndarray, "n 52"]) -> Float[np.ndarray, " n"]:
    """Mean weight of the weaker blendshape of a contradictory pair: 0 for what a face can make."""
    return np.minimum(expression[..., _FIRST], expression[..., _SECOND]).mean(-1)
