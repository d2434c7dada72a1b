"""How much each of the teacher's 478 points weighs in a fit: features that move say more than the middle of a cheek."""

import numpy as np
from jaxtyping import Float

from commedia.morphable.landmarks import load_scheme


def point_weights() -> Float[np.ndarray, "478"]:
    """One weight per point."""
    return np.ones(len(load_scheme("mediapipe478").labels))
