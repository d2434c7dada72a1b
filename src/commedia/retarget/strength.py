"""Expressions to the same expressions, played stronger or weaker."""

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_NAMES
from commedia.errors import CommediaError

AS_READ = np.array([name.startswith(("eyeBlink", "eyeLook")) for name in EXPRESSION_NAMES])
"""A blink is read whole, and a look has to arrive where it points."""
WEAKEST, STRONGEST = 0.2, 5.0


def require_strength(strength: float) -> None:
    """Refuse what nobody can mean; raises CommediaError."""
    if not WEAKEST <= strength <= STRONGEST:
        raise CommediaError(f"a strength of {strength:g} is not between {WEAKEST:g} and {STRONGEST:g}; 1 is as read")


def strengthened(expression: Float[np.ndarray, "*n 52"], strength: float) -> Float[np.ndarray, "*n 52"]:
    """Expression to 1 - (1 - expression)**strength: small weights `strength` times as large, 0 stays 0 and 1 stays 1.

    Nothing is cut off at 1, so that what moves goes on moving; equal weights stay equal, so that lips which
    `mouthClose` keeps shut over an open jaw stay shut.
    """
    played = 1 - (1 - np.clip(expression, 0, 1)) ** strength
    return np.where(AS_READ, expression, played).astype(expression.dtype)
