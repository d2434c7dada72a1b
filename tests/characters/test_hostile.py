"""What asks for more than its bytes are worth is refused before memory is taken; beside `test_gltf.py`, which asks how.

Memory is what Python and numpy allocate while reading; 200 MB is the promise, whatever a file claims.
"""

import json
import os
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from rigs import small_builder

from commedia.characters.builder import GlbBuilder, glb_header
from commedia.characters.gltf import character_from_bytes, read_character
from commedia.errors import BadCharacter

PROMISE_BYTES = 200_000_000
NAMES = ("jawOpen", "eyeBlinkLeft")
ASSET = {"asset": {"version": "2.0"}}


def _json(text: bytes) -> bytes:
    return b'{"asset":{"version":"2.0"},"extras":' + text + b"}"


def _tree(change) -> bytes:
    builder = small_builder(NAMES)
    change(builder.tree)
    return builder.to_bytes()


def _positions(accessor: dict):
    def change(tree: dict) -> None:
        tree["accessors"].append({"componentType": 5126, "type": "VEC3", **accessor})
        for mesh in tree["meshes"]:
            mesh["primitives"][0]["attributes"]["POSITION"] = len(tree["accessors"]) - 1

    return change


def _shared_by_many(tree: dict) -> None:
    tree["accessors"].append({"componentType": 5126, "type": "VEC3", "count": 1_000_000})
    tree["meshes"][0]["primitives"] *= 1000
    tree["meshes"][0]["primitives"][0]["attributes"]["NORMAL"] = len(tree["accessors"]) - 1


def _sparse(tree: dict) -> None:
    sparse = {"count": 10**9, "indices": {"bufferView": 0, "componentType": 5125}, "values": {"bufferView": 0}}
    tree["accessors"][0]["sparse"] = sparse


def _long_stride(tree: dict) -> None:
    for view in tree["bufferViews"]:
        view["byteStride"] = 2**40


def _many_joints(tree: dict) -> None:
    tree["skins"][0] = {"joints": [1] * 100_000}


def _two_parents(tree: dict) -> None:
    tree["nodes"][1]["children"] = [2, 3]


def _ring(tree: dict) -> None:
    tree["nodes"] += [{"children": [7]}, {"children": [6]}]
    tree["scenes"][0]["nodes"] = [0, 6]


CASES = {
    "a billion positions": (_tree(_positions({"count": 10**9})), "unpacks to more"),
    "positions that are not there": (_tree(_positions({"count": 1000})), "no positions"),
    "fifty million positions": (_tree(_positions({"count": 50_000_000})), "unpacks to more"),
    "one accessor for many": (_tree(_shared_by_many), "elements for|unpacks to more"),
    "sparse billion": (_tree(_sparse), "beyond|unpacks"),
    "long stride": (_tree(_long_stride), "stride"),
    "many joints": (_tree(_many_joints), "joints"),
    "two parents": (_tree(_two_parents), "not a tree"),
    "a ring beside the tree": (_tree(_ring), "not a tree"),
    "nested arrays": (_json(b"[" * 50_000 + b"]" * 50_000), "not valid glTF"),
    "nested objects": (_json(b'{"a":' * 50_000 + b"0" + b"}" * 50_000), "not valid glTF"),
    "a million objects": (_json(b"[" + b"{}," * 1_000_000 + b"{}]"), "more parts"),
    "ten million commas": (_json(b"[" + b"0," * 10_000_000 + b"0]"), "more parts"),
    "a number of many digits": (_json(b"9" * 100_000), "not valid glTF"),
    "many nodes": (glb_header({**ASSET, "nodes": [{}] * 50_000}, 0), "nodes"),
    "buffer that lies": (glb_header({**ASSET, "buffers": [{"byteLength": 10**12}]}, 0), "should have"),
}


@pytest.mark.parametrize("kind", CASES)
def test_claims_cost_nothing(kind: str) -> None:
    data, sentence = CASES[kind]
    tracemalloc.start()
    try:
        with pytest.raises(BadCharacter, match=sentence) as refused:
            character_from_bytes(data, "hostile")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < PROMISE_BYTES
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "uri",
    ["/etc/passwd", "../secret.bin", "a/../../secret.bin", "%2e%2e/secret.bin", "file:///etc/passwd", "http://x/y.bin"],
)
def test_no_uri_leaves_the_folder(uri: str, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(64))
    (tmp_path / "in" / "a").mkdir(parents=True)
    path = tmp_path / "in" / "rig.gltf"
    path.write_text(json.dumps({**ASSET, "buffers": [{"byteLength": 4, "uri": uri}]}))
    with pytest.raises(BadCharacter, match=r"folder|beside the character"):
        read_character(path)


def test_no_link_leaves_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(64))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.bin").symlink_to(tmp_path / "secret.bin")
    path = tmp_path / "in" / "rig.gltf"
    path.write_text(json.dumps({**ASSET, "buffers": [{"byteLength": 4, "uri": "link.bin"}]}))
    with pytest.raises(BadCharacter, match="folder"):
        read_character(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.glb")
    with pytest.raises(BadCharacter, match="not a file"):
        read_character(tmp_path / "pipe.glb")


def test_what_is_no_gltf_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "zeros.glb"
    with path.open("wb") as file:
        file.truncate(900_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(BadCharacter, match="not a glTF"):
            read_character(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def _png(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8000, 60_000])
def test_a_picture_bomb_is_not_decoded(side: int) -> None:
    builder: GlbBuilder = small_builder(NAMES)
    view = builder.view(_png(side))
    builder.tree["images"] = [{"bufferView": view, "mimeType": "image/png"}]
    builder.tree["textures"] = [{"source": 0}]
    builder.tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    with pytest.raises(BadCharacter, match=r"pixels|cannot be decoded"):
        character_from_bytes(builder.to_bytes(), "hostile")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("what", ["POSITION", "morph"])
def test_numbers_that_are_none_are_refused(value: float, what: str) -> None:
    builder = small_builder(NAMES)
    bad = builder.accessor(np.full((4, 3), value, dtype=np.float32))
    for mesh in builder.tree["meshes"]:
        primitive = mesh["primitives"][0]
        (primitive["attributes"] if what == "POSITION" else primitive["targets"][0])["POSITION"] = bad
    with pytest.raises(BadCharacter, match="not finite"):
        character_from_bytes(builder.to_bytes(), "hostile")
