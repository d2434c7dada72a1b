"""Seal the lips of every head."""

import numpy as np
from rings import LIP_MIDDLES

LIP_OVERLAP_MM = 0.25
# How much of the correction each ring of `LIP_MIDDLES` takes: all at the rim, fading towards the skin and the mouth.
LIP_SHARE = (0.15, 0.5, 0.85, 1.0, 1.0, 1.0, 0.5)


def seal_lips(heads: np.ndarray, columns: np.ndarray, *, overlap: float) -> None:
    """Move the lips of each head towards each other until their rims overlap a little, in place.

    Heads that are sealed stay sealed in their mean and in every component, since sealing is linear. `overlap` is in the
    heads' unit.
    """
    count = columns.shape[1]
    upper = np.concatenate([np.arange(0, count // 4 + 1), np.arange(count - count // 4, count)])
    lower = (count // 2 - upper) % count
    rim = columns[LIP_MIDDLES.index(520)]
    gap = heads[:, rim[upper], 1] - heads[:, rim[lower], 1] + overlap
    for ring, share in zip(columns, LIP_SHARE, strict=True):
        heads[:, ring[upper], 1] -= gap * share / 2
        heads[:, ring[lower], 1] += gap * share / 2
