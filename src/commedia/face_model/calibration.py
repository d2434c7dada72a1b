"""What a person's face does at rest and at most, blendshape by blendshape, and how it is learned from predictions of
that face."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_MIRROR, EXPRESSION_NAMES
from commedia.errors import CommediaError

REST_PERCENTILE, FULL_PERCENTILE = 10.0, 98.0
"""Of a take: what a person's face does when it does nothing, and when it does the most."""
USED = 0.25
"""A blendshape that never rose this far above its rest was not used; its range is unknown, and nothing is amplified."""
MOST_REST = 0.5
"""A blendshape that rests higher than this is acted, or misread: it is not taken away whole."""
MOST_GAIN = 2.5
ROUNDED = 1e-3
"""Gains in files are as exact as that."""
ENOUGH_FRAMES = 50
"""Below this a recording shows a neutral face, not a range."""
_GAZE = np.array([name.startswith("eyeLook") for name in EXPRESSION_NAMES])


@dataclass(frozen=True)
class Calibration:
    """One person's neutral face and range, blendshape by blendshape."""

    rest: Float[np.ndarray, "52"]
    """Reading of the face that should count as 0."""
    gain: Float[np.ndarray, "52"]
    """By how much what is above the rest grows, 1 to `MOST_GAIN`, or what keeps full full."""
    knows_range: bool = False
    """Whether the person showed how far their face goes, and not its rest alone."""

    def applied(self, expression: Float[np.ndarray, "52"]) -> Float[np.ndarray, "52"]:
        """Expression as the calibrated person means it, 0 to 1."""
        return np.clip((expression - self.rest) * self.gain, 0, 1).astype(expression.dtype)


def calibration_from(expressions: Iterable[Float[np.ndarray, "52"]]) -> Calibration:
    """Learn a person's neutral, and from a recording long enough also the range, from predictions of them.

    A photo or a short clip is taken for a neutral face: its median is the rest. A longer one must show a face that
    mostly rests. Both sides of a blendshape share the larger range, so that nobody becomes lopsided.
    """
    read = np.array(list(expressions), dtype=np.float64).reshape(-1, EXPRESSION_COUNT)
    if len(read) == 0:
        raise CommediaError("there is no face to calibrate by; show one looking into the camera, at rest")
    if len(read) < ENOUGH_FRAMES:
        rest = np.minimum(np.median(read, axis=0), MOST_REST)
        return Calibration(rest, 1 / (1 - rest))
    return _ranged(np.minimum(np.percentile(read, REST_PERCENTILE, axis=0), MOST_REST), read)


def calibration_from_phases(
    neutral: Iterable[Float[np.ndarray, "52"]], acted: Iterable[Float[np.ndarray, "52"]]
) -> Calibration:
    """The same of somebody who was asked to rest for a moment and then to move all of the face.

    The rest is the median of the first, so that a blink in it is not taken for rest; closed eyes stay closed. Gaze is
    left alone: it is where somebody looks, and no habit of the face. What was not moved keeps its range.
    """
    rests = np.array(list(neutral), dtype=np.float64).reshape(-1, EXPRESSION_COUNT)
    moves = np.array(list(acted), dtype=np.float64).reshape(-1, EXPRESSION_COUNT)
    if len(rests) == 0:
        raise CommediaError("there was no face to calibrate by; stay in view, at rest, and begin again")
    rest = np.where(_GAZE, 0.0, np.minimum(np.median(rests, axis=0), MOST_REST))
    own = _ranged(rest, moves) if len(moves) else Calibration(rest, 1 / (1 - rest))
    return replace(own, gain=np.where(_GAZE, 1.0, own.gain))


def _ranged(rest: Float[np.ndarray, "52"], read: Float[np.ndarray, "n 52"]) -> Calibration:
    reach = np.percentile(read, FULL_PERCENTILE, axis=0) - rest
    reach = np.maximum(reach, reach[list(EXPRESSION_MIRROR)])
    known = reach >= USED
    gain = np.where(known, np.clip(1 / np.maximum(reach, 1e-9), None, MOST_GAIN), 1.0)
    return calibration_read_back(rest, np.maximum(gain, 1 / (1 - rest)))


def calibration_read_back(rest: Float[np.ndarray, "52"], gain: Float[np.ndarray, "52"]) -> Calibration:
    """A calibration of its numbers, as files keep them: a gain above what keeps full full shows a known range."""
    return Calibration(rest, gain, bool((gain * (1 - rest) > 1 + ROUNDED).any()))
