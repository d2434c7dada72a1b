"""Characters made to hurt who opens them. `test_hostile.py` asks how they are refused, `benchmarks/bench_hostile.py`
how long that takes and how much memory.
"""

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rigs import small_builder

from commedia.characters.builder import glb_header

NAMES = ("jawOpen", "eyeBlinkLeft")
ASSET = {"asset": {"version": "2.0"}}
TRIANGLE = b"v 0 0 0\nv 1 0 0\nv 0 1 0\n"
FOUR_GIB = 0xFFFFFFF0


@dataclass(frozen=True)
class Hostile:
    """One kind of file."""

    suffix: str
    data: Callable[[], bytes]
    says: str
    """What the refusal must match."""


def _json(text: bytes) -> bytes:
    return b'{"asset":{"version":"2.0"},"extras":' + text + b"}"


def _tree(change: Callable[[dict], None]) -> Callable[[], bytes]:
    def data() -> bytes:
        builder = small_builder(NAMES)
        change(builder.tree)
        return builder.to_bytes()

    return data


def _positions(accessor: dict) -> Callable[[], bytes]:
    def change(tree: dict) -> None:
        tree["accessors"].append({"componentType": 5126, "type": "VEC3", **accessor})
        for mesh in tree["meshes"]:
            mesh["primitives"][0]["attributes"]["POSITION"] = len(tree["accessors"]) - 1

    return _tree(change)


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


def _view_beyond(tree: dict) -> None:
    tree["bufferViews"][0]["byteLength"] = 2**31


def _compressed_billion(tree: dict) -> None:
    packed = {"buffer": 0, "byteLength": 64, "byteStride": 12, "count": 10**9, "mode": "ATTRIBUTES"}
    for view in tree["bufferViews"]:
        view["extensions"] = {"EXT_meshopt_compression": packed}


def _many_joints(tree: dict) -> None:
    tree["skins"][0] = {"joints": [1] * 20_000}


def _two_parents(tree: dict) -> None:
    tree["nodes"][1]["children"] = [2, 3]


def _ring_beside(tree: dict) -> None:
    tree["nodes"] += [{"children": [7]}, {"children": [6]}]
    tree["scenes"][0]["nodes"] = [0, 6]


def _ring_below(tree: dict) -> None:
    tree["nodes"][3]["children"] = [1]


def _own_child(tree: dict) -> None:
    tree["nodes"][3]["children"] = [3]


def _chunk_of_four_gib(at: Callable[[bytes], int]) -> Callable[[], bytes]:
    def data() -> bytes:
        whole = bytearray(small_builder(NAMES).to_bytes())
        struct.pack_into("<I", whole, at(bytes(whole)), FOUR_GIB)
        return bytes(whole)

    return data


def _after_json(whole: bytes) -> int:
    return 20 + struct.unpack_from("<I", whole, 12)[0]


def _not_a_number(value: float, what: str) -> Callable[[], bytes]:
    def data() -> bytes:
        builder = small_builder(NAMES)
        bad = builder.accessor(np.full((4, 3), value, dtype=np.float32))
        for mesh in builder.tree["meshes"]:
            primitive = mesh["primitives"][0]
            (primitive["attributes"] if what == "positions" else primitive["targets"][0])["POSITION"] = bad
        return builder.to_bytes()

    return data


def _side_file(uri: str) -> Callable[[], bytes]:
    return lambda: json.dumps({**ASSET, "buffers": [{"byteLength": 4, "uri": uri}]}).encode()


def png(side: int, *, pixels: bool = False, padding: int = 0) -> bytes:
    """A black picture that says how large it is; its pixels are there only on request, and useless bytes too."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    packer = zlib.compressobj(1)
    rows = side if pixels else 1
    packed = b"".join(packer.compress(bytes(side + 1)) for _ in range(rows)) + packer.flush()
    head = chunk(b"IHDR", side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0]))
    junk = chunk(b"juNk", bytes(padding)) if padding else b""
    return b"\x89PNG\r\n\x1a\n" + head + junk + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def textured(picture: Callable[[], bytes]) -> Callable[[], bytes]:
    """A character that wears a picture."""

    def data() -> bytes:
        builder = small_builder(NAMES)
        builder.tree["images"] = [{"bufferView": builder.view(picture()), "mimeType": "image/png"}]
        builder.tree["textures"] = [{"source": 0}]
        builder.tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
        return builder.to_bytes()

    return data


def chased_constraints() -> bytes:
    """A VRM whose neck and head each turn as the other does. Nobody follows constraints here, so it is a character."""
    builder = small_builder(NAMES)
    for node, source in ((1, 2), (2, 1)):
        constraint = {"specVersion": "1.0", "constraint": {"rotation": {"source": source, "weight": 1.0}}}
        builder.tree["nodes"][node]["extensions"] = {"VRMC_node_constraint": constraint}
    bones = {name: {"node": node} for node, name in ((1, "neck"), (2, "head"), (3, "leftEye"))}
    vrm = {"specVersion": "1.0", "humanoid": {"humanBones": bones}}
    builder.tree |= {"extensions": {"VRMC_vrm": vrm}, "extensionsUsed": ["VRMC_vrm", "VRMC_node_constraint"]}
    return builder.to_bytes()


HOSTILE = {
    "a billion positions": Hostile(".glb", _positions({"count": 10**9}), "unpacks to more"),
    "positions that are not there": Hostile(".glb", _positions({"count": 1000}), "no positions"),
    "fifty million positions": Hostile(".glb", _positions({"count": 50_000_000}), "unpacks to more"),
    "one accessor for many": Hostile(".glb", _tree(_shared_by_many), "elements for|unpacks to more"),
    "sparse billion": Hostile(".glb", _tree(_sparse), "beyond|unpacks"),
    "compressed billion": Hostile(".glb", _tree(_compressed_billion), "unpacks to more"),
    "long stride": Hostile(".glb", _tree(_long_stride), "stride"),
    "a view beyond its buffer": Hostile(".glb", _tree(_view_beyond), "beyond"),
    "many joints": Hostile(".glb", _tree(_many_joints), "joints"),
    "two parents": Hostile(".glb", _tree(_two_parents), "not a tree"),
    "a ring beside the tree": Hostile(".glb", _tree(_ring_beside), "not a tree"),
    "a ring in the tree": Hostile(".glb", _tree(_ring_below), "not a tree"),
    "a node in itself": Hostile(".glb", _tree(_own_child), "not a tree"),
    "many nodes": Hostile(".glb", lambda: glb_header({**ASSET, "nodes": [{}] * 50_000}, 0), "nodes"),
    "a buffer that lies": Hostile(
        ".glb", lambda: glb_header({**ASSET, "buffers": [{"byteLength": 10**12}]}, 0), "should have"
    ),
    "a file of 4 GiB, it says": Hostile(".glb", _chunk_of_four_gib(lambda _: 8), "cut off"),
    "a JSON chunk of 4 GiB": Hostile(".glb", _chunk_of_four_gib(lambda _: 12), "cut off inside a chunk"),
    "a binary chunk of 4 GiB": Hostile(".glb", _chunk_of_four_gib(_after_json), "cut off inside a chunk"),
    "nested arrays": Hostile(".gltf", lambda: _json(b"[" * 50_000 + b"]" * 50_000), "not valid glTF"),
    "nested objects": Hostile(".gltf", lambda: _json(b'{"a":' * 50_000 + b"0" + b"}" * 50_000), "not valid glTF"),
    "ten million nested arrays": Hostile(".gltf", lambda: _json(b"[" * 10_000_000), "more parts"),
    "a million objects": Hostile(".gltf", lambda: _json(b"[" + b"{}," * 1_000_000 + b"{}]"), "more parts"),
    "ten million commas": Hostile(".gltf", lambda: _json(b"[" + b"0," * 10_000_000 + b"0]"), "more parts"),
    "a number of many digits": Hostile(".gltf", lambda: _json(b"9" * 100_000), "not valid glTF"),
    "a path to elsewhere": Hostile(".gltf", _side_file("../../../../etc/passwd"), "folder"),
    "an encoded path to elsewhere": Hostile(".gltf", _side_file("%2e%2e/%2e%2e/etc/passwd"), "folder"),
    "a path from the root": Hostile(".gltf", _side_file("/etc/passwd"), "folder"),
    "an address": Hostile(".gltf", _side_file("http://127.0.0.1:9/x.bin"), "beside the character"),
    "positions that are no numbers": Hostile(".glb", _not_a_number(np.nan, "positions"), "not finite"),
    "positions without end": Hostile(".glb", _not_a_number(np.inf, "positions"), "not finite"),
    "shapes that are no numbers": Hostile(".glb", _not_a_number(np.nan, "shapes"), "not finite"),
    "shapes without end": Hostile(".glb", _not_a_number(-np.inf, "shapes"), "not finite"),
    "a picture of 8,000 x 8,000": Hostile(".glb", textured(lambda: png(8000)), "pixels"),
    "a picture of 20,000 x 20,000": Hostile(".vrm", textured(lambda: png(20_000, padding=2_000_000)), "pixels"),
    "a picture of 60,000 x 60,000": Hostile(".glb", textured(lambda: png(60_000)), "pixels|cannot be decoded"),
    "a face of vertex 4,000,000,000": Hostile(".obj", lambda: TRIANGLE + b"f 1 2 4000000000\n", "vertices to make"),
    "a face of vertex -4,000,000,000": Hostile(".obj", lambda: TRIANGLE + b"f 1 2 -4000000000\n", "vertices to make"),
    "a vertex's number of many digits": Hostile(".obj", lambda: TRIANGLE + b"f 1 2 " + b"9" * 100_000, "bytes"),
    "a face of a million corners": Hostile(".obj", lambda: TRIANGLE + b"f" + b" 1 2 3" * 333_333, "bytes|corners"),
    "a hundred thousand faces of one triangle": Hostile(".obj", lambda: TRIANGLE + b"f 1 2 3\n" * 100_000, "carry"),
    "a vertex that is no number": Hostile(".obj", lambda: b"v nan 0 0\n" + TRIANGLE + b"f 1 2 3\n", "finite"),
}
"""Small files, so that what a refusal costs is not the price of reading them."""

LARGE = {
    "zeros": Hostile(".glb", lambda: bytes(900_000_000), "not a glTF"),
    "ninety million empty lines": Hostile(".obj", lambda: TRIANGLE + b"\n" * 90_000_000, "lines"),
    "three million faces of one triangle": Hostile(".obj", lambda: TRIANGLE + b"f 1 2 3\n" * 3_000_000, "carry"),
    "a real picture of 20,000 x 20,000": Hostile(".glb", textured(lambda: png(20_000, pixels=True)), "pixels"),
    "a padded picture of 8,192 x 8,192": Hostile(
        ".glb", textured(lambda: png(8192, pixels=True, padding=2_000_000)), ""
    ),
}
"""Files that take long to make; for the benchmark. Where nothing need be said, the file may be read."""
