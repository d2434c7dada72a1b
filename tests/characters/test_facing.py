"""However a file's root stands and whoever its sides are named after, left moves on the subject's left."""

import numpy as np
import pytest
from drawn_rigs import MORPHS, NOSE, drawn_figure, figure_builder
from rigs import small_builder

from commedia.characters.character import Character
from commedia.characters.facing import looking
from commedia.characters.gltf import character_from_bytes
from commedia.characters.posing import Poser
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.errors import CommediaError
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.retarget.mapping import map_morphs
from commedia.retarget.tables import load_mapping
from commedia.structures import RigPose

STILL = np.array([1.0, 0, 0, 0])
UP = np.array([0.0, 1, 0])
EXCHANGED = tuple(name.replace("Left", "?").replace("Right", "Left").replace("?", "Right") for name in MORPHS)
ROOTS = {
    "as it should": ({}, "+z"),
    "turned": ({"rotation": [0, 1, 0, 0]}, "-z"),
    "a quarter": ({"rotation": [0, np.sqrt(0.5), 0, np.sqrt(0.5)]}, "+x"),
    "another quarter": ({"rotation": [0, -np.sqrt(0.5), 0, np.sqrt(0.5)]}, "-x"),
    "mirrored at x": ({"scale": [-1, 1, 1]}, "+z"),
    "mirrored at z": ({"scale": [1, 1, -1]}, "-z"),
    "mirrored wholly, turned upright": ({"scale": [-1, -1, -1], "rotation": [0, 0, 1, 0]}, "-z"),
    "a matrix that mirrors": ({"matrix": [-2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]}, "+z"),
}
AXES = {"+z": [0, 0, 1], "-z": [0, 0, -1], "+x": [1, 0, 0], "-x": [-1, 0, 0]}


def moved(character: Character, *, yaw: float = 0.0, pitch: float = 0.0, **blendshapes: float) -> np.ndarray:
    """How a pose moves the vertices."""
    wanted = np.zeros(EXPRESSION_COUNT)
    for name, weight in blendshapes.items():
        wanted[EXPRESSION_INDEX[name]] = weight
    weights = map_morphs(character).weights(wanted)
    poser, turn = Poser(character), wxyz_from_yaw_pitch_roll(np.array([yaw, pitch, 0.0]))
    (rest,) = poser.pose(RigPose(np.zeros(len(weights)), STILL, STILL, STILL))
    (posed,) = poser.pose(RigPose(weights, turn, STILL, STILL))
    return posed.positions - rest.positions


def check(character: Character, axis: str) -> None:
    forward = np.array(AXES[axis], dtype=float)
    left = np.cross(UP, forward)
    places = dict(Poser(character).at_rest()).popitem()[1] @ left
    for side, sign in (("Left", 1), ("Right", -1)):
        blink = np.linalg.norm(moved(character, **{f"eyeBlink{side}": 1.0}), axis=1)
        assert sign * float(blink @ places) > 0, f"eyeBlink{side} moves the other side"
    assert moved(character, yaw=0.4)[NOSE] @ left > 0.01, "a turn to the left turns right"
    assert moved(character, pitch=0.4)[NOSE] @ UP < -0.01, "looking down looks up"


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("names", [MORPHS, EXCHANGED], ids=["subject", "viewer"])
def test_the_subject_s_left_is_on_its_left(root: str, names: tuple[str, ...]) -> None:
    said, axis = ROOTS[root]
    # The mesh is the same; only what its morphs are called differs.
    builder = figure_builder(("Hips", "Spine", "Neck", "Head", "LeftEye", "RightEye"), root=said)
    builder.tree["meshes"][0]["extras"]["targetNames"] = list(names)
    character = character_from_bytes(builder.to_bytes(), "figure")
    check(character, axis)
    mirrored = ("mirror" in root) != (names is EXCHANGED)
    assert character.rig.sides_exchanged == mirrored
    assert [note for note in character.notes if "the sides are exchanged" in note] == [*character.notes]
    assert len(character.notes) == mirrored


def test_without_sides_the_face_says_where_it_looks() -> None:
    for said, axis in ROOTS.values():
        character = drawn_figure(root=said, morphs=("jawOpen", "browInnerUp", "mouthPucker"))
        forward = np.array(AXES[axis], dtype=float)
        assert moved(character, yaw=0.4)[NOSE] @ np.cross(UP, forward) > 0.01


def test_a_table_of_ones_own_settles_it(tmp_path) -> None:
    (tmp_path / "my.toml").write_text('looks = "-z"\n')
    table = load_mapping(str(tmp_path / "my.toml"))
    character = drawn_figure(root={"scale": [-1, 1, 1]})
    assert character.rig.sides_exchanged
    settled = looking(character, table.looks)
    np.testing.assert_allclose(np.abs(settled.rig.character_from_head), [0, 0, 1, 0], atol=1e-9)
    assert not settled.rig.sides_exchanged
    assert settled.notes == ()
    (tmp_path / "my.toml").write_text('looks = "up"\n')
    with pytest.raises(CommediaError, match=r"line 1: looks is 'up'; expected one of \+z, \+x, -z, -x"):
        load_mapping(str(tmp_path / "my.toml"))


def test_where_only_one_look_contradicts_the_names_they_win_and_that_is_said() -> None:
    # A flat square shows by its normals alone where it looks.
    builder = small_builder(("eyeBlinkLeft", "eyeBlinkRight"), bones=False)
    for mesh in builder.tree["meshes"]:
        mesh["extras"] = {"targetNames": ["eyeBlinkRight", "eyeBlinkLeft"]}
    character = character_from_bytes(builder.to_bytes(), "square")
    assert not character.rig.sides_exchanged
    said = "taken to look along -z, as the names of its sides say, though it seems to along +z"
    assert said in character.notes
