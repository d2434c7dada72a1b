"""One training picture and its faces: the contract between whoever labels or renders and whoever trains.

    PictureSample                         image, source, clip, frame, skin mask, parse map, exact truth, 0 to 20 faces
      └ FaceSample
          box            tight box of the head model's `face` region (hairline to chin, ear to ear)
          landmarks_px   iBUG-68, in pixels; `landmark_kind` says who vouches for them
          pose           weak perspective; rotation as seen along the ray through the face; `pose_weight` says how much
                         to believe the rotation
          identity       of our head, or None when nobody knows it
          expression     of our head, or None; `expression_weight` says blendshape by blendshape how much to believe it

Pixels are those of `conventions.py`: the corner of the first pixel is (0, 0). Nothing here reads files or draws.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_COUNT
from commedia.data.truth import DrawnTruth, ParseMap
from commedia.structures import Box, HeadPose

LandmarkKind = Literal["gold", "fit", "synthetic", "teacher"]
"""`gold`: marked by people; `fit`: our head fitted to dense points; `synthetic`: exact; `teacher`: a network's."""

PictureKind = Literal["labelled", "synthetic"]

ACTION_UNIT_COUNT = 24
"""FEAFA's, in the order of `assets/mappings/feafa.toml`."""

LANDMARK_WEIGHTS: dict[LandmarkKind, float] = {"gold": 1.0, "synthetic": 1.0, "fit": 0.5, "teacher": 0.25}
"""How much to believe points of each kind where nobody knows the face's parameters; beside parameters, always 1: what
was fitted to explain the points agrees with them."""

LANDMARK_KINDS: tuple[str, ...] = get_args(LandmarkKind)
PICTURE_KINDS: tuple[str, ...] = get_args(PictureKind)


@dataclass(frozen=True)
class FaceSample:
    """The truth about one face of a picture, as far as it is known."""

    box: Box
    landmarks_px: Float[np.ndarray, "68 2"]
    landmark_kind: LandmarkKind
    pose: HeadPose
    identity: Float[np.ndarray, "50"] | None
    expression: Float[np.ndarray, "52"] | None
    expression_weight: Float[np.ndarray, "52"]
    """0 (ignore this blendshape) to 1 (exact)."""
    identity_name: str | None
    """Who it is, where faces of one person should share an identity or stay on one side of a split."""
    pose_weight: float | None = None
    """0 to 1, how much to believe the rotation; None: fully if identity or expression is known, else not at all."""
    action_units: Float[np.ndarray, "24"] | None = None
    """FEAFA's, as people set them; `expression` holds what they say of our blendshapes."""

    @property
    def is_known(self) -> bool:
        """Say whether parameters are known at all."""
        return self.identity is not None or self.expression is not None

    @property
    def rotation_weight(self) -> float:
        """0 to 1, how much to believe the rotation."""
        return float(self.is_known) if self.pose_weight is None else self.pose_weight

    @property
    def landmark_weight(self) -> float:
        """0 to 1, how much to believe the points."""
        return 1.0 if self.is_known else LANDMARK_WEIGHTS[self.landmark_kind]


@dataclass(frozen=True)
class PictureSample:
    """One picture with every face in it that a detector should find."""

    image: UInt8[np.ndarray, "h w 3"]
    """RGB."""
    faces: tuple[FaceSample, ...]
    source: str
    """Data set and item, or generator and seed."""
    licence: str
    kind: PictureKind
    mask: UInt8[np.ndarray, "h w"] | None = None
    """How much of each pixel shows skin, 0 to 255."""
    clip: str | None = None
    """In which clip it was taken, and ..."""
    frame: str | None = None
    """... which frame of it."""
    parse: ParseMap | None = None
    """Which part of the face each pixel shows (`PARSE_CLASSES`), of the whole picture at another size."""
    truth: DrawnTruth | None = None
    """Of the only face, where it was drawn and the truth kept."""


def full_weight() -> Float[np.ndarray, "52"]:
    """Trust of an expression that is known exactly."""
    return np.ones(EXPRESSION_COUNT, dtype=np.float32)
