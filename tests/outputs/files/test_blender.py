"""Blender opens what commedia writes, with its importers' own settings, and shows the same frame by frame.

Needs Blender as a Python module, in an environment of its own: `make blender`. Slow, and skipped without it.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from oracles import needs_blender, played_in_blender
from rigs import avatar, own_person, params, small_builder

from commedia.characters.character import Character
from commedia.characters.default_head import default_head_character, own_character
from commedia.characters.gltf import character_from_bytes
from commedia.characters.posing import pose_character
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.outputs.files.bvh import BvhWriter
from commedia.outputs.files.gltf_animation import ClipWriter
from commedia.outputs.files.point_cache import PointCacheWriter
from commedia.outputs.files.usd import UsdWriter
from commedia.outputs.files.vrma import VrmaWriter
from commedia.outputs.files.wavefront import write_obj
from commedia.retarget.solve import Retargeter, gaze_from_expression
from commedia.structures import FaceParams, RigPose

pytestmark = [pytest.mark.slow, needs_blender]

NTSC = Fraction(30000, 1001)
COUNT = 24
STEADY = [index / NTSC for index in range(COUNT)]
AT = (0, 1, 9, 22, 23)
"""Frames that are compared: both ends, neighbours, and some in between."""
CHARACTERS = {
    "head": lambda: default_head_character(np.random.default_rng(3).standard_normal(50)),
    "bones": lambda: character_from_bytes(small_builder(("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")).to_bytes(), "a"),
    "own rig": lambda: own_character(own_person()),
}


def faces() -> list[FaceParams]:
    """Every moment differs from every other, in each angle and in blendshapes of either side."""
    return [
        params(
            (0.5 * np.sin(p), 0.2 * np.cos(2 * p) - 0.1, 0.2 * np.sin(3 * p)),
            **{"jawOpen": abs(np.sin(p)), "eyeBlinkLeft": 0.3 + 0.2 * np.sin(p), "eyeLookOutLeft": p / 9},
            **{"mouthSmileRight": p / 6, "eyeLookUpRight": 0.5},
        )
        for p in np.linspace(0, 6, COUNT)
    ]


def poses(character: Character) -> list[RigPose]:
    retargeter = Retargeter(character)
    return [retargeter.pose_from_params(face) for face in faces()]


def write(writer, times: list[Fraction], moments: list) -> None:
    for time_s, moment in zip(times, moments, strict=True):
        writer.add(time_s, moment)
    writer.close()


def assert_vertices(shown: dict, character: Character, pose: RigPose, atol: float = 1e-6) -> None:
    """All meshes, by their names, are the pieces of the posed character in their order."""
    found = np.concatenate([shown["vertices"][name] for name in sorted(shown["vertices"])])
    expected = np.concatenate([piece.positions for piece in pose_character(character, pose)])
    np.testing.assert_allclose(found, expected, atol=atol)


def assert_keys(shown: dict, names: tuple[str, ...], weights: np.ndarray) -> None:
    assert shown["keys"]
    expected = dict(zip(names, weights.tolist(), strict=True))
    for keys in shown["keys"].values():
        assert keys == pytest.approx({name: expected[name] for name in keys}, abs=1e-5)


def assert_turned(shown: dict, name: str, wxyz: np.ndarray) -> None:
    np.testing.assert_allclose(shown["turns"][name], matrix_from_wxyz(wxyz), atol=2e-6)


@pytest.mark.parametrize(("kind", "fps"), [("head", 30), ("bones", 24), ("bones", 60), ("own rig", 30)])
def test_a_glb_plays_in_seconds_whatever_the_scene_s_rate(kind: str, fps: int, tmp_path: Path) -> None:
    """Frame f of a scene of n frames per second is second f / n of the clip; half-way between keys both blend."""
    character = CHARACTERS[kind]()
    times, moving = STEADY, poses(character)
    write(ClipWriter(character, tmp_path / "clip.glb"), times, moving)
    at = [float(times[index] * fps) for index in AT]
    between = float((times[9] + times[10]) / 2 * fps)
    played = played_in_blender("gltf", tmp_path / "clip.glb", [*at, between], tmp_path, fps=fps)
    assert played["span"] == pytest.approx([0, float(times[-1] * fps)], abs=1e-4)
    for index, shown in zip(AT, played["frames"], strict=False):
        for keys in shown["keys"].values():
            assert tuple(keys) == character.rig.morph_names
        assert_keys(shown, character.rig.morph_names, moving[index].weights)
        assert_turned(shown, "Head", moving[index].head_wxyz)
        assert_vertices(shown, character, moving[index])
    assert_keys(played["frames"][-1], character.rig.morph_names, (moving[9].weights + moving[10].weights) / 2)


def test_a_glb_of_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    character = CHARACTERS["bones"]()
    times = [Fraction(1, 2) + Fraction(index * index, 100) for index in range(COUNT)]
    moving = poses(character)
    write(ClipWriter(character, tmp_path / "clip.glb"), times, moving)
    played = played_in_blender(
        "gltf", tmp_path / "clip.glb", [float(times[index] * 25) for index in AT], tmp_path, fps=25
    )
    assert played["span"] == pytest.approx([float(times[0] * 25), float(times[-1] * 25)], abs=1e-4)
    for index, shown in zip(AT, played["frames"], strict=True):
        assert_keys(shown, character.rig.morph_names, moving[index].weights)


def test_an_avatar_plays(shared_data: Path, tmp_path: Path) -> None:
    character = avatar(shared_data / "characters/brunette-t.glb")
    moving = poses(character)
    write(ClipWriter(character, tmp_path / "clip.glb"), [Fraction(index, 30) for index in range(COUNT)], moving)
    played = played_in_blender("gltf", tmp_path / "clip.glb", AT, tmp_path)
    for index, shown in zip(AT, played["frames"], strict=True):
        assert_keys(shown, character.rig.morph_names, moving[index].weights)
        assert_turned(shown, "Head", moving[index].head_wxyz)
        # A mesh with a skin is numbered, because the node that it hung on keeps the name.
        vertices = {name.removesuffix(".001"): places for name, places in shown["vertices"].items()}
        for piece in pose_character(character, moving[index]):
            np.testing.assert_allclose(vertices.pop(piece.name), piece.positions, atol=2e-5)
        assert not vertices


@pytest.mark.parametrize("kind", CHARACTERS)
def test_usd_plays_frame_by_frame(kind: str, tmp_path: Path) -> None:
    """A time code becomes a frame of the scene, which must have the source's rate."""
    character = CHARACTERS[kind]()
    moving = poses(character)
    write(UsdWriter(tmp_path / "a.usd", character, NTSC), STEADY, moving)
    played = played_in_blender("usd", tmp_path / "a.usd", AT, tmp_path, fps=30, fps_base=1.001)
    assert played["scene_span"] == [0, COUNT - 1]
    for index, shown in zip(AT, played["frames"], strict=True):
        assert_keys(shown, character.rig.morph_names, moving[index].weights)
        assert_turned(shown, "Head", moving[index].head_wxyz)
        assert_vertices(shown, character, moving[index])


def test_bvh_turns_head_and_eyes(tmp_path: Path) -> None:
    """Blender counts from 1, and takes the rate from the file when asked to."""
    moving = faces()
    write(BvhWriter(tmp_path / "a.bvh", NTSC), STEADY, moving)
    played = played_in_blender("bvh", tmp_path / "a.bvh", [1 + index for index in AT], tmp_path, fps=24)
    assert played["fps"] == pytest.approx(30000 / 1001, abs=1e-5)
    assert played["span"] == [1, COUNT]
    for index, shown in zip(AT, played["frames"], strict=True):
        head = matrix_from_wxyz(moving[index].pose.wxyz)
        np.testing.assert_allclose(shown["turns"]["Head"], head, atol=2e-6)
        eyes = gaze_from_expression(moving[index].expression)
        for name, eye in zip(("LeftEye", "RightEye"), eyes, strict=True):
            np.testing.assert_allclose(shown["turns"][name], head @ matrix_from_wxyz(eye), atol=2e-6)


@pytest.mark.parametrize("kind", CHARACTERS)
def test_a_point_cache_plays_on_its_obj(kind: str, tmp_path: Path) -> None:
    """Sample n shows in frame n, and the OBJ's vertices keep their order, or nothing would fit."""
    character = CHARACTERS[kind]()
    moving = poses(character)
    write(PointCacheWriter(character, tmp_path / "a.pc2", NTSC), STEADY, moving)
    neutral = Retargeter(character).pose_from_params(params())
    write_obj(tmp_path / "a.obj", pose_character(character, neutral))
    (still,) = played_in_blender("obj", tmp_path / "a.obj", [0], tmp_path)["frames"]
    assert_vertices(still, character, neutral)
    played = played_in_blender("obj and pc2", tmp_path / "a.obj", AT, tmp_path)
    for index, shown in zip(AT, played["frames"], strict=True):
        assert_vertices(shown, character, moving[index])


def test_a_vrm_animation_is_a_gltf_whose_nodes_move(tmp_path: Path) -> None:
    """Blender has no importer for VRM; as plain glTF the file shows what any reader starts from."""
    moving = faces()
    write(VrmaWriter(tmp_path / "a.vrma", rate=Fraction(30)), [Fraction(index, 30) for index in range(COUNT)], moving)
    played = played_in_blender("gltf", tmp_path / "a.vrma", AT, tmp_path)
    assert played["span"] == pytest.approx([0, COUNT - 1], abs=1e-4)
    for index, shown in zip(AT, played["frames"], strict=True):
        assert_turned(shown, "head", moving[index].pose.wxyz)
        open_jaw = abs(np.sin(np.linspace(0, 6, COUNT)[index]))
        np.testing.assert_allclose(shown["places"]["JawOpen"], [open_jaw, 0, 0], atol=1e-5)
