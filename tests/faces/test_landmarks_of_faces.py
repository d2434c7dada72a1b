"""Landmarks of many faces at once are the landmarks of each."""

import numpy as np

from commedia.face_model.landmarks import landmarks_from_params
from commedia.faces.landmarks import landmarks_of_faces
from commedia.geometry.rotations import wxyz_from_axis_angle
from commedia.structures import FaceParams, HeadPose


def test_many_at_once_equal_one_at_a_time(rng: np.random.Generator):
    faces = [
        FaceParams(
            rng.normal(size=50).astype(np.float32),
            rng.uniform(size=52).astype(np.float32),
            HeadPose(
                wxyz_from_axis_angle(rng.normal(size=3).astype(np.float32) * 0.4),
                rng.uniform(0, 500, 2).astype(np.float32),
                float(rng.uniform(200, 2000)),
            ),
        )
        for _ in range(5)
    ]
    for face, points in zip(faces, landmarks_of_faces(faces), strict=True):
        np.testing.assert_allclose(points, landmarks_from_params(face), atol=0.01)
    assert landmarks_of_faces([]) == []
