"""The labels of many faces as arrays, and how they follow a picture that is moved, turned or mirrored.

Exact laws, tested: turning a picture turns its points and composes the rotation with the roll; mirroring twice is the
identity. The picture itself is handled in `augment.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_MIRROR, IDENTITY_COUNT, LANDMARK_COUNT, LANDMARK_MIRROR
from commedia.data.sample import FaceSample
from commedia.geometry.rotations import mirrored_wxyz, multiply_wxyz, wxyz_from_axis_angle


class FaceArrays(NamedTuple):
    """Labels of n faces in pixels of their picture; unknown parts hold zeros and are not trusted."""

    box: Float[np.ndarray, "n 4"]
    """Left, top, right, bottom."""
    landmarks: Float[np.ndarray, "n 68 2"]
    identity: Float[np.ndarray, "n i"]
    identity_weight: Float[np.ndarray, "n"]
    expression: Float[np.ndarray, "n e"]
    expression_weight: Float[np.ndarray, "n e"]
    wxyz: Float[np.ndarray, "n 4"]
    pose_weight: Float[np.ndarray, "n"]
    landmark_weight: Float[np.ndarray, "n"]

    def at(self, rows: object) -> "FaceArrays":
        """Choose faces, as numpy indexing does."""
        return FaceArrays(*(part[rows] for part in self))  # type: ignore[index]


@dataclass(frozen=True)
class Placement:
    """How a picture is redrawn: mirrored first if at all, then turned, scaled and moved. a = scale * turn * mirror."""

    roll: float
    """Radians, positive anticlockwise in the image, as in `conventions.py`."""
    scale: float
    mirror: bool
    source_px: Float[np.ndarray, "2"]
    """The point of the old picture ..."""
    target_px: Float[np.ndarray, "2"]
    """... that lands here in the new one."""

    @property
    def target_from_source(self) -> Float[np.ndarray, "2 3"]:
        """The affine map of points with the pixel rule of `conventions.py` (corner of the first pixel at 0)."""
        cosine, sine = np.cos(self.roll), np.sin(self.roll)
        # y points down, so an anticlockwise turn moves +x towards -y.
        linear = self.scale * np.array([[cosine, sine], [-sine, cosine]])
        linear = linear @ np.diag([-1.0 if self.mirror else 1.0, 1.0])
        return np.concatenate([linear, (self.target_px - linear @ self.source_px)[:, None]], axis=1)


def arrays_from_faces(faces: Sequence[FaceSample]) -> FaceArrays:
    """Stack labels. A face whose parameters nobody knows trains its box, and points and rotation by their weights."""
    landmarks = np.stack([face.landmarks_px for face in faces]) if faces else np.zeros((0, LANDMARK_COUNT, 2))
    spread = np.ptp(landmarks, axis=1).min(-1) > 1 if len(faces) else np.zeros(0)
    expressed = np.array([face.expression is not None for face in faces], dtype=np.float32)
    return FaceArrays(
        box=_stack([[f.box.left_px, f.box.top_px, f.box.right_px, f.box.bottom_px] for f in faces], 4),
        landmarks=landmarks.astype(np.float32),
        identity=_stack([face.identity for face in faces], IDENTITY_COUNT),
        identity_weight=np.array([face.identity is not None for face in faces], dtype=np.float32),
        expression=_stack([face.expression for face in faces], EXPRESSION_COUNT),
        expression_weight=_stack([face.expression_weight for face in faces], EXPRESSION_COUNT) * expressed[:, None],
        wxyz=_stack([face.pose.wxyz for face in faces], 4),
        pose_weight=np.array([face.rotation_weight for face in faces], dtype=np.float32),
        landmark_weight=np.array([face.landmark_weight for face in faces]).astype(np.float32) * spread,
    )


def joined(arrays: Sequence[FaceArrays]) -> FaceArrays:
    """Put the faces of several pictures one after the other."""
    return FaceArrays(*(np.concatenate(parts) for parts in zip(*arrays, strict=True)))


def placed(faces: FaceArrays, placement: Placement, identity_mirror: Float[np.ndarray, "i"]) -> FaceArrays:
    """Say what the labels are in the redrawn picture.

    Boxes stay upright: a turned box is bounded as the ellipse in it would be, which is close to how the outline of a
    head turns.
    """
    affine = placement.target_from_source.astype(np.float32)
    landmarks = faces.landmarks @ affine[:, :2].T + affine[:, 2]
    center = (faces.box[:, :2] + faces.box[:, 2:]) / 2 @ affine[:, :2].T + affine[:, 2]
    half = np.sqrt(((faces.box[:, 2:] - faces.box[:, :2]) / 2) ** 2 @ (affine[:, :2] ** 2).T)
    if placement.mirror:
        order = list(EXPRESSION_MIRROR)
        faces = faces._replace(
            identity=(faces.identity * identity_mirror).astype(np.float32),
            expression=faces.expression[:, order],
            expression_weight=faces.expression_weight[:, order],
            wxyz=mirrored_wxyz(faces.wxyz),
        )
        landmarks = landmarks[:, list(LANDMARK_MIRROR)]
    roll = wxyz_from_axis_angle(np.array([0.0, 0.0, placement.roll]))
    turned = multiply_wxyz(np.broadcast_to(roll, faces.wxyz.shape), faces.wxyz)
    return faces._replace(
        box=np.concatenate([center - half, center + half], axis=1).astype(np.float32),
        landmarks=landmarks.astype(np.float32),
        wxyz=turned.astype(np.float32),
    )


def _stack(rows: Sequence[object], width: int) -> np.ndarray:
    filled = [np.zeros(width) if row is None else row for row in rows]
    return np.asarray(filled, dtype=np.float32).reshape(len(filled), width)
