"""Who is kept for validation, decided by name: the same people are in several data sets, and trained on in none."""

from hashlib import sha256

import numpy as np
from jaxtyping import Bool

HELD_SHARE = 0.15
"""Of the people, for networks that tell people apart."""


def is_held(names: np.ndarray, share: float = HELD_SHARE) -> Bool[np.ndarray, " n"]:
    """Say which faces belong to people kept for validation, by a hash of the name; nobody without a name."""
    unique, inverse = np.unique(names, return_inverse=True)
    hashes = (int.from_bytes(sha256(name.encode()).digest()[:4], "big") / 2**32 for name in unique.tolist())
    held = np.array([bool(name) and place < share for name, place in zip(unique.tolist(), hashes, strict=True)])
    return held[inverse]
