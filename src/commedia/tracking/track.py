"""One person over time as plain data, and where they are expected next. The tracker decides; this measures."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from commedia.faces.crop import Crop, crop_from_landmarks
from commedia.structures import Box, Face, FaceParams
from commedia.tracking.appearance import Appearance
from commedia.tracking.identity import IdentityMean
from commedia.tracking.neutral import LearntNeutral
from commedia.tracking.smooth import FaceFilter

VELOCITY_TIME_S = 0.08
"""Time constant of the velocity estimate: two to three frames."""

LONGEST_EXTRAPOLATION_S = 1.0
"""A lost face is expected where it was heading for so long, then where that led."""

SOMEBODY = 0.95
"""Presence that a look from near gives to somebody. The medians of 29 people in 25 clips, with faces from 13 pixels on,
are .994 and more (with `sfn-mobile` .991), those of two things that were taken for faces .75 and .91."""

USUAL_STEP_S = 1 / 30
"""Taken between frames whose times do not advance, as in a file that starts over."""


class Now(NamedTuple):
    """Where in a take the tracker is, by a clock that always moves on."""

    s: float = 0.0
    before_s: float = 0.0
    """The frame before."""
    frames: int = 0
    given_s: float | None = None
    """The time as the caller tells it."""


def moved_on(now: Now, given_s: float) -> Now:
    """Take in the time of the next frame."""
    step_s = USUAL_STEP_S if now.given_s is None else given_s - now.given_s
    return Now(now.s + (step_s if step_s > 0 else USUAL_STEP_S), now.s, now.frames + 1, given_s)


@dataclass(frozen=True)
class Prediction:
    """What one frame says about one face."""

    params: FaceParams
    landmarks_px: Float[np.ndarray, "68 2"]
    box: Box
    confidence: float
    refined: bool
    """Read by the regressor from a full-resolution crop rather than by the detector from the whole picture."""

    @cached_property
    def crop(self) -> Crop:
        """The crop of the landmarks; several ask for it."""
        return crop_from_landmarks(self.landmarks_px)


class Motion(NamedTuple):
    """Velocity of the head's origin in pixels, and of the logarithm of its size, per second."""

    origin: Float[np.ndarray, "2"]
    log_size: float


class Likeness(NamedTuple):
    """The looks at one person so far."""

    total: Float[np.ndarray, "l"]
    """Their sum."""
    looks: int
    looked_s: float
    """Time of the last one."""
    clear: bool
    """From the front, sharp and large; a first look at a new face may be otherwise."""


class Presence(NamedTuple):
    """What looks from near said so far of whether anybody is there."""

    looks: int = 0
    sure: int = 0
    """How many of them gave `SOMEBODY` or more."""

    def after(self, prediction: Prediction) -> "Presence":
        """Take in what was read; who was not looked at from near, or by a network that does not judge, is as before."""
        given = prediction.params.presence
        return self if given is None else Presence(self.looks + 1, self.sure + (given >= SOMEBODY))


UNLEARNT, NOT_LOOKED_AT = LearntNeutral(), Presence()
AT_REST = Motion(np.zeros(2, dtype=np.float32), 0.0)


@dataclass(frozen=True)
class Track:
    """A person so far."""

    key: int
    """Internal number, given at first sight."""
    id: int
    """Given at confirmation; 0 before."""
    detections: int
    """Frames in which the detector saw it."""
    seen_s: float
    """Time of the last prediction."""
    prediction: Prediction
    """The last one."""
    motion: Motion
    appearance: Appearance
    identity: IdentityMean
    filter: FaceFilter
    neutral: LearntNeutral = UNLEARNT
    """Learnt where `TrackerSettings.learn_neutral` says so."""
    likeness: Likeness | None = None
    """None before the first look, and where no network tells people apart."""
    presence: Presence = NOT_LOOKED_AT


def is_lost(track: Track, now: Now) -> bool:
    """Say, before this frame is taken in, whether somebody was not seen in the last one."""
    return track.seen_s < now.before_s


def prediction_from_face(face: Face) -> Prediction | None:
    """Take the detector's word; None of a detector that only has boxes."""
    if face.params is None or face.landmarks_px is None:
        return None
    return Prediction(face.params, face.landmarks_px, face.box, face.confidence, refined=False)


def updated_motion(motion: Motion, old: FaceParams, new: FaceParams, step_s: float) -> Motion:
    """Move the velocity estimate towards what the last step showed."""
    share = 1 - math.exp(-step_s / VELOCITY_TIME_S)
    velocity = (new.pose.origin_px - old.pose.origin_px) / step_s
    growth = math.log(new.pose.px_per_m / old.pose.px_per_m) / step_s
    origin = motion.origin + share * (velocity - motion.origin)
    return Motion(origin.astype(np.float32), motion.log_size + share * (growth - motion.log_size))


def expected_box(track: Track, ahead_s: float) -> Box:
    """Place the track's box `ahead_s` after its last prediction, at constant velocity."""
    x, y = (track.motion.origin * min(ahead_s, LONGEST_EXTRAPOLATION_S)).tolist()
    box = track.prediction.box
    return Box(box.left_px + x, box.top_px + y, box.right_px + x, box.bottom_px + y)


def carried_on(track: Track, ahead_s: float) -> Prediction:
    """The last prediction, moved on as far as the head moves in `ahead_s`: for who is there and is not looked at."""
    shift = (track.motion.origin * ahead_s).astype(np.float32)
    params, last = track.prediction.params, track.prediction
    pose = replace(params.pose, origin_px=params.pose.origin_px + shift)
    moved = replace(params, pose=pose), last.landmarks_px + shift, expected_box(track, ahead_s)
    return Prediction(*moved, last.confidence, refined=last.refined)


def expected_crop(track: Track, ahead_s: float) -> Crop:
    """Place the crop by the last landmarks, moved on at constant velocity."""
    crop = track.prediction.crop
    growth = math.exp(min(max(track.motion.log_size * ahead_s, -0.2), 0.2))
    return Crop((crop.center_px + track.motion.origin * ahead_s).astype(np.float32), crop.side_px * growth, crop.roll)


def moved_box(box: Box, old: FaceParams, new: FaceParams) -> Box:
    """Carry a box along with the head it belongs to."""
    growth = new.pose.px_per_m / old.pose.px_per_m
    (from_x, from_y), (to_x, to_y) = old.pose.origin_px.tolist(), new.pose.origin_px.tolist()
    left, right = (to_x + growth * (x - from_x) for x in (box.left_px, box.right_px))
    top, bottom = (to_y + growth * (y - from_y) for y in (box.top_px, box.bottom_px))
    return Box(left, top, right, bottom)
