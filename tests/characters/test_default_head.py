"""The default head as a character is the face model itself: same vertices, same units, and it is symmetric."""

import numpy as np
import pytest
from rigs import params

from commedia.characters.character import Character
from commedia.characters.default_head import default_head_character
from commedia.characters.posing import Poser, pose_character
from commedia.characters.skin import Look, paint_head
from commedia.conventions import EXPRESSION_MIRROR, EXPRESSION_NAMES
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import PARTS, load_head
from commedia.geometry.rotations import matrix_from_wxyz, mirrored_wxyz
from commedia.retarget.solve import Retargeter
from commedia.structures import FaceParams, HeadPose


@pytest.fixture(scope="module")
def mean_head() -> Character:
    return default_head_character()


def _some_face(rng: np.random.Generator) -> FaceParams:
    face = params((0.5, -0.2, 0.1))
    expression = np.where(rng.random(52) < 0.3, rng.random(52), 0.0)
    return FaceParams(face.identity, expression, face.pose)


def _posed_points(character: Character, face: FaceParams) -> np.ndarray:
    pose = Retargeter(character).pose_from_params(face)
    return np.concatenate([piece.positions for piece in pose_character(character, pose)])


def test_it_carries_every_unit_and_part(mean_head: Character) -> None:
    assert mean_head.rig.morph_names == EXPRESSION_NAMES
    assert mean_head.rig.effective.all()
    assert [material.name for material in mean_head.materials[:-1]] == list(PARTS)
    assert Retargeter(mean_head).morphs.missing == ()
    np.testing.assert_array_equal(mean_head.rig.character_from_head, [1, 0, 0, 0])


def test_it_is_small_enough_to_send(mean_head: Character) -> None:
    assert sum(len(buffer) for buffer in mean_head.document.buffers) < 4_000_000


def test_posing_it_is_evaluating_the_model(rng: np.random.Generator) -> None:
    identity = rng.standard_normal(50)
    face = _some_face(rng)
    head = load_head()
    vertices = vertices_from_params(head.model, identity.astype(np.float32), face.expression.astype(np.float32)).astype(
        np.float64
    )
    turned = (vertices - head.pivots.head) @ matrix_from_wxyz(face.pose.wxyz).T + head.pivots.head
    found = _posed_points(default_head_character(identity), face)
    distance = _distance_to_nearest(turned[::7], found)
    assert distance.max() < 2e-6
    assert _distance_to_nearest(found[::7], turned).max() < 2e-6


def test_a_mirrored_face_makes_a_mirrored_head(mean_head: Character, rng: np.random.Generator) -> None:
    face = _some_face(rng)
    pose = face.pose
    mirrored_pose = HeadPose(mirrored_wxyz(pose.wxyz), pose.origin_px, pose.px_per_m)
    mirrored = FaceParams(face.identity, face.expression[list(EXPRESSION_MIRROR)], mirrored_pose)
    points, twin = _posed_points(mean_head, face), _posed_points(mean_head, mirrored)
    assert _distance_to_nearest(points[::7] * [-1, 1, 1], twin).max() < 1e-5


def test_normals_point_outwards_and_have_length_one(mean_head: Character) -> None:
    skin = mean_head.meshes[0].primitives[0]
    np.testing.assert_allclose(np.linalg.norm(skin.normals, axis=1), 1, atol=1e-5)
    nose = skin.positions[:, 2].argmax()
    assert skin.normals[nose, 2] > 0.5


def test_a_pose_that_does_not_change_costs_nothing(mean_head: Character) -> None:
    poser = Poser(mean_head)
    pose = Retargeter(mean_head).pose_from_params(params(jawOpen=0.5))
    first, second = poser.pose(pose), poser.pose(pose)
    assert all(before is after for before, after in zip(first, second, strict=True))


def test_looks_differ_where_they_should() -> None:
    light, dark = paint_head(), paint_head(Look(skin=(96, 64, 48)))
    assert light.shape == (1024, 1024, 3)
    cheek = (slice(460, 500), slice(330, 380))
    assert light[cheek].mean() > dark[cheek].mean() + 60
    # The eyes do not depend on the skin.
    np.testing.assert_array_equal(light[905:935, 745:770], dark[905:935, 745:770])


def _distance_to_nearest(points: np.ndarray, cloud: np.ndarray) -> np.ndarray:
    nearest = [np.sqrt(((cloud - point) ** 2).sum(axis=1).min()) for point in points]
    return np.array(nearest)
