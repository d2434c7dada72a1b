"""The bones of a face are found under every tool's names, and by what they carry where a name says nothing."""

import pytest
from drawn_rigs import drawn_figure, figure_builder

from commedia.characters.bones import turned_nodes
from commedia.characters.character import Character
from commedia.characters.find_bones import with_bones
from commedia.characters.gltf import character_from_bytes
from commedia.characters.names import bones_by_name
from commedia.errors import CommediaError
from commedia.retarget.inspection import inspect_character
from commedia.retarget.tables import load_mapping

SCHEMES = {
    "plain": ("Hips", "Spine", "Neck", "Head", "LeftEye", "RightEye"),
    "lower case": ("hips", "spine", "neck", "head", "eye.L", "eye.R"),
    "Mixamo": tuple(f"mixamorig:{name}" for name in ("Hips", "Spine", "Neck", "Head", "LeftEye", "RightEye")),
    "Mixamo, numbered": (
        "mixamorig9:Hips_01",
        "mixamorig9:Spine_02",
        "mixamorig9:Neck_03",
        "mixamorig9:Head_04",
        "a",
        "b",
    ),
    "Mixamo without a colon": ("mixamorigHips", "mixamorigSpine", "mixamorigNeck", "mixamorigHead", "a", "b"),
    "MikuMikuDance": ("センター", "上半身", "首", "頭", "左目", "右目"),
    "MikuMikuDance, numbered": ("センター_1", "上半身_2", "首_3", "頭_4", "左目_5", "右目_6"),
    "AdvancedSkeleton": ("Root_M", "Spine1_M", "Neck_M", "Head_M", "Eye_L", "Eye_R"),
    "Blender's bars": tuple(f"Armature|{name}" for name in ("Hips", "Spine", "Neck", "Head", "Eye.L", "Eye.R")),
    "Rigify": ("DEF-spine", "DEF-spine.003", "DEF-spine.004", "DEF-spine.006", "DEF-eye.L", "DEF-eye.R"),
    "Rigify, named": ("DEF-hips", "DEF-spine", "DEF-neck", "DEF-head", "DEF-eye.L", "DEF-eye.R"),
    "Auto-Rig Pro": ("root.x", "spine_01.x", "neck.x", "head.x", "c_eye.l", "c_eye.r"),
    "Character Creator": (
        "CC_Base_Hip",
        "CC_Base_Waist",
        "CC_Base_NeckTwist01",
        "CC_Base_Head",
        "CC_Base_L_Eye",
        "CC_Base_R_Eye",
    ),
    "DAZ Genesis 8": ("hip", "abdomenLower", "neckLower", "head", "lEye", "rEye"),
    "DAZ Genesis 9": ("hip", "spine1", "neck1", "head", "l_eye", "r_eye"),
    "Unreal": ("pelvis", "spine_01", "neck_01", "head", "FACIAL_L_Eye", "FACIAL_R_Eye"),
    "VRoid": ("J_Bip_C_Hips", "J_Bip_C_Spine", "J_Bip_C_Neck", "J_Bip_C_Head", "J_Adj_L_FaceEye", "J_Adj_R_FaceEye"),
    "3ds Max Biped": ("Bip001 Pelvis", "Bip001 Spine", "Bip001 Neck", "Bip001 Head", "Bip001 LEye", "Bip001 REye"),
    "Source": (
        "ValveBiped.Bip01_Pelvis",
        "ValveBiped.Bip01_Spine",
        "ValveBiped.Bip01_Neck1",
        "ValveBiped.Bip01_Head1",
        "a",
        "b",
    ),
    "Second Life": ("mPelvis", "mTorso", "mNeck", "mHead", "mEyeLeft", "mEyeRight"),
    "Maya joints": ("hips_JNT", "spine_JNT", "neck_JNT", "head_JNT", "l_eye_JNT", "r_eye_JNT"),
    "a character's name": ("Alice_Hips", "Alice_Spine", "Alice_Neck", "Alice_Head", "Alice_EyeLeft", "Alice_EyeRight"),
    "German": ("Hüfte", "Wirbel", "Hals", "Kopf", "Auge_L", "Auge_R"),
    "French": ("bassin", "dos", "cou", "tête", "oeil_l", "oeil_r"),
}


def found(character: Character) -> dict[str, str | None]:
    bones = character.rig.bones
    nodes = {part: getattr(bones, part) for part in ("neck", "head", "left_eye", "right_eye")}
    return {part: None if node is None else character.nodes[node].name for part, node in nodes.items()}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_tool_s_names(scheme: str) -> None:
    names = SCHEMES[scheme]
    character = drawn_figure(names)
    eyes = (None, None) if names[4] == "a" else names[4:]
    assert tuple(found(character).values()) == (names[2], names[3], *eyes)
    assert len(turned_nodes(character)) == 2 + sum(eye is not None for eye in eyes)
    assert character.notes == ()


@pytest.mark.parametrize(
    "name",
    [
        "HeadTop_End",
        "head_end",
        "Head_ctrl",
        "HeadNub",
        "頭先",
        "head_ik",
        "Headphones",
        "forehead",
        "Head_Hair",
        "NeckTie",
    ],
)
def test_what_is_no_head(name: str) -> None:
    assert bones_by_name([name]) == {}


@pytest.mark.parametrize("control", ["head", "Head_M", "頭"])
def test_a_control_that_carries_nothing_is_no_head(control: str) -> None:
    names = ("DEF-hips", "DEF-spine", "DEF-neck", "DEF-skullcap", "DEF-eye.L", "DEF-eye.R")
    character = drawn_figure(names, more=[control])
    assert found(character)["head"] == "DEF-skullcap"
    (note,) = character.notes
    assert f"the bone '{control}' carries no face; 'DEF-skullcap' was taken for the head, which carries 100%" in note


@pytest.mark.parametrize(
    "names", [("a", "b", "c", "d"), ("Bone", "Bone.001", "Bone.002", "Bone.003"), ("x1", "x2", "x3", "x4")]
)
def test_a_nameless_bone_that_carries_the_face_is_the_head_and_that_is_said(names: tuple[str, ...]) -> None:
    character = drawn_figure(names, eyes=False)
    assert found(character)["head"] == names[3]
    assert character.notes == (
        f"no bone is called a head; '{names[3]}' was taken for it, which carries 100% of what the morphs move",
    )


def test_where_no_bone_carries_the_face_alone_all_turns_and_that_is_said() -> None:
    character = drawn_figure(("a", "b", "c", "d"), carrier=0, eyes=False)
    assert character.rig.bones.head is None
    assert [character.nodes[node].name for node in turned_nodes(character)] == ["Armature"]
    (note,) = character.notes
    assert "so all of it turns at its root; found 'Armature', 'a', 'b', 'c', 'd'" in note


def test_a_table_of_ones_own_settles_it(tmp_path) -> None:
    (tmp_path / "my.toml").write_text('[bones]\nhead = "c"\nneck = "b"\n')
    table = load_mapping(str(tmp_path / "my.toml"))
    character = with_bones(drawn_figure(("a", "b", "c", "d"), carrier=0, eyes=False), table.bones)
    assert [character.nodes[node].name for node in turned_nodes(character)] == ["b", "c"]
    assert character.notes == ()
    assert inspect_character(drawn_figure(("a", "b", "c", "d"), eyes=False), table).bones["head"] == "c"
    with pytest.raises(CommediaError, match="unknown bone 'hea'; did you mean 'head'"):
        with_bones(drawn_figure(("hips", "spine", "neck", "head"), eyes=False), {"head": "hea"})
    (tmp_path / "my.toml").write_text("[bones]\nhaed = 3\n")
    with pytest.raises(CommediaError, match="line 2: unknown bone 'haed'; did you mean 'head'"):
        load_mapping(str(tmp_path / "my.toml"))


def test_vrm_s_own_table_is_believed() -> None:
    builder = figure_builder(("a", "b", "c", "d"), eyes=False)
    bones = {"head": {"node": 3}, "neck": {"node": 2}}
    builder.tree["extensions"] = {"VRMC_vrm": {"specVersion": "1.0", "humanoid": {"humanBones": bones}}}
    character = character_from_bytes(builder.to_bytes(), "vrm")
    assert (found(character)["neck"], found(character)["head"]) == ("b", "c")
    assert character.notes == ()
