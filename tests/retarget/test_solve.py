"""Neutral in is neutral out, blendshapes arrive at their morphs, and gaze goes to bones only where morphs cannot show
it."""

import numpy as np
import pytest
from rigs import params, small_builder, tracked

from commedia.characters.gltf import character_from_bytes
from commedia.conventions import EXPRESSION_MIRROR
from commedia.geometry.gaze import GAZE_PITCH_RAD, GAZE_YAW_RAD, gaze_yaw_pitch
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.retarget.solve import Retargeter

LOOKS = tuple(f"eyeLook{way}Left" for way in ("In", "Out", "Up", "Down"))


def _retargeter(*names: str) -> Retargeter:
    return Retargeter(character_from_bytes(small_builder(names).to_bytes(), "small"))


def test_neutral_in_is_neutral_out() -> None:
    pose = _retargeter("jawOpen", "eyeBlinkLeft").pose(tracked(params()))
    np.testing.assert_array_equal(pose.weights, [0, 0])
    for wxyz in (pose.head_wxyz, pose.left_eye_wxyz, pose.right_eye_wxyz):
        np.testing.assert_array_equal(wxyz, [1, 0, 0, 0])


def test_weights_follow_names_not_order() -> None:
    pose = _retargeter("eyeBlinkRight", "viseme_sil", "jawOpen").pose_from_params(
        params(jawOpen=0.7, eyeBlinkRight=0.2)
    )
    np.testing.assert_allclose(pose.weights, [0.2, 0, 0.7])


def test_what_no_unit_drives_keeps_the_file_s_weight() -> None:
    builder = small_builder(("jawOpen", "freckles"))
    for mesh in builder.tree["meshes"]:
        mesh["weights"] = [0.3, 0.8]
    retargeter = Retargeter(character_from_bytes(builder.to_bytes(), "small"))
    np.testing.assert_allclose(retargeter.pose_from_params(params()).weights, [0, 0.8], atol=1e-7)


def test_weights_stay_in_range() -> None:
    face = params(jawOpen=1.0)
    face.expression[:] *= 1.5
    assert _retargeter("jawOpen").pose_from_params(face).weights[0] == 1


def test_gaze_turns_the_eye_bone_of_a_rig_without_look_morphs() -> None:
    face = params(eyeLookOutLeft=1.0, eyeLookDownLeft=0.5)
    yaw, pitch, _ = yaw_pitch_roll_from_wxyz(_retargeter("jawOpen").pose_from_params(face).left_eye_wxyz)
    np.testing.assert_allclose([yaw, pitch], [GAZE_YAW_RAD, GAZE_PITCH_RAD / 2])


def test_gaze_is_not_shown_twice() -> None:
    pose = _retargeter("jawOpen", *LOOKS).pose_from_params(params(eyeLookOutLeft=1.0))
    np.testing.assert_array_equal(pose.left_eye_wxyz, [1, 0, 0, 0])


def test_a_glance_to_the_left_turns_both_eyes_alike() -> None:
    gaze = gaze_yaw_pitch(params(eyeLookOutLeft=1.0, eyeLookInRight=1.0).expression)
    np.testing.assert_allclose(gaze[:, 0], [GAZE_YAW_RAD, GAZE_YAW_RAD])


@pytest.mark.parametrize("blendshape", ["eyeLookInLeft", "eyeLookOutRight", "eyeLookUpLeft"])
def test_gaze_of_a_mirrored_face_is_mirrored(blendshape: str) -> None:
    expression = params(**{blendshape: 0.7}).expression
    left, right = gaze_yaw_pitch(expression)
    mirrored_left, mirrored_right = gaze_yaw_pitch(expression[list(EXPRESSION_MIRROR)])
    np.testing.assert_allclose(mirrored_left, right * [-1, 1])
    np.testing.assert_allclose(mirrored_right, left * [-1, 1])
