"""Both eyes of a blink shut alike: what one eye is seen to do counts for the other, unless that one clearly stays open.

Eyes blink together; the farther one of a turned head is read less well. Who winks moves one alone.
"""

import numpy as np
from jaxtyping import Float

SHUTTING = (0.2, 0.5)
"""Below the first an eye is open, and nothing is changed; from the second on both are alike."""
WINK = (0.4, 0.6)
"""An eye that shuts less than the first share of the other one stays open; from the second share on it blinks too."""
NEAR_S = 0.1
"""Eyes of one blink are most shut within this time of each other."""


def agreeing_lids(lids: Float[np.ndarray, "n 2"], times_s: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n 2"]:
    """How far the left and the right eye are shut in each frame of a take, 0 to 1, to the same of eyes that agree."""
    most = lids.max(axis=1, keepdims=True)
    deepest = _deepest_near(lids, times_s)
    ratio = deepest.min(axis=1, keepdims=True) / np.maximum(deepest.max(axis=1, keepdims=True), 1e-6)
    return lids + _rise(most, SHUTTING) * _rise(ratio, WINK) * (most - lids)


def _deepest_near(lids: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """The most that each eye is shut within `NEAR_S` of each frame."""
    if len(lids) < 2:
        return lids
    deepest = lids.copy()
    for offset in range(1, min(len(lids) - 1, round(NEAR_S / max(float(np.median(np.diff(times_s))), 1e-3))) + 1):
        near = (times_s[offset:] - times_s[:-offset] < 1.5 * NEAR_S)[:, None]
        deepest[:-offset] = np.maximum(deepest[:-offset], np.where(near, lids[offset:], 0))
        deepest[offset:] = np.maximum(deepest[offset:], np.where(near, lids[:-offset], 0))
    return deepest


def _rise(values: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """0 below the first end, 1 above the second, and between them without corners."""
    share = np.clip((values - ends[0]) / (ends[1] - ends[0]), 0, 1)
    return share * share * (3 - 2 * share)
