"""Bones turn by what the pose says, wherever the rig's own axes point, and rest means the file as it was made."""

from dataclasses import replace

import numpy as np
import pytest
from rigs import SQUARE, small_builder

from commedia.characters import posing
from commedia.characters.bones import NECK_SHARE, local_rotations, rest_rotations, turned_nodes
from commedia.characters.character import Character, Skinning
from commedia.characters.gltf import character_from_bytes
from commedia.characters.posing import pose_character
from commedia.geometry.rotations import (
    axis_angle_from_wxyz,
    inverse_wxyz,
    matrix_from_wxyz,
    multiply_wxyz,
    wxyz_from_yaw_pitch_roll,
)
from commedia.structures import RigPose

NAMES = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")
STILL = np.array([1.0, 0, 0, 0])
TURN = wxyz_from_yaw_pitch_roll(np.array([0.4, 0.1, -0.2]))


def _small(*, bones: bool = True, rotation: list[float] | None = None) -> Character:
    builder = small_builder(NAMES, bones=bones)
    if rotation is not None:
        builder.tree["nodes"][0]["rotation"] = rotation
    return character_from_bytes(builder.to_bytes(), "small")


def _world(character: Character, turn: np.ndarray, eye: np.ndarray = STILL) -> dict[int, np.ndarray]:
    local = local_rotations(character, turn[None], eye[None], STILL[None])
    world: dict[int, np.ndarray] = {}
    for index in character.node_order:
        node = character.nodes[index]
        own = local[index][0] if index in local else node.wxyz
        world[index] = own if node.parent < 0 else multiply_wxyz(world[node.parent], own)
    return world


def test_a_neutral_pose_is_the_file_at_rest() -> None:
    character = _small()
    pieces = pose_character(character, RigPose(np.zeros(3), STILL, STILL, STILL))
    # The skin has no bind matrices, so the face sits on the head joint; the teeth have no skin and stay where they are.
    lean = matrix_from_wxyz(rest_rotations(character)[2])
    expected = SQUARE @ lean.T + [0, 1.4, 0] + lean @ [0, 0.1, 0]
    np.testing.assert_allclose(pieces[0].positions, expected, atol=1e-6)
    np.testing.assert_allclose(pieces[1].positions, SQUARE, atol=1e-7)


def test_morphs_add_up() -> None:
    pieces = pose_character(_small(), RigPose(np.array([0.5, 1.0, 0.0]), STILL, STILL, STILL))
    np.testing.assert_allclose(pieces[1].positions[:, 2], [0.005, 0.025, 0.025, 0.005], atol=1e-7)


@pytest.mark.parametrize("rotation", [[0, 0, 0, 1], [0, 1, 0, 0], [0, 0.6, 0, 0.8]])
def test_the_head_turns_in_the_world_whatever_its_axes(rotation: list[float]) -> None:
    character = _small(rotation=rotation)
    facing = character.rig.character_from_head
    turn = multiply_wxyz(multiply_wxyz(facing, TURN), inverse_wxyz(facing))
    rest, world = rest_rotations(character), _world(character, TURN)
    np.testing.assert_allclose(np.abs(multiply_wxyz(turn, rest[2]) @ world[2]), 1, atol=1e-9)
    # The neck takes its share about the same axis.
    neck = axis_angle_from_wxyz(multiply_wxyz(world[1], inverse_wxyz(rest[1])))
    np.testing.assert_allclose(neck, NECK_SHARE * axis_angle_from_wxyz(turn), atol=1e-9)


def test_an_eye_turns_against_the_head() -> None:
    character = _small()
    eye = wxyz_from_yaw_pitch_roll(np.array([0.3, 0.0, 0.0]))
    rest, world = rest_rotations(character), _world(character, TURN, eye)
    expected = multiply_wxyz(multiply_wxyz(TURN, eye), rest[3])
    np.testing.assert_allclose(np.abs(expected @ world[3]), 1, atol=1e-9)


def test_without_a_head_bone_the_root_turns() -> None:
    character = _small(bones=False)
    assert turned_nodes(character) == (0,)
    pieces = pose_character(character, RigPose(np.zeros(3), TURN, STILL, STILL))
    np.testing.assert_allclose(pieces[1].positions, SQUARE @ matrix_from_wxyz(TURN).T, atol=1e-6)


def test_several_roots_get_one_to_turn() -> None:
    builder = small_builder(NAMES, bones=False)
    builder.tree["scenes"][0]["nodes"] = builder.tree["nodes"][0].pop("children")
    character = character_from_bytes(builder.to_bytes(), "small")
    assert [character.nodes[node].name for node in turned_nodes(character)] == ["commedia_root"]


def test_a_skin_goes_where_numpy_takes_it_whatever_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every vertex hangs on both joints, so that no single joint's matrix would do."""
    pytest.importorskip("numba", reason="numba is not installed, so nothing is compiled")
    character = _small()
    (face,) = (mesh for mesh in character.meshes if mesh.name == "face")
    count = len(face.primitives[0].positions)
    share = np.linspace(0.1, 0.9, count, dtype=np.float32)
    skinning = Skinning(np.tile(np.int32([0, 1]), (count, 1)), np.stack([share, 1 - share], axis=1))
    mixed = replace(face.primitives[0], skinning=skinning)
    character = replace(
        character,
        meshes=tuple(replace(m, primitives=(mixed,)) if m.name == "face" else m for m in character.meshes),
    )
    pose = RigPose(np.array([0.5, 0.2, 0.0]), TURN, STILL, STILL)
    compiled = pose_character(character, pose)
    monkeypatch.setattr(posing, "_compiled_skin", lambda: None)
    plain = pose_character(character, pose)
    still = pose_character(character, replace(pose, head_wxyz=STILL))
    for one, other, before in zip(compiled, plain, still, strict=True):
        np.testing.assert_allclose(one.positions, other.positions, atol=1e-6)
        np.testing.assert_allclose(one.normals, other.normals, atol=1e-6)
        if one.name == "face":
            assert np.abs(one.positions - before.positions).max(axis=1).min() > 1e-3
