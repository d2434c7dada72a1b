"""Characters are read as they are written, and what is broken or hostile is refused fast, in one sentence."""

import json
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from rigs import SQUARE, avatar, small_builder

from commedia.characters.builder import glb_header
from commedia.characters.gltf import character_from_bytes, read_character
from commedia.errors import BadCharacter

NAMES = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")


def test_a_small_rig_is_read_as_built() -> None:
    character = character_from_bytes(small_builder(NAMES).to_bytes(), "small")
    rig = character.rig
    assert rig.morph_names == NAMES
    assert rig.effective.all()
    assert (rig.bones.neck, rig.bones.head, rig.bones.left_eye, rig.bones.right_eye) == (1, 2, 3, None)
    face = character.meshes[0].primitives[0]
    np.testing.assert_array_equal(face.positions, SQUARE)
    np.testing.assert_array_equal(face.triangles, [[0, 1, 2], [0, 2, 3]])
    np.testing.assert_allclose(face.normals, np.tile([[0, 0, 1]], (4, 1)))
    np.testing.assert_allclose(face.morphs[1][:, 2], [0, 0.02, 0.02, 0])


def test_names_may_stand_on_the_primitive() -> None:
    builder = small_builder(NAMES)
    for mesh in builder.tree["meshes"]:
        mesh["primitives"][0]["extras"] = mesh.pop("extras")
    assert character_from_bytes(builder.to_bytes(), "small").rig.morph_names == NAMES


@pytest.mark.parametrize(("dtype", "top"), [(np.int8, 127), (np.int16, 32767)])
def test_normalised_integers_are_fractions(dtype: type, top: int) -> None:
    builder = small_builder(NAMES)
    builder.tree["extensionsRequired"] = builder.tree["extensionsUsed"] = ["KHR_mesh_quantization"]
    values = np.rint(SQUARE * 10 * top).astype(dtype)
    padded = np.zeros((4, 4), dtype=dtype)
    padded[:, :3] = values
    view = builder.view(padded.tobytes())
    builder.tree["bufferViews"][view]["byteStride"] = padded.itemsize * 4
    kind = {np.int8: 5120, np.int16: 5122}[dtype]
    accessor = {"bufferView": view, "componentType": kind, "count": 4, "type": "VEC3", "normalized": True}
    builder.tree["accessors"].append(accessor)
    for mesh in builder.tree["meshes"]:
        mesh["primitives"][0]["attributes"]["POSITION"] = len(builder.tree["accessors"]) - 1
    character = character_from_bytes(builder.to_bytes(), "small")
    np.testing.assert_allclose(character.meshes[0].primitives[0].positions, SQUARE * 10, atol=1 / top)


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_a_turned_character_knows_where_it_looks(quarter: int) -> None:
    builder = small_builder(NAMES)
    angle = quarter * np.pi / 2
    builder.tree["nodes"][0]["rotation"] = [0, np.sin(angle / 2), 0, np.cos(angle / 2)]
    facing = character_from_bytes(builder.to_bytes(), "small").rig.character_from_head
    np.testing.assert_allclose(np.abs(facing @ [np.cos(angle / 2), 0, np.sin(angle / 2), 0]), 1, atol=1e-9)


def test_side_files_are_read_from_the_folder_only(tmp_path: Path) -> None:
    data = small_builder(NAMES).to_bytes()
    json_length = struct.unpack_from("<I", data, 12)[0]
    tree, binary = json.loads(data[20 : 20 + json_length]), data[28 + json_length :]
    (tmp_path / "in").mkdir()
    for folder in (tmp_path, tmp_path / "in"):
        (folder / "rig.bin").write_bytes(binary)
    tree["buffers"][0]["uri"] = "rig.bin"
    path = tmp_path / "in" / "rig.gltf"
    path.write_text(json.dumps(tree))
    assert read_character(path).rig.morph_names == NAMES
    tree["buffers"][0]["uri"] = "../rig.bin"
    path.write_text(json.dumps(tree))
    with pytest.raises(BadCharacter, match="folder"):
        read_character(path)


def test_the_realistic_avatar_is_read_whole(shared_data: Path) -> None:
    character = avatar(shared_data / "characters/brunette-t.glb")
    assert len(character.rig.morph_names) == 67
    bones = character.rig.bones
    found = [character.nodes[node].name for node in (bones.head, bones.neck, bones.left_eye, bones.right_eye)]
    assert found == ["Head", "Neck", "LeftEye", "RightEye"]
    skin = next(material for material in character.materials if material.name == "Wolf3D_Skin")
    assert skin.image is not None
    assert skin.image.std() > 1


def test_the_compressed_avatar_is_read_whole(shared_data: Path) -> None:
    character = avatar(shared_data / "characters/vroid-meshopt-webp.glb")
    assert len(character.rig.morph_names) == 124
    assert not character.rig.effective[character.rig.morph_names.index("jawOpen")]
    assert character.rig.effective[character.rig.morph_names.index("eyeBlinkLeft")]


def _changed(change) -> bytes:
    builder = small_builder(NAMES)
    change(builder.tree)
    return builder.to_bytes()


def _without_targets(tree: dict) -> None:
    for mesh in tree["meshes"]:
        del mesh["primitives"][0]["targets"], mesh["extras"]


def _huge(tree: dict) -> None:
    tree["accessors"][0] = {"componentType": 5126, "count": 10**9, "type": "VEC3"}


def _beyond(tree: dict) -> None:
    tree["bufferViews"][0]["byteLength"] = 10**6


def _too_many(tree: dict) -> None:
    tree["accessors"][0]["count"] = 10**6


def _cycle(tree: dict) -> None:
    tree["nodes"][3]["children"] = [1]


def _own_child(tree: dict) -> None:
    tree["nodes"][3]["children"] = [3]


def _negative(tree: dict) -> None:
    tree["meshes"][0]["primitives"][0]["attributes"]["POSITION"] = -1


def _needs(extension: str):
    return lambda tree: tree.update(extensionsRequired=[extension], extensionsUsed=[extension])


def _many_targets(tree: dict) -> None:
    primitive = tree["meshes"][0]["primitives"][0]
    tree["accessors"].append({"componentType": 5126, "count": 100_000, "type": "VEC3"})
    last = len(tree["accessors"]) - 1
    primitive["attributes"]["POSITION"] = last
    primitive["targets"] = [{"POSITION": last}] * 5000


def _joint(tree: dict) -> None:
    tree["skins"][0]["joints"] = [1]


def _strange_json(tree: dict) -> None:
    tree["meshes"][0]["primitives"] = 7


GOOD = small_builder(NAMES).to_bytes()
HOSTILE = {
    "empty": (b"", "is empty"),
    "text": (b"hello, I am a character", "not a glTF"),
    "header only": (GOOD[:12], "cut off"),
    "half": (GOOD[: len(GOOD) // 2], "cut off"),
    "one byte short": (GOOD[:-1], "cut off"),
    "version 1": (GOOD[:4] + struct.pack("<I", 1) + GOOD[8:], "version 1"),
    "nested": (b"{" + b'"a":[' * 100_000, "not valid glTF"),
    "NaN in JSON": (b'{"scene":NaN}', "NaN"),
    "no morphs": (_changed(_without_targets), "no morph targets"),
    "billion elements": (_changed(_huge), "unpacks to more"),
    "view beyond file": (_changed(_beyond), "beyond its buffer"),
    "accessor beyond view": (_changed(_too_many), "beyond its"),
    "cyclic nodes": (_changed(_cycle), "not a tree"),
    "own child": (_changed(_own_child), "not a tree"),
    "negative index": (_changed(_negative), r"accessors\[-1\]"),
    "meshopt of Khronos": (_changed(_needs("KHR_meshopt_compression")), "npx @gltf-transform/cli"),
    "unknown extension": (_changed(_needs("ACME_secret")), "ACME_secret"),
    "multiplied targets": (_changed(_many_targets), "unpacks to more"),
    "missing joint": (_changed(_joint), "joints"),
    "strange JSON": (_changed(_strange_json), "not valid glTF"),
    "no nodes": (glb_header({"asset": {"version": "2.0"}}, 0), "no morph targets"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_fast(kind: str) -> None:
    data, sentence = HOSTILE[kind]
    start = time.perf_counter()
    with pytest.raises(BadCharacter, match=sentence) as refused:
        character_from_bytes(data, "hostile")
    assert time.perf_counter() - start < 1
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("extension", ["KHR_materials_pbrSpecularGlossiness", "KHR_materials_unlit", "KHR_xmp_json_ld"])
def test_what_only_changes_the_looks_may_be_required(extension: str) -> None:
    needed, plain = (
        character_from_bytes(data, "rig") for data in (_changed(_needs(extension)), small_builder(NAMES).to_bytes())
    )
    assert needed.document.json["extensionsRequired"] == [extension]
    for mesh, expected in zip(needed.meshes, plain.meshes, strict=True):
        np.testing.assert_array_equal(mesh.primitives[0].morphs, expected.primitives[0].morphs)


def test_nan_in_the_data_is_refused() -> None:
    builder = small_builder(NAMES)
    data = bytearray(builder.to_bytes())
    start = data.index(b"BIN\0") + 4
    data[start : start + 4] = struct.pack("<f", np.nan)
    with pytest.raises(BadCharacter, match="not finite"):
        character_from_bytes(bytes(data), "hostile")


def test_missing_and_unreadable_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadCharacter, match="there is no file"):
        read_character(tmp_path / "none.glb")
    with pytest.raises(BadCharacter, match="cannot read"):
        read_character(tmp_path)


def test_random_damage_never_escapes_as_another_error(rng: np.random.Generator) -> None:
    for _ in range(60):
        data = bytearray(GOOD)
        for place in rng.integers(12, len(data), size=3):
            data[place] = rng.integers(256)
        try:
            character_from_bytes(bytes(data), "damaged")
        except BadCharacter:
            continue
