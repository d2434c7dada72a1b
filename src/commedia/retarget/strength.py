"""Expressions to the same expressions, played stronger or weaker."""

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_NAMES
from commedia.errors import CommediaError

AS_READ = np.array([name.startswith(("eyeBlink", "eyeLook")) for name in EXPRESSION_NAMES])
"""A blink is read whole, and a look has to arrive where it points."""
WEAKEST, STRONGEST = 0.2, 5.0
STAYS = 0.15
"""The weight that stays as it is when others are played stronger: what lies below is mostly an error of the reading.
On 2,000 drawn faces 1.5 plays .62 of what is strong (.54 as read), .031 of what rests (.037), and errs by .078 (.081),
as `commedia evaluate synthetic` says. 1 - (1 - w)**1.5, which was here before and makes all weights larger, had .61,
.051 and .090 with weights that erred by .082."""

READ_STRENGTH = 1.5
"""What faces that commedia reads are played with where nobody says otherwise: they come too soft (see `STAYS`). Motion
that others recorded is played as it is."""


def require_strength(strength: float) -> None:
    """Refuse what nobody can mean; raises CommediaError."""
    if not WEAKEST <= strength <= STRONGEST:
        raise CommediaError(f"a strength of {strength:g} is not between {WEAKEST:g} and {STRONGEST:g}; 1 is as read")


def strengthened(expression: Float[np.ndarray, "*n 52"], strength: float) -> Float[np.ndarray, "*n 52"]:
    """Expression to one with more contrast, above a strength of 1, or to a weaker one; 0 stays 0 and 1 stays 1.

    Above 1 the odds w / (1 - w), over those of `STAYS`, are raised to the power of `strength`: weights above it grow,
    weights below it shrink. Below 1 all shrink, to 1 - (1 - w)**strength. Nothing is cut off at 1, so that what moves
    goes on moving; equal weights stay equal, so that lips which `mouthClose` keeps shut over an open jaw stay shut.
    """
    weight = np.clip(expression, 0, 1).astype(np.float64)
    if strength < 1:
        played = 1 - (1 - weight) ** strength
    else:
        # w / (w + (1 - w) ...) with both odds multiplied out, which is exact at 0 and at 1.
        more, less = (weight / STAYS) ** strength * STAYS, ((1 - weight) / (1 - STAYS)) ** strength * (1 - STAYS)
        played = more / (more + less)
    return np.where(AS_READ, expression, played).astype(expression.dtype)
