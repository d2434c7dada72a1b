"""One training picture and its faces: the contract between whoever labels or renders and whoever trains.

    PictureSample                         image, where it comes from, 0 to 20 faces
      └ FaceSample
          box            tight box of the head model's `face` region (hairline to chin, ear to ear)
          landmarks_px   iBUG-68, in pixels; `landmark_kind` says who vouches for them
          pose           weak perspective; rotation as seen along the ray through the face
          identity       of our head, or None when nobody knows it
          expression     of our head, or None; `expression_trust` says unit by unit how much to believe it

Pixels are those of `conventions.py`: the corner of the first pixel is (0, 0). Nothing here reads files or draws.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_MIRROR, LANDMARK_MIRROR
from commedia.geometry.rotations import mirrored_wxyz
from commedia.structures import Box, HeadPose

LandmarkKind = Literal["gold", "fit", "synthetic", "teacher"]
"""`gold`: marked by people; `fit`: our head fitted to dense points; `synthetic`: exact; `teacher`: a network's."""

PictureKind = Literal["labelled", "synthetic"]

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
    expression_trust: Float[np.ndarray, "52"]
    """0 (ignore this unit) to 1 (exact)."""
    identity_name: str | None
    """Who it is, where faces of one person should share an identity or stay on one side of a split."""


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


def full_trust() -> Float[np.ndarray, "52"]:
    """Trust of an expression that is known exactly."""
    return np.ones(EXPRESSION_COUNT, dtype=np.float32)


def mirrored_face(face: FaceSample, width_px: float, identity_mirror: Float[np.ndarray, "50"]) -> FaceSample:
    """Say what a face's truth is in the mirrored picture, `width_px` wide.

    `identity_mirror` is the head model's: +1 for a symmetric component, -1 for an antisymmetric one.
    """
    edge = np.array([width_px, 0], np.float32)
    landmarks = edge + face.landmarks_px[list(LANDMARK_MIRROR)] * np.array([-1, 1], np.float32)
    origin = np.array([width_px - face.pose.origin_px[0], face.pose.origin_px[1]], dtype=face.pose.origin_px.dtype)
    order = list(EXPRESSION_MIRROR)
    return replace(
        face,
        box=Box(width_px - face.box.right_px, face.box.top_px, width_px - face.box.left_px, face.box.bottom_px),
        landmarks_px=landmarks.astype(face.landmarks_px.dtype),
        pose=HeadPose(mirrored_wxyz(face.pose.wxyz), origin, face.pose.px_per_m),
        identity=None if face.identity is None else (face.identity * identity_mirror).astype(face.identity.dtype),
        expression=None if face.expression is None else face.expression[order],
        expression_trust=face.expression_trust[order],
    )


def mirrored_picture(picture: PictureSample, identity_mirror: Float[np.ndarray, "50"]) -> PictureSample:
    """Mirror a picture together with its labels."""
    width = float(picture.image.shape[1])
    faces = tuple(mirrored_face(face, width, identity_mirror) for face in picture.faces)
    return replace(picture, image=np.ascontiguousarray(picture.image[:, ::-1]), faces=faces)
