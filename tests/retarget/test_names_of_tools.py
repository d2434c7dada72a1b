"""Characters of common tools are played by the names that their tools give: one drawn rig per tool."""

from pathlib import Path

import pytest
from rigs import small_builder

from commedia.characters.gltf import character_from_bytes
from commedia.cli.rig import report
from commedia.conventions import EXPRESSION_INDEX
from commedia.retarget.inspection import inspect_character
from commedia.retarget.mapping import propose_map

TOOLS = {
    "autodesk": (
        "h_expressions.{}",
        {
            "MouthOpen_h": "jawOpen",
            "LeyeClose_h": "eyeBlinkLeft",
            "RsmileClose_h": "mouthSmileRight",
            "Kiss_h": "mouthPucker",
            "RRbrowUp_h": "browOuterUpRight",
            "Ljaw_h": "jawLeft",
        },
    ),
    "reallusion": (
        "{}",
        {
            "Jaw_Open": "jawOpen",
            "Eye_Blink_L": "eyeBlinkLeft",
            "Mouth_Smile_R": "mouthSmileRight",
            "Mouth_Pucker_Up_L": "mouthPucker",
            "Eye_L_Look_L": "eyeLookOutLeft",
            "Eye_R_Look_L": "eyeLookInRight",
            "Brow_Drop_L": "browDownLeft",
        },
    ),
    "daz": (
        "Genesis8_1Female__facs_bs_{}_div2",
        {
            "JawOpen": "jawOpen",
            "EyeBlinkLeft": "eyeBlinkLeft",
            "BrowInnerUpRight": "browInnerUp",
            "TongueOut": "tongueOut",
        },
    ),
    "daz, the older controls": (
        "{}",
        {"eCTRLMouthOpen": "jawOpen", "eCTRLEyesClosedL": "eyeBlinkLeft", "eCTRLMouthSmileSimpleR": "mouthSmileRight"},
    ),
    "unified": (
        "{}",
        {
            "EyeClosedLeft": "eyeBlinkLeft",
            "LipFunnelUpperLeft": "mouthFunnel",
            "MouthCornerPullRight": "mouthSmileRight",
            "LipSuckLower": "mouthRollLower",
            "MouthSadLeft": "mouthFrownLeft",
        },
    ),
    "metahuman": (
        "CTRL_expressions_{}",
        {
            "jawOpen": "jawOpen",
            "eyeBlinkL": "eyeBlinkLeft",
            "mouthCornerPullR": "mouthSmileRight",
            "browRaiseInL": "browInnerUp",
        },
    ),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_names_decide(tool: str) -> None:
    form, expected = TOOLS[tool]
    names = tuple(form.format(name) for name in expected)
    character = character_from_bytes(small_builder(names).to_bytes(), "small")
    found = propose_map(character)
    assert found.mapping == tool.partition(",")[0]
    for name, blendshape in zip(names, expected.values(), strict=True):
        row = found.morph_from_blendshape[character.rig.morph_names.index(name)]
        assert row[EXPRESSION_INDEX[blendshape]] > 0, name


@pytest.mark.parametrize("names", [("morph_001", "morph_002", "morph_003"), ("A", "B", "C"), ("口", "眼1", "x")])
def test_where_names_decide_nothing_a_command_is_named(names: tuple[str, ...]) -> None:
    character = character_from_bytes(small_builder(names).to_bytes(), "small")
    assert "'commedia rig map small -o small.toml' finds by what they move" in report(inspect_character(character))


def test_morphs_that_a_table_leaves_alone_are_known_and_suggested_for_nothing(tmp_path: Path) -> None:
    names = ("jawOpen", "viseme_TH", "viseme_DD", "mouthFunel")
    character = character_from_bytes(small_builder(names).to_bytes(), "small")
    (tmp_path / "mine.toml").write_text('[morphs]\n[ignored]\nnames = ["viseme_th", "DD", "mouthFunel"]\n')
    plain, mine = inspect_character(character, "arkit"), inspect_character(character, str(tmp_path / "mine.toml"))
    assert plain.unknown() == names[1:]
    assert [one.morph for one in plain.suggestions] == ["mouthFunel"]
    assert (mine.ignored, mine.unknown(), mine.suggestions) == (names[1:], (), ())
    assert "'commedia rig map" in report(plain)
    assert "'commedia rig map" not in report(mine)
    assert "left alone: viseme_TH, viseme_DD, mouthFunel" in report(mine)


@pytest.mark.slow
def test_the_avatars_of_the_character_generator_move(shared_data) -> None:
    from rigs import avatar

    character = avatar(shared_data / "characters/valid/AIAN_F_1_Casual.glb")
    still = inspect_character(character).still()
    assert set(still) == {
        "mouthClose",
        "mouthLeft",
        "mouthRight",
        "mouthShrugUpper",
        "mouthPressLeft",
        "mouthPressRight",
    }
