"""Closed eyes, said by the blink alone.

Our head closes its eyes by `eyeBlink` 0.78, or by less of it when `eyeLookDown` lowers the lids too; the fit of
photographs, and SFN after it, say 0.5 and 0.8 of an eye that is shut. Other characters' lids do not follow the gaze,
and close at a blink of 1. Which of the two it was cannot be seen in a shut eye, so the blink says it.
"""

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_INDEX

BLINK_CLOSES, LOOK_DOWN_CLOSES = 1.28, 0.40
"""Shares of the open eye that each blendshape covers on our head, by landmarks 38, 39, 41 and 42; they add up."""
ALMOST_CLOSED = 0.25
"""Opening below which the blink begins to rise above what was read; at 0 it is 1."""


def with_closed_lids(expression: Float[np.ndarray, "*b e"]) -> Float[np.ndarray, "*b e"]:
    """Raise the blink of eyes that are shut, or nearly so, to 1; all else stays as it is."""
    raised = expression.copy()
    for side in ("Left", "Right"):
        blink = expression[..., EXPRESSION_INDEX[f"eyeBlink{side}"]]
        look_down = expression[..., EXPRESSION_INDEX[f"eyeLookDown{side}"]]
        opening = 1 - BLINK_CLOSES * blink - LOOK_DOWN_CLOSES * look_down
        shut = np.clip(1 - opening / ALMOST_CLOSED, 0, 1)
        # Smooth at both ends, so that lids that pass do not jerk.
        raised[..., EXPRESSION_INDEX[f"eyeBlink{side}"]] += (1 - blink) * shut**2 * (3 - 2 * shut)
    return raised
