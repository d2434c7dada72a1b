"""Laws of moved labels: twice mirrored is the identity, and moved labels are the labels of the moved head."""

import numpy as np
import pytest
import torch

from commedia.geometry.cameras import image_from_head
from commedia.geometry.rotations import canonical_wxyz
from commedia.structures import HeadPose
from commedia.training.face_model import FaceModel
from commedia.training.labels import FaceArrays, Placement, arrays_from_faces, placed
from tests.training.drawings import drawn_face


@pytest.fixture
def face(model: FaceModel, rng: np.random.Generator) -> FaceArrays:
    return arrays_from_faces([drawn_face(rng, model.landmarks, np.array([60.0, 80.0]), 70.0)])


def test_mirrored_twice_is_the_identity(face: FaceArrays, model: FaceModel) -> None:
    mirror = Placement(0.0, 1.0, True, np.array([33.0, 0.0]), np.array([33.0, 0.0]))
    twice = placed(placed(face, mirror, model.identity_mirror), mirror, model.identity_mirror)
    for name, before, after in zip(face._fields, face, twice, strict=True):
        np.testing.assert_allclose(after, before, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("roll", [0.0, 0.4, -1.2])
def test_moved_parameters_project_to_the_moved_landmarks(
    mirror: bool, roll: float, model: FaceModel, rng: np.random.Generator
) -> None:
    """The labels after a move describe the same picture as the parameters after the move: roll law and mirror law."""
    sample = drawn_face(rng, model.landmarks, np.array([60.0, 80.0]), 70.0)
    face = arrays_from_faces([sample])
    placement = Placement(roll, 1.3, mirror, np.array([50.0, 50.0]), np.array([64.0, 60.0]))
    moved = placed(face, placement, model.identity_mirror)
    points = model.landmarks(torch.from_numpy(moved.identity), torch.from_numpy(moved.expression))[0].numpy()
    affine = placement.target_from_source
    origin = affine[:, :2] @ sample.pose.origin_px + affine[:, 2]
    pose = HeadPose(canonical_wxyz(moved.wxyz[0]), origin, 1.3 * sample.pose.px_per_m)
    np.testing.assert_allclose(moved.landmarks[0], image_from_head(points, pose), atol=2e-2)


def test_positive_roll_is_anticlockwise_in_the_image() -> None:
    turn = Placement(np.pi / 2, 1.0, False, np.zeros(2), np.zeros(2)).target_from_source
    # What was to the right is now above, and y points down.
    np.testing.assert_allclose(turn[:, :2] @ [1.0, 0.0], [0.0, -1.0], atol=1e-12)


def test_turned_boxes_stay_upright_and_swap_sides_at_a_right_angle(face: FaceArrays, model: FaceModel) -> None:
    box = placed(face, Placement(np.pi / 2, 1.0, False, np.zeros(2), np.zeros(2)), model.identity_mirror).box[0]
    before = face.box[0]
    np.testing.assert_allclose(box[2:] - box[:2], (before[2:] - before[:2])[::-1], rtol=1e-5)


def test_unknown_parts_are_not_trusted(model: FaceModel, rng: np.random.Generator) -> None:
    from dataclasses import replace

    known = drawn_face(rng, model.landmarks, np.array([60.0, 80.0]), 70.0)
    unknown = replace(known, identity=None, expression=None, landmark_kind="teacher")
    gold = replace(unknown, landmark_kind="gold")
    arrays = arrays_from_faces([known, unknown, gold])
    assert arrays.identity_weight.tolist() == [1, 0, 0]
    assert arrays.pose_weight.tolist() == [1, 0, 0]
    assert arrays.landmark_weight.tolist() == [1, 0.25, 1]
    assert arrays.expression_weight.sum(1).tolist() == [52, 0, 0]
    assert arrays_from_faces([]).landmarks.shape == (0, 68, 2)
