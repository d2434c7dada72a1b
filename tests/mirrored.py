"""Samples as a mirror shows them: what laws of symmetry are tested against."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_MIRROR, LANDMARK_MIRROR
from commedia.data.sample import FaceSample, PictureSample
from commedia.geometry.rotations import mirrored_wxyz
from commedia.structures import Box, HeadPose


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
        expression_weight=face.expression_weight[order],
        action_units=None,  # only their reader knows which of them are left and right
    )


def mirrored_picture(picture: PictureSample, identity_mirror: Float[np.ndarray, "50"]) -> PictureSample:
    """Mirror a picture together with its labels."""
    width = float(picture.image.shape[1])
    faces = tuple(mirrored_face(face, width, identity_mirror) for face in picture.faces)
    mask = None if picture.mask is None else np.ascontiguousarray(picture.mask[:, ::-1])
    return replace(picture, image=np.ascontiguousarray(picture.image[:, ::-1]), faces=faces, mask=mask)
