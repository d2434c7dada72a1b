"""Landmarks of many faces at once. The same numbers as `face_model.landmarks.landmarks_from_params`, for one price.

A head reduced to its 68 landmarks is a (50 + 52) x 204 matrix, so all faces of a frame cost one small product; the
changes of a multilinear head's blendshapes with identity are 50 x 52 more rows.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from commedia.face_model.landmarks import landmark_model
from commedia.face_model.model import HeadModel, head_or_default
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.structures import FaceParams


@lru_cache(maxsize=8)
def _mean_and_rows(head: HeadModel) -> tuple[np.ndarray, np.ndarray]:
    model = landmark_model(head)
    pairs = model.interaction_basis
    more = [] if pairs is None else [pairs.reshape(-1, *pairs.shape[2:])]
    basis = np.concatenate([model.identity_basis, model.expression_basis, *more])
    return model.mean.astype(np.float32), basis.reshape(len(basis), -1).astype(np.float32)


def landmarks_of_faces(faces: Sequence[FaceParams], head: HeadModel | None = None) -> list[Float[np.ndarray, "68 2"]]:
    """Place the iBUG-68 points of several faces of one head (None: the default head) in the image."""
    if not faces:
        return []
    mean, basis = _mean_and_rows(head_or_default(head))
    weights = np.stack([np.concatenate([face.identity, face.expression]) for face in faces]).astype(np.float32)
    if len(basis) > weights.shape[1]:
        pairs = [np.outer(face.identity, face.expression).ravel() for face in faces]
        weights = np.concatenate([weights, np.stack(pairs)], axis=1, dtype=np.float32)
    heads = mean + (weights @ basis).reshape(len(faces), -1, 3)
    rotated = heads @ matrix_from_wxyz(np.stack([face.pose.wxyz for face in faces])).transpose(0, 2, 1)
    scale = np.array([face.pose.px_per_m for face in faces], dtype=np.float32)[:, None, None]
    flat = rotated[..., :2] * scale * np.array([1, -1], dtype=np.float32)
    placed = flat + np.stack([face.pose.origin_px for face in faces])[:, None]
    return list(placed.astype(np.float32))
