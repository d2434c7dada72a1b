"""What is not seen any more comes to rest."""

import numpy as np

from commedia.conventions import EXPRESSION_COUNT
from commedia.face_model.fading import faded_params
from commedia.geometry.rotations import wxyz_from_axis_angle
from commedia.structures import FaceParams, HeadPose


def test_fading_ends_neutral_ahead_and_in_place():
    pose = HeadPose(wxyz_from_axis_angle(np.array([0.2, 0.8, 0], np.float32)), np.array([10, 20], np.float32), 300.0)
    face = FaceParams(np.ones(50, np.float32), np.full(EXPRESSION_COUNT, 0.7, np.float32), pose)
    start, middle, end = (faded_params(face, share) for share in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(start.expression, face.expression)
    np.testing.assert_allclose(start.pose.wxyz, pose.wxyz, atol=1e-6)
    np.testing.assert_allclose(middle.expression, 0.35, atol=1e-6)
    assert (end.expression == 0).all()
    np.testing.assert_allclose(end.pose.wxyz, [1, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(end.pose.origin_px, [10, 20])
    assert end.identity is face.identity
