"""The decoder gives what the specification's examples say and what the reference decoder gives on a real file."""

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from oracles import needs_node

from commedia.characters.accessors import Accessors
from commedia.characters.container import open_document
from commedia.characters.meshopt import _group, decode_attributes, decode_view
from commedia.characters.meshopt_indices import decode_indices, decode_triangles


def test_the_group_of_the_specification() -> None:
    data = bytes.fromhex("175ff0bc77a9210034b5")
    values, end = _group(data, 0, 2)
    signed = ((values >> 1) ^ (0 - (values & 1)).astype(np.uint8)).astype(np.int8)
    assert end == len(data)
    assert signed.tolist() == [-1, -4, -3, 26, -91, 0, -6, 6, -4, -4, 5, -5, 1, -1, 0, 0]


def test_attributes_count_up_from_the_baseline() -> None:
    # Channel 0 steps by +1 (zigzag 2, stored raw), the other three stand still; the baseline is the tail.
    raw = b"\x03" + b"\x02" * 16
    data = b"\xa0" + raw + b"\x00" * 3 + bytes(28) + bytes([9, 5, 6, 7])
    decoded = decode_attributes(data, 16, 4)
    np.testing.assert_array_equal(decoded[:, 0], np.arange(10, 26))
    np.testing.assert_array_equal(decoded[:, 1:], np.tile([5, 6, 7], (16, 1)))


def test_an_index_sequence_keeps_two_baselines() -> None:
    # (value << 2 | sign << 1 | baseline): +1 and +100 on two baselines, then +1 on each.
    steps = [(1, 0), (100, 1), (1, 0), (1, 1)]
    coded = b"".join(_varint(step << 2 | baseline) for step, baseline in steps)
    assert decode_indices(b"\xd1" + coded + bytes(4), 4).tolist() == [1, 100, 2, 101]


def test_two_triangles_that_share_an_edge() -> None:
    table = bytes([0x00]) + bytes(15)
    decoded = decode_triangles(b"\xe1" + bytes([0xF0, 0x00]) + table, 6)
    # 0xf0 makes (0, 1, 2); 0x00 takes the newest edge, which is (0, 2), and the next vertex.
    assert decoded.tolist() == [0, 1, 2, 0, 2, 3]


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _varint(value >> 7)


@pytest.mark.parametrize("mode", ["ATTRIBUTES", "TRIANGLES", "INDICES", None])
def test_rubbish_is_refused(mode: str | None, rng: np.random.Generator) -> None:
    for size in (0, 1, 17, 300):
        data = rng.integers(256, size=size, dtype=np.uint8).tobytes()
        with pytest.raises((ValueError, IndexError)):
            decode_view(b"\xa0" + data if mode == "ATTRIBUTES" else data, 48, 4, mode)


@needs_node
def test_a_real_file_decodes_as_the_reference_does(shared_data: Path) -> None:
    path = shared_data / "characters/vroid-meshopt-webp.glb"
    script = Path(__file__).parents[1] / "oracles/decode_meshopt.mjs"
    done = subprocess.run(["node", script, path], capture_output=True, text=True, check=True)
    document = open_document(path)
    accessors = Accessors(document)
    expected = json.loads(done.stdout)
    modes = set()
    # A part of the file, because one core decodes 7 MB a second at best: all kinds are in it.
    for number in [*expected][:120]:
        modes.add(document.json["bufferViews"][int(number)]["extensions"]["EXT_meshopt_compression"]["mode"])
        assert hashlib.sha256(accessors.view_bytes(int(number))).hexdigest() == expected[number]
    assert modes == {"ATTRIBUTES", "TRIANGLES"}
