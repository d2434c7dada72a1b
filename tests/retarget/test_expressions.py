"""A VRM's own expressions stand between units and morphs: Perfect Sync first, presets where nothing better is there."""

from collections.abc import Callable

import numpy as np
import pytest
from rigs import params, small_builder

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.retarget.gaze import GAZE_PITCH_RAD, GAZE_YAW_RAD
from commedia.retarget.mapping import map_morphs
from commedia.retarget.solve import Retargeter

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
@pytest.mark.parametrize(("units", "weights"), GLANCES)
def test_look_expressions_show_as_much_of_the_gaze_as_the_file_says(
    looking: Callable[[], Character], units: dict[str, float], weights: list[float]
) -> None:
    pose = Retargeter(looking()).pose_from_params(params(**units))
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
