"""VRM 0 and 1 say the same thing in two spellings, and their laws of ranges and overrides hold."""

from pathlib import Path

import numpy as np
import pytest
from rigs import small_builder

from commedia.characters.character import Bones, Character, Document
from commedia.characters.container import open_document, parse_document
from commedia.characters.gltf import character_from_bytes, character_from_document
from commedia.characters.look_at import LookAt, RangeMap, eye_angles_deg, gaze_weights
from commedia.characters.vrm import Expression, applied, read_vrm
from commedia.errors import BadCharacter

NAMES = ("open", "shutLeft", "shutRight")
LOOK_1 = {
    "type": "bone",
    "rangeMapHorizontalInner": {"inputMaxValue": 50, "outputScale": 5},
    "rangeMapHorizontalOuter": {"inputMaxValue": 60, "outputScale": 12},
    "rangeMapVerticalDown": {"inputMaxValue": 70, "outputScale": 7},
    "rangeMapVerticalUp": {"inputMaxValue": 80, "outputScale": 8},
}
VRM_1 = {
    "specVersion": "1.0",
    "humanoid": {"humanBones": {"head": {"node": 2}, "neck": {"node": 1}, "leftEye": {"node": 3}, "jaw": {"node": 3}}},
    "lookAt": LOOK_1,
    "expressions": {
        "preset": {
            "aa": {"morphTargetBinds": [{"node": 4, "index": 0, "weight": 0.8}]},
            "blinkLeft": {"morphTargetBinds": [{"node": 4, "index": 1, "weight": 1}, {"node": 5, "index": 1}]},
            "happy": {
                "isBinary": True,
                "overrideBlink": "block",
                "overrideMouth": "blend",
                "materialColorBinds": [{"material": 2, "type": "color", "targetValue": [1, 0, 0, 1]}],
                "textureTransformBinds": [{"material": 1, "offset": [0.5, 0]}],
            },
        },
        "custom": {"Wink": {"morphTargetBinds": [{"node": 4, "index": 2}, {"node": 4, "index": 9}, {"node": 77}]}},
    },
}
VRM_0 = {
    "humanoid": {
        "humanBones": [
            *({"bone": "head", "node": 2}, {"bone": "neck", "node": 1}),
            *({"bone": "leftEye", "node": 3}, {"bone": "jaw", "node": 3}),
        ]
    },
    "firstPerson": {
        "lookAtTypeName": "Bone",
        "lookAtHorizontalInner": {"xRange": 50, "yRange": 5},
        "lookAtHorizontalOuter": {"xRange": 60, "yRange": 12},
        "lookAtVerticalDown": {"xRange": 70, "yRange": 7},
        "lookAtVerticalUp": {"xRange": 80, "yRange": 8},
    },
    "blendShapeMaster": {
        "blendShapeGroups": [
            {"name": "A", "presetName": "a", "binds": [{"mesh": 0, "index": 0, "weight": 80}]},
            {
                "name": "Blink_L",
                "presetName": "Blink_L",
                "binds": [{"mesh": 0, "index": 1, "weight": 100}, {"mesh": 1, "index": 1, "weight": 100}],
            },
            {
                "name": "Joy",
                "presetName": "joy",
                "isBinary": True,
                "materialValues": [{"materialName": "face", "propertyName": "_Color", "targetValue": [1, 0, 0, 1]}],
            },
            {"name": "Wink", "presetName": "unknown", "binds": [{"mesh": 0, "index": 2}, {"mesh": -1, "index": 0}]},
        ]
    },
}


def vrm_character(key: str, extension: dict, names: tuple[str, ...] = NAMES) -> Character:
    builder = small_builder(names)
    builder.tree["extensions"] = {key: extension}
    builder.tree["extensionsUsed"] = [key]
    return character_from_bytes(builder.to_bytes(), "small")


def test_version_1_is_read_whole() -> None:
    vrm = read_vrm(vrm_character("VRMC_vrm", VRM_1).document)
    assert vrm is not None
    aa, blink, happy, wink = vrm.expressions
    assert [(one.name, one.preset) for one in vrm.expressions] == [
        *(("aa", True), ("blinkLeft", True), ("happy", True), ("Wink", False))
    ]
    assert [(bind.mesh, bind.target, bind.weight) for bind in aa.morphs] == [(0, 0, 0.8)]
    assert [(bind.mesh, bind.target) for bind in blink.morphs] == [(0, 1), (1, 1)]
    assert [bind.target for bind in wink.morphs] == [2]
    assert (happy.is_binary, happy.override_blink, happy.override_look_at, happy.override_mouth) == (
        *(True, "block", "none", "blend"),
    )
    assert [(bind.material, bind.property, bind.value) for bind in happy.materials] == [
        (2, "color", (1, 0, 0, 1)),
        (1, "textureTransform", (1, 1, 0.5, 0)),
    ]


def test_both_versions_say_the_same() -> None:
    characters = vrm_character("VRMC_vrm", VRM_1), vrm_character("VRM", VRM_0)
    new, old = (read_vrm(character.document) for character in characters)
    assert new is not None
    assert old is not None
    assert (new.version, old.version) == ("1", "0")
    assert old.look_at == new.look_at
    bones = [character.rig.bones for character in characters]
    assert bones == [Bones(head=2, neck=1, left_eye=3, jaw=3)] * 2
    assert [(one.name, one.preset, one.morphs, one.is_binary) for one in old.expressions] == [
        (one.name, one.preset, one.morphs, one.is_binary) for one in new.expressions
    ]
    assert old.expressions[2].materials[0].material == "face"


def test_the_jaw_is_found_among_the_bones() -> None:
    assert vrm_character("VRMC_vrm", VRM_1).rig.bones.jaw == 3


def test_a_plain_file_is_no_vrm() -> None:
    assert read_vrm(parse_document(small_builder(NAMES).to_bytes(), name="small")) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"expressions": 3},
        {"expressions": {"preset": {"aa": {"morphTargetBinds": [{"node": 4, "index": 0, "weight": "much"}]}}}},
        {"expressions": {"preset": {"aa": {"morphTargetBinds": 7}}}},
        {"lookAt": {"rangeMapVerticalUp": {"inputMaxValue": [1]}}},
    ],
)
def test_broken_extensions_are_one_sentence(broken: dict) -> None:
    tree = {"asset": {"version": "2.0"}, "nodes": [{"mesh": 0}] * 5, "meshes": [{"primitives": [{"targets": [{}]}]}]}
    with pytest.raises(BadCharacter) as refused:
        read_vrm(Document({**tree, "extensions": {"VRMC_vrm": broken}}, (), "broken"))
    assert "\n" not in str(refused.value)


def _shown(values: dict[str, float], *expressions: Expression) -> dict[str, float]:
    given = np.array([values.get(one.name, 0.0) for one in expressions])
    return {one.name: float(value) for one, value in zip(expressions, applied(expressions, given), strict=True)}


BLINK, AA = Expression("blink", True), Expression("aa", True)


@pytest.mark.parametrize(("asked", "shown"), [(0.5, 0.0), (0.51, 1.0), (-1.0, 0.0), (7.0, 1.0)])
def test_binary_expressions_are_all_or_nothing(asked: float, shown: float) -> None:
    assert _shown({"happy": asked}, Expression("happy", True, is_binary=True)) == {"happy": shown}


def test_block_stops_and_blend_attenuates() -> None:
    block = Expression("happy", True, override_blink="block")
    assert _shown({"happy": 0.01, "blink": 0.9, "aa": 0.4}, block, BLINK, AA) == {"happy": 0.01, "blink": 0, "aa": 0.4}
    blend = Expression("happy", True, override_blink="blend")
    np.testing.assert_allclose(_shown({"happy": 0.25, "blink": 0.8}, blend, BLINK)["blink"], 0.6)
    assert _shown({"blink": 0.8}, block, BLINK)["blink"] == 0.8


def test_blends_add_up_to_no_less_than_nothing() -> None:
    both = (Expression("happy", True, override_mouth="blend"), Expression("sad", True, override_mouth="blend"))
    np.testing.assert_allclose(_shown({"happy": 0.3, "sad": 0.4, "aa": 1.0}, *both, AA)["aa"], 0.3)
    assert _shown({"happy": 0.8, "sad": 0.9, "aa": 1.0}, *both, AA)["aa"] == 0


def test_an_override_of_its_own_kind_does_not_count() -> None:
    own = Expression("blinkLeft", True, override_blink="block")
    assert _shown({"blinkLeft": 1.0, "blink": 0.5}, own, BLINK) == {"blinkLeft": 1.0, "blink": 0.5}


def test_a_binary_override_works_with_what_it_shows() -> None:
    binary = Expression("happy", True, is_binary=True, override_blink="blend")
    assert _shown({"happy": 0.5, "blink": 0.8}, binary, BLINK)["blink"] == 0.8
    assert _shown({"happy": 0.6, "blink": 0.8}, binary, BLINK)["blink"] == 0


def test_an_overridden_binary_vanishes() -> None:
    blend = Expression("happy", True, override_blink="blend")
    assert _shown({"happy": 0.1, "blink": 1.0}, blend, Expression("blink", True, is_binary=True))["blink"] == 0


def test_gaze_of_a_mirrored_face_is_mirrored() -> None:
    look = LookAt("bone", *(RangeMap(*pair) for pair in ((50.0, 5.0), (60.0, 12.0), (70.0, 7.0), (80.0, 8.0))))
    left = eye_angles_deg(look, 30.0, -40.0, left=True)
    right = eye_angles_deg(look, -30.0, -40.0, left=False)
    np.testing.assert_allclose(left, (6, -4))
    np.testing.assert_allclose(right, (-6, -4))
    assert eye_angles_deg(look, 90.0, 0.0, left=False) == (5, 0)
    assert gaze_weights(look, 30.0, 0.0)["lookLeft"] == gaze_weights(look, -30.0, 0.0)["lookRight"] == 6


def test_the_sample_with_overrides_is_read(shared_data: Path) -> None:
    document = open_document(shared_data / "characters/VRMC_vrm_expressions_isBinary_Overrides.vrm")
    vrm = read_vrm(document)
    assert vrm is not None
    happy, blink = vrm.expressions
    assert (happy.name, happy.is_binary, happy.override_blink) == ("happy", True, "blend")
    assert blink.materials[0].value == (0.125, 0.125, 0, 0.875)
    assert vrm.look_at is not None
    assert vrm.look_at.kind == "expression"
    bones = vars(character_from_document(document, needs_morphs=False).rig.bones)
    assert {"head", "neck"} == {bone for bone, node in bones.items() if node is not None}
    assert _shown({"happy": 0.7, "blink": 1.0}, happy, blink) == {"happy": 1, "blink": 0}
