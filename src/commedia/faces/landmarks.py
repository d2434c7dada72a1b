"""Landmarks of many faces at once: the points of `face_model.landmarks.landmarks_from_params`, or people's marks.

A head reduced to its 68 landmarks is a (50 + 52) x 204 matrix, so all faces of a frame cost one small product; what
changes with identity (of the default head the two blinks, of a multilinear one all) is 50 more rows per blendshape.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from commedia.face_model.landmarks import landmark_model
from commedia.face_model.model import HeadModel, head_or_default
from commedia.faces.marks import Marks
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.structures import FaceParams

_DOWN = np.array([[1], [-1]], dtype=np.float32)


@lru_cache(maxsize=8)
def _mean_and_rows(head: HeadModel, marks: Marks | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean, the basis, and which blendshapes change with identity."""
    model, changing = landmark_model(head), np.zeros(0, dtype=np.int32)
    mean, basis = model.mean, [model.identity_basis, model.expression_basis]
    if marks is not None:
        mean, basis = mean + marks.rest, [basis[0] + marks.identity, basis[1] + marks.expression]
    if (crossed := model.interaction) is not None:
        changes = np.zeros((*crossed.basis.shape[:2], *model.mean.shape), dtype=np.float32)
        changes[:, :, crossed.vertices] = crossed.basis
        basis, changing = [*basis, changes.reshape(-1, *model.mean.shape)], crossed.expressions
    rows = np.concatenate(basis)
    return mean.astype(np.float32), rows.reshape(len(rows), -1).astype(np.float32), changing


def landmarks_of_faces(
    faces: Sequence[FaceParams], head: HeadModel | None = None, marks: Marks | None = None
) -> list[Float[np.ndarray, "68 2"]]:
    """Place the iBUG-68 points of several faces of one head (None: the default head) in the image.

    They lie on the head, or with the `marks` of the network that read the faces where people would mark them.
    """
    if not faces:
        return []
    mean, basis, changing = _mean_and_rows(head_or_default(head), marks)
    identity, expression = (np.array([getattr(face, name) for face in faces]) for name in ("identity", "expression"))
    crossed = (identity[:, :, None] * expression[:, None, changing]).reshape(len(faces), -1)
    weights = np.concatenate([identity, expression, crossed], axis=1, dtype=np.float32)
    heads = mean + (weights @ basis).reshape(-1, *mean.shape)
    scale = np.array([face.pose.px_per_m for face in faces], dtype=np.float32)[:, None, None]
    image_from_head = matrix_from_wxyz(np.array([face.pose.wxyz for face in faces]))[:, :2] * scale * _DOWN
    placed = heads @ image_from_head.transpose(0, 2, 1) + np.array([face.pose.origin_px for face in faces])[:, None]
    return list(placed.astype(np.float32))
