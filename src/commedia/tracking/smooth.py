"""One-Euro filters that take the time between frames as it is.

Pure: a filter is a state, a step returns the next one. Every quantity is filtered in the form
x <- x + gain * (observed - x), where the gain grows with the speed of the quantity, so that a still face is steady and
a moving one does not lag. Reference: Casiez, Roussel and Vogel 2012, the 1 euro filter.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES
from commedia.geometry.rotations import (
    axis_angle_from_wxyz,
    canonical_wxyz,
    inverse_wxyz,
    multiply_wxyz,
    wxyz_from_axis_angle,
)
from commedia.structures import FaceParams, HeadPose

HEAD_SIZE_M = 0.2
"""Speeds of the head in the image are measured in heads of this size per second."""

Tuning = float | Float[np.ndarray, "c"]
"""One number for all channels of a group, or one for each."""


@dataclass(frozen=True)
class OneEuro:
    """How strongly one group of channels is smoothed."""

    cutoff_hz: Tuning = 1.0
    """At rest: lower is steadier."""
    beta: Tuning = 1.0
    """Growth of the cut-off with speed: higher lags less."""
    speed_cutoff_hz: Tuning = 1.0
    """Of the speed's own low-pass: higher reacts sooner to a start."""
    rest_speed: Tuning = 0.0
    """Speeds up to this are taken for noise and do not raise the cut-off."""


@dataclass(frozen=True)
class Smoothing:
    """One-Euro settings per kind of channel; speeds are weights, radians and head sizes per second."""

    expression: OneEuro = OneEuro(1.5, 3.0, 1.0, 0.2)
    blink: OneEuro = OneEuro(1.5, 6.0, 2.0, 0.5)
    """Lids close within two or three frames, so their channels open up almost at once."""
    rotation: OneEuro = OneEuro(1.2, 5.0, 1.0, 0.05)
    place: OneEuro = OneEuro(1.2, 8.0, 1.0, 0.05)
    """Origin and size in the image."""

    def scaled(self, factor: float) -> "Smoothing":
        """Cut-offs at rest and their growth times a factor: below 1 is steadier and later."""
        groups = {part.name: getattr(self, part.name) for part in fields(self)}
        return Smoothing(
            **{
                name: replace(group, cutoff_hz=group.cutoff_hz * factor, beta=group.beta * factor)
                for name, group in groups.items()
            }
        )


class FaceFilter(NamedTuple):
    """State of all filters of one face, channel by channel: `LOG_SIZE`, `ORIGIN`, `EXPRESSION`, and the rotation."""

    value: Float[np.ndarray, "c"]
    """The rotation is a quaternion: `WXYZ`."""
    speed: Float[np.ndarray, "d"]
    """Low-passed derivative, per second. The rotation's is an angular velocity: `TURN`."""


LOG_SIZE, ORIGIN, EXPRESSION = slice(0, 1), slice(1, 3), slice(3, 3 + EXPRESSION_COUNT)
WXYZ, TURN, LINEAR = slice(-4, None), slice(-3, None), slice(0, 3 + EXPRESSION_COUNT)

Step = float | Float[np.ndarray, "b 1"]
"""Seconds since the last prediction, for all faces or for each."""


def low_pass_gain(cutoff_hz: Tuning | Float[np.ndarray, "..."], step_s: Step) -> float | Float[np.ndarray, "..."]:
    """Share of a new value that a first-order low-pass lets through in `step_s`."""
    turn = 2 * np.pi * cutoff_hz * step_s
    return turn / (1 + turn)


def start_filter(params: FaceParams) -> FaceFilter:
    """Begin at a prediction, at rest."""
    value = _channels(params)
    return FaceFilter(value, np.zeros(len(value) - 1))


def restart_pose(state: FaceFilter, params: FaceParams) -> FaceFilter:
    """Jump to where the face is now, but let its expression move on from what was last shown."""
    started = start_filter(params)
    for part, last in zip(started, state, strict=True):
        part[EXPRESSION] = last[EXPRESSION]
    return started


def step_filters(
    states: Sequence[FaceFilter], params: Sequence[FaceParams], steps_s: Sequence[float], smoothing: Smoothing
) -> list[FaceFilter]:
    """Take in one prediction for each of several faces, `steps_s` > 0 after its last.

    All channels of all faces are filtered at once: this runs for every frame. A place and a rotation are filtered by
    the length of their velocity, so that no axis is special; a rotation in the tangent space of its filtered value,
    where the sign of the quaternion is gone.
    """
    if not states:
        return []
    (value, speed), observed = map(np.stack, zip(*states, strict=True)), np.stack([_channels(face) for face in params])
    step_s, tuning = np.array(steps_s)[:, None], _tuning(smoothing)
    turn = axis_angle_from_wxyz(multiply_wxyz(observed[:, WXYZ], inverse_wxyz(value[:, WXYZ])))
    change = np.concatenate([observed[:, LINEAR] - value[:, LINEAR], turn], axis=1)
    speed = _next_speed(speed, change, step_s, tuning)
    size = abs(speed)
    log_size = value[:, LOG_SIZE] + _gain(size[:, LOG_SIZE], step_s, smoothing.place) * change[:, LOG_SIZE]
    size[:, ORIGIN] = _length(speed[:, ORIGIN]) / (HEAD_SIZE_M * np.exp(log_size))
    size[:, TURN] = _length(speed[:, TURN])
    moved = _gain(size, step_s, tuning) * change
    wxyz = canonical_wxyz(multiply_wxyz(wxyz_from_axis_angle(moved[:, TURN]), value[:, WXYZ]))
    value = np.concatenate([value[:, LINEAR] + moved[:, LINEAR], wxyz], axis=1)
    return list(map(FaceFilter, value, speed))


def filtered_params(state: FaceFilter, identity: Float[np.ndarray, "i"]) -> FaceParams:
    """Read the smoothed face out of its filters."""
    value = state.value.astype(np.float32)
    pose = HeadPose(value[WXYZ], value[ORIGIN], math.exp(state.value[0]))
    return FaceParams(identity, value[EXPRESSION].clip(0, 1), pose)


def _channels(params: FaceParams) -> Float[np.ndarray, "c"]:
    pose = params.pose
    return np.concatenate([[math.log(pose.px_per_m)], pose.origin_px, params.expression, pose.wxyz], dtype=np.float64)


def _next_speed(speed: np.ndarray, change: np.ndarray, step_s: Step, tuning: OneEuro) -> np.ndarray:
    return speed + low_pass_gain(tuning.speed_cutoff_hz, step_s) * (change / step_s - speed)


def _gain(speed: np.ndarray, step_s: Step, tuning: OneEuro) -> np.ndarray | float:
    return low_pass_gain(tuning.cutoff_hz + tuning.beta * np.maximum(speed - tuning.rest_speed, 0), step_s)


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))


@lru_cache(maxsize=8)
def _tuning(smoothing: Smoothing) -> OneEuro:
    """Of every channel of a face's speed."""
    kinds = [smoothing.blink if name.startswith("eyeBlink") else smoothing.expression for name in EXPRESSION_NAMES]
    kinds = [*[smoothing.place] * 3, *kinds, *[smoothing.rotation] * 3]
    return OneEuro(*(np.array([getattr(kind, part.name) for kind in kinds]) for part in fields(OneEuro)))
