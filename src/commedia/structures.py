"""The nouns of the sentence, as frozen numpy dataclasses. Frames and blendshapes are those of `conventions.py`.

They carry data, views and conversions; anything that decides belongs to the folder of its arrow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8


@dataclass(frozen=True)
class Frame:
    """One picture in time, upright (rotation metadata already applied)."""

    image: UInt8[np.ndarray, "h w 3"]
    """RGB."""
    index: int
    """Position in the source, from 0, without gaps."""
    time_s: Fraction
    """Presentation time in seconds from the first frame; exact, so that variable frame rates survive."""


@dataclass(frozen=True)
class Box:
    """An upright rectangle in image pixels; corners, so a whole w x h picture is (0, 0, w, h)."""

    left_px: float
    top_px: float
    right_px: float
    bottom_px: float

    @property
    def width_px(self) -> float:
        return self.right_px - self.left_px

    @property
    def height_px(self) -> float:
        return self.bottom_px - self.top_px

    @property
    def center_px(self) -> tuple[float, float]:
        return (self.left_px + self.right_px) / 2, (self.top_px + self.bottom_px) / 2


@dataclass(frozen=True)
class HeadPose:
    """Weak-perspective placement of the head: rotate, scale, put the head's origin at a pixel."""

    wxyz: Float[np.ndarray, "4"]
    """camera_from_head rotation, unit quaternion with w >= 0."""
    origin_px: Float[np.ndarray, "2"]
    """Where the head frame's origin lands in the image."""
    px_per_m: float
    """Pixels per metre at the head's depth; positive."""


@dataclass(frozen=True)
class FaceParams:
    """All that a face is and does: who (identity), what (expression), where (pose)."""

    identity: Float[np.ndarray, "i"]
    """Standard deviations along each identity component; 0 is the mean head."""
    expression: Float[np.ndarray, "e"]
    """Weights in [0, 1], in the order of `EXPRESSION_NAMES`."""
    pose: HeadPose
    presence: float | None = None
    """How sure whoever read this is that a face was there to be read, 0 to 1; None from readers that do not judge."""


@dataclass(frozen=True)
class Face:
    """One detected face."""

    box: Box
    """Hairline to chin, ear to ear: the tight box of the head model's `face` region."""
    confidence: float
    """0 to 1."""
    params: FaceParams | None = None
    """First reading, from the same pass that found the face; None from detectors that only have boxes."""
    landmarks_px: Float[np.ndarray, "68 2"] | None = None
    """iBUG-68 points of `params` in the image; None where `params` is."""


Status = Literal["tracked", "held", "fading"]


@dataclass(frozen=True)
class TrackedFace:
    """A face with a name that lasts."""

    id: int
    """From 1, never reused within a take."""
    status: Status
    """`tracked`: seen in this frame; `held`: not seen, last motion kept; `fading`: not seen for longer, on its way to
    neutral."""
    box: Box
    params: FaceParams
    """Smoothed; `identity` is the mean over the track so far, in a take read twice over the whole."""
    landmarks_px: Float[np.ndarray, "68 2"]
    confidence: float


@dataclass(frozen=True)
class TrackedFrame:
    """Everyone in one frame; `faces` may be empty, and the frame still counts."""

    index: int
    time_s: Fraction
    faces: tuple[TrackedFace, ...]


@dataclass(frozen=True)
class RigPose:
    """What one character does at one moment, in the character's own terms."""

    weights: Float[np.ndarray, "m"]
    """Morph weights in the order of the rig's `morph_names`."""
    head_wxyz: Float[np.ndarray, "4"]
    """Rotation of the head against its rest pose, in the head frame."""
    left_eye_wxyz: Float[np.ndarray, "4"]
    """Rotation of the subject's left eyeball against its rest pose, in the head frame."""
    right_eye_wxyz: Float[np.ndarray, "4"]


@dataclass(frozen=True)
class Moment:
    """All that is known of one moment of a take: what travels from the pipeline to every sink."""

    frame: Frame | None
    """The picture; None for recorded motion."""
    tracked: TrackedFrame
    """As measured."""
    acted: TrackedFrame
    """The same people as characters play them: calibrated, mirrored, or as measured."""
    poses: Mapping[int, RigPose]
    """The pose of each person's character, by id."""
