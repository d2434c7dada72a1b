"""Who is kept for validation, decided by name: the same people are in several data sets, and trained on in none."""

import numpy as np
from jaxtyping import Bool

from commedia.files import hashed_share

HELD_SHARE = 0.15
"""Of the people, for networks that tell people apart."""


def is_held(names: np.ndarray, share: float = HELD_SHARE) -> Bool[np.ndarray, " n"]:
    """Say which faces belong to people kept for validation, by a hash of the name; nobody without a name."""
    unique, inverse = np.unique(names, return_inverse=True)
    held = np.array([bool(name) and hashed_share(name.encode()) < share for name in unique.tolist()])
    return held[inverse]
