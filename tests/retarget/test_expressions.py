"""A VRM's own expressions stand between units and morphs: Perfect Sync first, presets where nothing better is there."""

import numpy as np
from rigs import params, small_builder

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.retarget.mapping import map_morphs
from commedia.retarget.solve import GAZE_YAW_RAD, Retargeter

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


def test_overrides_and_binaries_reach_the_morphs() -> None:
    preset = {"happy": _binds(0, isBinary=True, overrideMouth="block"), "aa": _binds(1)}
    retargeter = Retargeter(_character(("smiley", "mouthA"), preset=preset))
    face = params(mouthSmileLeft=0.4, mouthSmileRight=0.4, jawOpen=0.7)
    np.testing.assert_allclose(retargeter.pose_from_params(face).weights, [0, 0.7])
    face = params(mouthSmileLeft=0.6, mouthSmileRight=0.6, jawOpen=0.7)
    np.testing.assert_allclose(retargeter.pose_from_params(face).weights, [1, 0])
