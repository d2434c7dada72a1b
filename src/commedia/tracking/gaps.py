"""Frames in which somebody was not seen for a moment to frames on the way from what was seen before to what came after.

A stream must hold the last motion and then let it fade, as it cannot know whether anything comes. Who has the whole
take knows.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float

LONGEST_GAP_S = 1.0
"""Whoever is not seen for longer may have done anything meanwhile."""


def gaps(seen: Bool[np.ndarray, " n"], times_s: Float[np.ndarray, " n"]) -> Iterator[tuple[int, int]]:
    """The last row before and the first row after each moment in which somebody was not seen."""
    rows = np.flatnonzero(seen)
    for before, after in pairwise(rows):
        if after - before > 1 and times_s[after] - times_s[before] <= LONGEST_GAP_S:
            yield int(before), int(after)


def bridged(
    values: Float[np.ndarray, "n *c"], seen: Bool[np.ndarray, " n"], times_s: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n *c"]:
    """Values at times, those of short moments unseen replaced by a straight way across."""
    values = values.copy()
    for before, after in gaps(seen, times_s):
        share = (times_s[before + 1 : after] - times_s[before]) / (times_s[after] - times_s[before])
        share = share.reshape(-1, *[1] * (values.ndim - 1))
        values[before + 1 : after] = values[before] + share * (values[after] - values[before])
    return values
