"""Curves of a whole take to curves without jitter, in time with what they show: each frame becomes the mean of those
around it that read alike.

A causal filter must choose between jitter and lag. Who has read the take to its end need not: the weights look both
ways, so nothing comes late, and fall with the difference, so a blink of two frames is averaged with nothing but itself.
What counts as alike is known of expressions, and of poses measured where they are calmest. Reference: Tomasi and
Manduchi 1998, the bilateral filter, along time instead of across a picture.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_NAMES
from commedia.geometry.rotations import canonical_wxyz
from commedia.tracking.smooth import HEAD_SIZE_M

ALIKE = (3.0, 2.0)
"""Standard deviations of the noise at which a frame's weight has fallen to 0.6: when curves are compared as they are,
and once more when they are compared as the first averaging left them."""
WINDOWS = 2.5
"""Frames further away than this many `window_s` do not count."""
MOST_FRAMES = 150
"""Nor do those that are further away than this, however fast the camera."""
CALM_PERCENTILE, CALM_SHARE = 25.0, 0.3186
"""This percentile of a curve's second differences is noise even if the face moves most of the time; of a normal
distribution it lies so many standard deviations from the middle."""
MARGIN = 0.05
BLOCK = 4096
"""Frames worked on at once, which bounds the memory of long takes."""


def log_odds(weights: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Weights to what networks compute before they bring it between 0 and 1: there, noise is everywhere alike.

    In 20 clips it is 0.09 of weight * (1 - weight), from 0.02 to 0.9. Nearer to 0 and 1 than `MARGIN` little counts.
    """
    weights = np.clip(weights, 0, 1)
    return np.log((weights + MARGIN) / (1 - weights + MARGIN))


def _as_they_are(values: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    return values


class Steadying(NamedTuple):
    """How one kind of curve is averaged."""

    window_s: float
    """Standard deviation of the weights over time."""
    least_noise: float | Float[np.ndarray, "c"]
    """Slow wavering does not show in the measured noise: at least this much is believed."""
    most_noise: float | Float[np.ndarray, "c"]
    """More than this is movement."""
    as_compared: Callable[[Float[np.ndarray, "*n"]], Float[np.ndarray, "*n"]] = _as_they_are
    """Values to what is compared, and has the noise."""


QUICK = np.array([name.startswith(("mouth", "jaw", "tongue", "cheekPuff", "eyeBlink")) for name in EXPRESSION_NAMES])
"""Speech and blinks come and go within a few frames."""
LEAST_EXPRESSION_NOISE, MOST_EXPRESSION_NOISE = np.where(QUICK, 0.04, 0.2), np.where(QUICK, 0.12, 0.2)
"""Of the log odds. Brows, cheeks and noses also waver slowly while a head moves, which does not show in what is
measured. Of mouth and lids what is measured counts: .12 for all took soft speech for noise (`evaluate takes`)."""
EXPRESSION = Steadying(0.2, LEAST_EXPRESSION_NOISE, MOST_EXPRESSION_NOISE, log_odds)
ROTATION = Steadying(0.15, 0.0005, 0.005)
"""Of the elements of a quaternion: half an angle in radians."""
PLACE = Steadying(0.15, 0.0005, 0.01)
"""In sizes of the head."""


def zero_phase(
    values: Float[np.ndarray, "n c"], times_s: Float[np.ndarray, "n"], how: Steadying, *, together: bool = False
) -> Float[np.ndarray, "n c"]:
    """Rising times and the values at them to averaged values, channel by channel, or `together` as one vector."""
    if len(values) < 3:
        return values
    noise = np.clip(noise_of(how.as_compared(values)), how.least_noise, how.most_noise)
    step_s = max(float(np.median(np.diff(times_s))), 1e-6)
    reach = min(int(np.ceil(WINDOWS * how.window_s / step_s)), MOST_FRAMES, len(values) - 1)
    guide = values
    for alike in ALIKE:
        averaged = np.empty_like(values)
        for start in range(0, len(values), BLOCK):
            first, stop = max(0, start - reach), min(start + BLOCK, len(values))
            part = slice(first, stop + reach)
            compared = how.as_compared(guide[part]) / (alike * noise)
            block = _averaged(values[part], compared, times_s[part] / how.window_s, reach, together=together)
            averaged[start:stop] = block[start - first : stop - first]
        guide = averaged
    return averaged


def noise_of(values: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "c"]:
    """Standard deviation of each channel's jitter, for at least three frames."""
    bends = abs(values[2:] - 2 * values[1:-1] + values[:-2])
    return np.percentile(bends, CALM_PERCENTILE, axis=0) / (CALM_SHARE * np.sqrt(6))


def unwrapped(wxyz: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
    """The same rotations, each with the sign that is nearer the one before."""
    turns = np.sign((wxyz[1:] * wxyz[:-1]).sum(axis=1))
    return wxyz * np.cumprod(np.concatenate([[1.0], np.where(turns == 0, 1, turns)]))[:, None]


def steady_rotations(wxyz: Float[np.ndarray, "n 4"], times_s: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n 4"]:
    """The same of rotations, `unwrapped` or not; their quaternions need not have length 1."""
    mean = zero_phase(unwrapped(wxyz), times_s, ROTATION, together=True)
    return canonical_wxyz(mean / np.linalg.norm(mean, axis=1, keepdims=True))


def steady_places(
    origin_px: Float[np.ndarray, "n 2"], px_per_m: Float[np.ndarray, "n"], times_s: Float[np.ndarray, "n"]
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n"]]:
    """The same of the head's origin, and of its size."""
    head_px = HEAD_SIZE_M * float(np.median(px_per_m))
    origin_px = zero_phase(origin_px / head_px, times_s, PLACE, together=True) * head_px
    return origin_px, np.exp(zero_phase(np.log(px_per_m)[:, None], times_s, PLACE)[:, 0])


def _averaged(values: np.ndarray, compared: np.ndarray, times: np.ndarray, reach: int, *, together: bool) -> np.ndarray:
    """Average values where what is `compared` is alike; each pair of frames is weighed once and counts for both."""
    moved, weight = np.zeros_like(values), np.ones_like(values)
    for offset in range(1, min(reach, len(values) - 1) + 1):
        unlike = (compared[offset:] - compared[:-offset]) ** 2
        if together:
            unlike = unlike.mean(axis=1, keepdims=True)
        share = np.exp(-0.5 * (unlike + ((times[offset:] - times[:-offset]) ** 2)[:, None]))
        change = share * (values[offset:] - values[:-offset])
        moved[:-offset] += change
        moved[offset:] -= change
        weight[:-offset] += share
        weight[offset:] += share
    return values + moved / weight
