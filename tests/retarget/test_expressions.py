"""A VRM's own expressions stand between blendshapes and morphs: Perfect Sync first, presets where nothing better is
there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rigs import params, small_builder

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.conventions import EXPRESSION_INDEX
from commedia.geometry.gaze import GAZE_PITCH_RAD, GAZE_YAW_RAD
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.retarget.expressions import through_expressions
from commedia.retarget.mapping import map_morphs
from commedia.retarget.solve import Retargeter
from commedia.retarget.table_text import Row, table_text
from commedia.retarget.tables import BadMapping, load_mapping_file

HUMANOID = {"humanBones": {"head": {"node": 2}, "neck": {"node": 1}, "leftEye": {"node": 3}}}


def _character(names: tuple[str, ...], preset: dict | None = None, custom: dict | None = None) -> Character:
    builder = small_builder(names)
    builder.tree["extensions"] = {"VRMC_vrm": {"expressions": {"preset": preset or {}, "custom": custom or {}}}}
    return character_from_bytes(builder.to_bytes(), "small")


def _binds(index: int, weight: float = 1.0, **more: object) -> dict:
    return {"morphTargetBinds": [{"node": 4, "index": index, "weight": weight}], **more}


def test_perfect_sync_goes_before_names() -> None:
    character = _character(("jawOpen", "mouthA"), custom={"JawOpen": _binds(1, 0.5)})
    assert map_morphs(character).mapping == "Perfect Sync expression"
    np.testing.assert_allclose(Retargeter(character).pose_from_params(params(jawOpen=0.8)).weights, [0, 0.4])


def test_names_go_before_presets() -> None:
    character = _character(("jawOpen", "mouthA"), preset={"aa": _binds(1)})
    assert map_morphs(character).mapping == "arkit"


def test_presets_serve_a_rig_without_units() -> None:
    character = _character(("mouthA", "shut"), preset={"aa": _binds(0, 0.9), "blink": _binds(1)})
    assert map_morphs(character).mapping == "VRM expression"
    face = params(jawOpen=1.0, eyeBlinkLeft=1.0, eyeBlinkRight=1.0)
    np.testing.assert_allclose(Retargeter(character).pose_from_params(face).weights, [0.9, 1])


def test_one_blink_steps_back_behind_two() -> None:
    both = {"blink": _binds(0), "blinkLeft": _binds(1), "blinkRight": _binds(2)}
    weights = Retargeter(_character(("a", "b", "c"), preset=both)).pose_from_params(params(eyeBlinkLeft=1.0)).weights
    np.testing.assert_allclose(weights, [0, 1, 0])


def test_eye_bones_turn_as_far_as_the_file_says() -> None:
    builder = small_builder(("jawOpen",))
    ranges = {"inputMaxValue": np.rad2deg(GAZE_YAW_RAD) / 2, "outputScale": 8}
    look = {"type": "bone", "rangeMapHorizontalOuter": ranges}
    builder.tree["extensions"] = {"VRMC_vrm": {"lookAt": look, "humanoid": HUMANOID}}
    retargeter = Retargeter(character_from_bytes(builder.to_bytes(), "small"))
    pose = retargeter.pose_from_params(params(eyeLookOutLeft=1.0))
    np.testing.assert_allclose(np.rad2deg(yaw_pitch_roll_from_wxyz(pose.left_eye_wxyz)), [8, 0, 0], atol=1e-9)


HALF_YAW_DEG, HALF_PITCH_DEG = np.rad2deg(GAZE_YAW_RAD) / 2, np.rad2deg(GAZE_PITCH_RAD) / 2
RANGES = {
    "HorizontalInner": (1.0, 0.3),
    "HorizontalOuter": (HALF_YAW_DEG, 0.8),
    "VerticalDown": (HALF_PITCH_DEG, 0.6),
    "VerticalUp": (4 * HALF_PITCH_DEG, 1.0),
}
"""At which angle a look is at its end, and how much of its expression that is."""


def _looking_1() -> Character:
    ranges = {f"rangeMap{way}": {"inputMaxValue": at, "outputScale": end} for way, (at, end) in RANGES.items()}
    preset = {f"look{way}": _binds(row) for row, way in enumerate(("Left", "Right", "Down", "Up"))}
    return _vrm("VRMC_vrm", {"lookAt": {"type": "expression", **ranges}, "expressions": {"preset": preset}})


def _looking_0() -> Character:
    ranges = {f"lookAt{way}": {"xRange": at, "yRange": end} for way, (at, end) in RANGES.items()}
    groups = [
        {"name": f"Look{way}", "presetName": f"look{way.lower()}", "binds": [{"mesh": 0, "index": row, "weight": 100}]}
        for row, way in enumerate(("Left", "Right", "Down", "Up"))
    ]
    first_person = {"lookAtTypeName": "BlendShape", **ranges}
    return _vrm("VRM", {"firstPerson": first_person, "blendShapeMaster": {"blendShapeGroups": groups}})


def _vrm(key: str, extension: dict) -> Character:
    builder = small_builder(("a", "b", "c", "d"))
    builder.tree["extensions"] = {key: extension}
    return character_from_bytes(builder.to_bytes(), "small")


GLANCES = (
    ({"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}, [0.8, 0, 0, 0]),
    ({"eyeLookOutLeft": 0.25, "eyeLookInRight": 0.25}, [0.4, 0, 0, 0]),
    ({"eyeLookInLeft": 0.25, "eyeLookOutRight": 0.25}, [0, 0.4, 0, 0]),
    ({"eyeLookDownLeft": 0.25, "eyeLookDownRight": 0.25}, [0, 0, 0.3, 0]),
    ({"eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0}, [0, 0, 0, 0.5]),
    ({"eyeLookOutLeft": 0.25, "eyeLookUpRight": 0.5}, [0.2, 0, 0, 0.125]),
    # Crossed eyes look straight ahead together.
    ({"eyeLookInLeft": 0.9, "eyeLookInRight": 0.9}, [0, 0, 0, 0]),
)


@pytest.mark.parametrize("looking", [_looking_1, _looking_0])
@pytest.mark.parametrize(("blendshapes", "weights"), GLANCES)
def test_look_expressions_show_as_much_of_the_gaze_as_the_file_says(
    looking: Callable[[], Character], blendshapes: dict[str, float], weights: list[float]
) -> None:
    pose = Retargeter(looking()).pose_from_params(params(**blendshapes))
    np.testing.assert_allclose(pose.weights, weights, atol=1e-12)
    # What expressions show, bones do not show again.
    np.testing.assert_array_equal(pose.left_eye_wxyz, [1, 0, 0, 0])


def test_without_ranges_look_expressions_follow_their_units() -> None:
    character = _character(("a", "b"), preset={"lookLeft": _binds(0), "lookRight": _binds(1)})
    weights = Retargeter(character).pose_from_params(params(eyeLookOutLeft=0.5, eyeLookInRight=0.3)).weights
    np.testing.assert_allclose(weights, [0.4, 0])


def test_overrides_and_binaries_reach_the_morphs() -> None:
    preset = {"happy": _binds(0, isBinary=True, overrideMouth="block"), "aa": _binds(1)}
    retargeter = Retargeter(_character(("smiley", "mouthA"), preset=preset))
    face = params(mouthSmileLeft=0.4, mouthSmileRight=0.4, jawOpen=0.7)
    np.testing.assert_allclose(retargeter.pose_from_params(face).weights, [0, 0.7])
    face = params(mouthSmileLeft=0.6, mouthSmileRight=0.6, jawOpen=0.7)
    np.testing.assert_allclose(retargeter.pose_from_params(face).weights, [1, 0])


def _written(path: Path, rows: list[Row], expressions: dict[str, dict[str, float]]) -> str:
    path.write_text(table_text("mine", rows, expressions=expressions), encoding="utf-8")
    return str(path)


def test_a_table_may_name_expressions_and_their_rules_hold(tmp_path: Path) -> None:
    """The preset that blocks mouths has another name's job here, and blocks them still; what is beside it plays on."""
    preset = {"happy": _binds(0, isBinary=True, overrideMouth="block"), "aa": _binds(1, 0.9)}
    character = _character(("smiley", "mouthA", "brow"), preset=preset)
    rows = [Row("smiley", {}), Row("mouthA", {}), Row("brow", {"browInnerUp": 0.5})]
    table = _written(tmp_path / "t.toml", rows, {"Happy": {"browDownLeft": 1.0}, "aa": {"jawOpen": 1.0}})
    retargeter = Retargeter(character, mapping=table)
    face = params(browDownLeft=0.4, jawOpen=0.5, browInnerUp=1.0)
    np.testing.assert_allclose(retargeter.pose_from_params(face).weights, [0, 0.45, 0.5])
    face = params(browDownLeft=0.6, jawOpen=0.5, browInnerUp=1.0)
    np.testing.assert_allclose(retargeter.pose_from_params(face).weights, [1, 0, 0.5])
    assert retargeter.morphs.reasons == ("expression 'happy'", "expression 'aa'", "table mine")
    assert {"browDownLeft", "jawOpen", "browInnerUp"}.isdisjoint(retargeter.morphs.missing)


def test_a_table_with_expressions_is_no_harm_where_there_are_none(tmp_path: Path) -> None:
    character = character_from_bytes(small_builder(("a", "b")).to_bytes(), "plain")
    table = _written(tmp_path / "t.toml", [Row("a", {"jawOpen": 1.0})], {"aa": {"jawOpen": 1.0}})
    np.testing.assert_allclose(
        Retargeter(character, mapping=table).pose_from_params(params(jawOpen=0.5)).weights, [0.5, 0]
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("aa = { jawOpen = 1.0, bias = 0.1 }", "'aa' has a bias or a clamp"),
        ("aa = { jawOpn = 1.0 }", "'aa' names the unknown blendshape 'jawOpn'; did you mean 'jawOpen'"),
        ("aa = {}\nAA = {}", "'AA' is the same as an earlier expression"),
    ],
)
def test_wrong_expressions_of_a_table_are_said(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(f"[expressions]\n{line}\n[morphs]\n")
    with pytest.raises(BadMapping, match=said):
        load_mapping_file(tmp_path / "t.toml")


def _gains(count: int, **of_morph: tuple[int, float]) -> np.ndarray:
    gains = np.zeros((count, 52))
    for blendshape, (row, gain) in of_morph.items():
        gains[row, EXPRESSION_INDEX[blendshape]] = gain
    return gains


def test_shapes_go_through_the_expression_that_moves_just_them() -> None:
    preset = {"aa": _binds(0, 0.5), "blink": _binds(1), "happy": _both_binds((0, 1.0), (2, 1.0))}
    character = _character(("mouth", "shut", "smile", "nose"), preset=preset, custom={"Mouth": _binds(0, 1.0)})
    gains = _gains(4, jawOpen=(0, 0.8), mouthSmileLeft=(2, 1.0), eyeBlinkLeft=(1, 0.5), eyeBlinkRight=(1, 0.5))
    shown, left = through_expressions(character, gains)
    # `aa` shows half an open mouth only; `happy` opens it as well.
    assert shown == {"blink": {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}, "Mouth": {"jawOpen": 0.8}}
    np.testing.assert_array_equal(left, _gains(4, mouthSmileLeft=(2, 1.0)))


def test_two_shapes_that_an_expression_joins_are_one() -> None:
    character = _character(("lid", "lash"), custom={"wink": _both_binds((0, 1.0), (1, 0.5))})
    gains = np.zeros((2, 52))
    gains[:, EXPRESSION_INDEX["eyeBlinkLeft"]] = (0.8, 0.4)
    shown, left = through_expressions(character, gains)
    assert shown == {"wink": {"eyeBlinkLeft": 0.8}}
    assert not left.any()
    gains[:, EXPRESSION_INDEX["eyeBlinkLeft"]] = (0.8, 0.8)
    assert through_expressions(character, gains)[0] == {}


def test_without_vrm_all_stays_with_the_shapes() -> None:
    character = character_from_bytes(small_builder(("a", "b")).to_bytes(), "plain")
    gains = _gains(2, jawOpen=(0, 1.0))
    shown, left = through_expressions(character, gains)
    assert shown == {}
    np.testing.assert_array_equal(left, gains)


def _both_binds(*binds: tuple[int, float]) -> dict:
    return {"morphTargetBinds": [{"node": 4, "index": index, "weight": weight} for index, weight in binds]}
