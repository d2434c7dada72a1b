"""What glTF allows and few files do is read as it is meant, and where it cannot be the character says so and plays."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rigs import params, small_builder

from commedia.characters.builder import GlbBuilder
from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes, read_character
from commedia.characters.posing import Poser
from commedia.errors import BadCharacter
from commedia.outputs.files.packing import pack
from commedia.retarget.solve import Retargeter

NAMES = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")


def changed(change: Callable[[GlbBuilder], None], names: tuple[str, ...] = NAMES) -> Character:
    builder = small_builder(names)
    change(builder)
    return character_from_bytes(builder.to_bytes(), "small")


def targets_of(builder: GlbBuilder) -> list[dict]:
    return builder.tree["meshes"][0]["primitives"][0]["targets"]


def unnamed(builder: GlbBuilder) -> None:
    for mesh in builder.tree["meshes"]:
        mesh.pop("extras", None)


def named_accessors(names: tuple[str, ...]) -> Callable[[GlbBuilder], None]:
    def change(builder: GlbBuilder) -> None:
        unnamed(builder)
        for target, name in zip(targets_of(builder), names, strict=True):
            # Accessors of morphs that move nothing are shared.
            builder.tree["accessors"].append({**builder.tree["accessors"][target["POSITION"]], "name": name})
            target["POSITION"] = len(builder.tree["accessors"]) - 1
        for mesh in builder.tree["meshes"]:
            mesh["primitives"][0]["targets"] = targets_of(builder)

    return change


@pytest.mark.parametrize("form", ["{}", "{}_POSITION", "{} POSITIONS", "{}.position"])
def test_names_in_accessors_are_used_and_that_is_said(form: str) -> None:
    character = changed(named_accessors(tuple(form.format(name) for name in NAMES)))
    assert character.rig.morph_names == NAMES
    assert any("its morphs are called as their accessors are" in note for note in character.notes)


def test_names_that_say_nothing_are_not_used_and_that_is_said() -> None:
    character = changed(named_accessors(("accessorPositions",) * 3))
    assert character.rig.morph_names == ("0", "1", "2")
    assert any("calls several morphs alike" in note for note in character.notes)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_list_of_another_length_names_those_that_it_can(count: int) -> None:
    def change(builder: GlbBuilder) -> None:
        for mesh in builder.tree["meshes"]:
            mesh["extras"] = {"targetNames": [*NAMES, "more"][:count]}

    character = changed(change)
    expected = [NAMES[number] if number < count else str(number) for number in range(3)]
    assert list(character.rig.morph_names) == expected
    assert any(f"has {count} names for 3 morphs" in note for note in character.notes)


def test_without_any_names_morphs_are_numbers_and_nothing_is_said() -> None:
    character = changed(unnamed)
    assert (character.rig.morph_names, character.notes) == (("0", "1", "2"), ())


@pytest.mark.parametrize("mesh_weights", [None, [0.5, 0.5, 0.5]])
def test_weights_of_a_node_overrule_those_of_its_mesh(mesh_weights: list[float] | None) -> None:
    def change(builder: GlbBuilder) -> None:
        for mesh in builder.tree["meshes"]:
            mesh |= {} if mesh_weights is None else {"weights": mesh_weights}
        for node in builder.tree["nodes"][4:6]:
            node["weights"] = [0.0, 0.25, 1.0]

    character = changed(change)
    np.testing.assert_allclose(character.rig.rest_weights, [0.0, 0.25, 1.0])
    rest, plain = (dict(Poser(one).at_rest()) for one in (character, changed(lambda builder: None)))
    moved = [np.abs(positions - plain[piece]).max() for piece, positions in rest.items()]
    assert min(moved) > 0.01


def test_nodes_that_disagree_are_said() -> None:
    def change(builder: GlbBuilder) -> None:
        nodes = builder.tree["nodes"]
        nodes[4]["weights"] = [0.0, 1.0, 0.0]
        nodes += [{"name": "again", "mesh": 0, "weights": [1.0, 0.0, 0.0]}]
        nodes[0]["children"] = [*nodes[0]["children"], len(nodes) - 1]

    character = changed(change)
    assert "nodes give the mesh 0 different weights at rest; those of the first count" in character.notes


def test_an_extension_that_is_used_and_not_needed_is_said() -> None:
    character = changed(lambda builder: builder.tree.update(extensionsUsed=["ACME_secret", "KHR_materials_unlit"]))
    assert character.notes == ("the extension ACME_secret is not read",)


def textured(image: dict, texture: dict) -> Callable[[GlbBuilder], None]:
    def change(builder: GlbBuilder) -> None:
        surface = {"baseColorFactor": [0.5, 0.25, 0.125, 1], "baseColorTexture": {"index": 0}}
        builder.tree["images"], builder.tree["textures"] = [image], [texture]
        builder.tree["materials"] = [{"name": "skin", "pbrMetallicRoughness": surface}]
        for mesh in builder.tree["meshes"]:
            mesh["primitives"][0]["material"] = 0

    return change


def ktx2(builder: GlbBuilder) -> None:
    image = {"bufferView": builder.view(b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(64)), "mimeType": "image/ktx2"}
    textured(image, {"extensions": {"KHR_texture_basisu": {"source": 0}}})(builder)
    builder.tree |= {"extensionsUsed": ["KHR_texture_basisu"], "extensionsRequired": ["KHR_texture_basisu"]}


MISSING: dict[str, tuple[Callable[[GlbBuilder], None], str]] = {
    "a file that is not there": (textured({"uri": "gone.png"}, {"source": 0}), "only files beside the character"),
    "a file outside": (textured({"uri": "../../../etc/passwd"}, {"source": 0}), "only files beside the character"),
    "bytes that are no picture": (textured({"uri": "data:image/png;base64,AAAA"}, {"source": 0}), "cannot be decoded"),
    "KTX2": (ktx2, "KTX2 picture; to see it here convert it with: npx @gltf-transform/cli ktxdecompress"),
    "KTX2 as a plain picture": (
        lambda builder: textured({"bufferView": builder.view(b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(64))}, {"source": 0})(
            builder
        ),
        "image 0 is a KTX2 picture",
    ),
    "no picture": (textured({"uri": "x"}, {}), "has no picture"),
}


@pytest.mark.parametrize("case", MISSING)
def test_one_missing_texture_refuses_no_character(case: str) -> None:
    change, said = MISSING[case]
    character = changed(change)
    assert character.materials[0].image is None
    assert character.materials[0].colour == (0.5, 0.25, 0.125, 1)
    assert any(said in note and "skin" in note for note in character.notes), character.notes
    assert Retargeter(character).pose_from_params(params(jawOpen=1.0)).weights[0] == 1
    pack(character.document)


def test_the_older_way_to_say_a_colour_is_read() -> None:
    def change(builder: GlbBuilder) -> None:
        older = {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [0.1, 0.2, 0.3, 1.0]}}
        builder.tree["materials"] = [{"name": "skin", "extensions": older}]

    assert changed(change).materials[0].colour == (0.1, 0.2, 0.3, 1.0)


def dracoed(data: bytes | None = None) -> bytes:
    """The rig with the positions, joints and weights of its skinned square compressed."""
    draco = pytest.importorskip("DracoPy", reason="Draco needs the extra 'draco'")
    plain = small_builder(NAMES)
    builder = small_builder(NAMES)
    character = character_from_bytes(plain.to_bytes(), "small")
    primitive = character.meshes[0].primitives[0]
    # Kept in order, as morphs are not compressed and follow it.
    packed = draco.encode(
        primitive.positions,
        faces=primitive.triangles.astype(np.uint32),
        preserve_order=True,
        quantization_bits=0,
        generic_attributes={
            "joints": primitive.skinning.joints.astype(np.uint8),
            "weights": primitive.skinning.weights.astype(np.float32),
        },
    )
    decoded = draco.decode(packed)
    widths = {entry["name"]: entry["unique_id"] for entry in decoded.attributes}
    view = builder.view(packed if data is None else data)
    entry = builder.tree["meshes"][0]["primitives"][0]
    ids = {"POSITION": widths[None], "JOINTS_0": widths["joints"], "WEIGHTS_0": widths["weights"]}
    for accessor in (*(entry["attributes"][key] for key in ids), entry["indices"]):
        copy = {key: value for key, value in builder.tree["accessors"][accessor].items() if key != "bufferView"}
        builder.tree["accessors"].append(copy)
    last = len(builder.tree["accessors"])
    entry["attributes"] = {**entry["attributes"], **{key: last - 4 + place for place, key in enumerate(ids)}}
    entry["indices"] = last - 1
    entry["extensions"] = {"KHR_draco_mesh_compression": {"bufferView": view, "attributes": ids}}
    builder.tree |= {
        "extensionsUsed": ["KHR_draco_mesh_compression"],
        "extensionsRequired": ["KHR_draco_mesh_compression"],
    }
    return builder.to_bytes()


def test_a_mesh_that_draco_compressed_is_the_mesh() -> None:
    plain = character_from_bytes(small_builder(NAMES).to_bytes(), "small").meshes[0].primitives[0]
    read = character_from_bytes(dracoed(), "draco").meshes[0].primitives[0]
    np.testing.assert_allclose(read.positions, plain.positions, atol=1e-6)
    np.testing.assert_array_equal(read.morphs, plain.morphs)
    assert {tuple(sorted(map(int, one))) for one in read.triangles} == {
        tuple(sorted(map(int, one))) for one in plain.triangles
    }
    assert read.skinning is not None
    np.testing.assert_array_equal(read.skinning.joints, plain.skinning.joints)


@pytest.mark.parametrize("data", [b"", b"DRACO" + bytes(40), bytes(range(256))])
def test_damaged_draco_is_one_sentence(data: bytes) -> None:
    with pytest.raises(BadCharacter, match="compressed by Draco cannot be read") as refused:
        character_from_bytes(dracoed(data), "draco")
    assert "\n" not in str(refused.value)


def test_without_the_package_draco_names_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dracoed()
    monkeypatch.setitem(__import__("sys").modules, "DracoPy", None)
    with pytest.raises(BadCharacter, match=r"commedia\[draco\]'?, or convert it with: npx @gltf-transform/cli copy"):
        character_from_bytes(data, "draco")


def test_a_missing_picture_of_a_folder_plays(tmp_path: Path) -> None:
    builder = small_builder(NAMES)
    textured({"uri": "gone.png"}, {"source": 0})(builder)
    data = builder.to_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    tree = json.loads(data[20 : 20 + length])
    (tmp_path / "rig.bin").write_bytes(data[28 + length :])
    tree["buffers"][0]["uri"] = "rig.bin"
    (tmp_path / "rig.gltf").write_text(json.dumps(tree))
    character = read_character(tmp_path / "rig.gltf")
    assert any("'gone.png', which is not a file in the character's folder" in note for note in character.notes)
    assert pack(character.document).tree["images"][0]["mimeType"] == "image/png"
