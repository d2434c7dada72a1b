"""What a person's face reads when it does nothing, found without being shown it, and taken away from what is read.

Networks see a little expression in most faces at rest, in each a different one. Over a whole take the low values of
calm moments are that; a live tracker learns the same as it goes.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES

LIDS = np.array([name.startswith("eyeBlink") for name in EXPRESSION_NAMES])
GAZE = np.array([name.startswith("eyeLook") for name in EXPRESSION_NAMES])
"""Where somebody mostly looks is no trait of the face."""
FULL = np.where(LIDS, 0.6, 1.0)
"""From here on a value stays what it is: a blink is as deep as it was, and 1 is 1."""
REST_PERCENTILE = 10.0
_MOST_BY_KIND = {
    **dict.fromkeys(("mouthLowerDown", "mouthUpperUp", "mouthRollUpper", "eyeSquint", "browDown"), 0.25),
    **dict.fromkeys(("jawOpen", "browInnerUp", "browOuterUp"), 0.2),
    **dict.fromkeys(("mouthSmile", "mouthRollLower"), 0.15),
}
MOST_REST = np.array(
    [_MOST_BY_KIND.get(name.removesuffix("Left").removesuffix("Right"), 0.1) for name in EXPRESSION_NAMES]
)
"""What a blendshape reads on a face at rest: about the 95th percentile of 500 neutral photographs (table `neutral`), a
little more for brows. The higher above this it stays for a whole take, the surer it is acted, as a smile that never
ends: from twice as much on, nothing is taken away."""
LEAST_S = 2.0
"""Whoever is seen for less may have acted all the time."""
CALM_SHARE = 0.5
"""The calmer half of the frames counts."""
MOTION_S = 0.1
"""Motion is the change between so long before and so long after."""
FRONTAL = 0.8
"""Cosine between the face's axis and the line of sight, from which on expression is read well."""
FASTEST, SLOWEST = 1.0, 0.02
"""What is learnt live moves at most so much in a second: at first sight, and after minutes."""


@dataclass(frozen=True)
class Neutral:
    """One person's face at rest, as it is read."""

    rest: Float[np.ndarray, "52"] = field(default_factory=lambda: np.zeros(EXPRESSION_COUNT))
    """What is taken away where a blendshape is 0; 0 where nothing is."""

    def applied(self, expression: Float[np.ndarray, "*n 52"]) -> Float[np.ndarray, "*n 52"]:
        """Expression as read to expression as this person means it: `rest` becomes 0, and `FULL` stays."""
        above = (expression - self.rest) * (FULL / (FULL - self.rest))
        return np.clip(np.where(expression < FULL, above, expression), 0, 1).astype(expression.dtype)

    def named(self) -> dict[str, float]:
        """What is taken away, by blendshape."""
        return {name: round(float(rest), 3) for name, rest in zip(EXPRESSION_NAMES, self.rest, strict=True) if rest > 0}


def neutral_of_take(
    expressions: Float[np.ndarray, "n 52"], times_s: Float[np.ndarray, "n"], frontal: Float[np.ndarray, "n"]
) -> Neutral:
    """All smoothed readings of one person, their times and their cosines to the line of sight to the face at rest."""
    step_s = max(float(np.median(np.diff(times_s))), 1e-6) if len(times_s) > 1 else 0.0
    if len(times_s) * step_s < LEAST_S:
        return Neutral()
    motion = _motion(expressions[:, ~(LIDS | GAZE)], max(1, round(MOTION_S / step_s)))
    ahead = frontal >= FRONTAL
    chosen = ahead if ahead.sum() * step_s >= LEAST_S else np.ones(len(times_s), bool)
    calm = chosen & (motion <= np.quantile(motion[chosen], CALM_SHARE))
    return Neutral(believed_rest(np.percentile(expressions[calm], REST_PERCENTILE, axis=0)))


def believed_rest(low: Float[np.ndarray, "52"]) -> Float[np.ndarray, "52"]:
    """Low values of what is read to how much of them is the face at rest rather than acted."""
    return np.where(GAZE, 0.0, np.clip(np.minimum(low, 2 * MOST_REST - low), 0, None))


@dataclass(frozen=True)
class LearntNeutral:
    """The face at rest as far as it shows in a stream: a low percentile that follows each reading a little."""

    low: Float[np.ndarray, "52"] = field(default_factory=lambda: np.zeros(EXPRESSION_COUNT))
    seen_s: float = 0.0

    def after(self, expression: Float[np.ndarray, "52"], step_s: float) -> "LearntNeutral":
        """Take in one smoothed reading, `step_s` after the last: quickly at first, slowly when much is known."""
        move = step_s * max(SLOWEST, FASTEST / (1 + FASTEST * self.seen_s))
        share = REST_PERCENTILE / 100
        # It settles where values are above it as often as is needed to balance the steps: at the percentile.
        towards = np.where(expression > self.low, share, share - 1) * move
        limit = expression - self.low
        step = np.where(abs(towards) > abs(limit), limit, towards)
        return replace(self, low=self.low + step, seen_s=self.seen_s + step_s)

    @property
    def neutral(self) -> Neutral:
        """What is known so far."""
        return Neutral(believed_rest(self.low))


def _motion(values: Float[np.ndarray, "n c"], frames: int) -> Float[np.ndarray, "n"]:
    """Mean change around each frame; towards the ends between the frames there are."""
    places = np.arange(len(values))
    after, before = np.minimum(places + frames, places[-1]), np.maximum(places - frames, 0)
    return abs(values[after] - values[before]).mean(axis=1) * (2 * frames) / np.maximum(after - before, 1)
