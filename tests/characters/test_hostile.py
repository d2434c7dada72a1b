"""What asks for more than its bytes are worth is refused before memory is taken; beside `test_gltf.py`, which asks how.

Memory is what Python and numpy allocate while reading; 200 MB is the promise, whatever a file claims.
"""

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hostile import ASSET, HOSTILE, NAMES, chased_constraints
from rigs import params, small_builder

from commedia.characters.gltf import character_from_bytes, read_character
from commedia.characters.open import open_character
from commedia.characters.posing import pose_character
from commedia.characters.vrm import read_vrm
from commedia.errors import BadCharacter
from commedia.retarget.solve import Retargeter

PROMISE_BYTES = 200_000_000


@pytest.mark.parametrize("kind", HOSTILE)
def test_claims_cost_nothing(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"hostile{HOSTILE[kind].suffix}"
    path.write_bytes(HOSTILE[kind].data())
    tracemalloc.start()
    try:
        with pytest.raises(BadCharacter, match=HOSTILE[kind].says) as refused:
            open_character(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < PROMISE_BYTES
    assert "\n" not in str(refused.value)


def test_constraints_that_chase_each_other_are_not_followed(tmp_path: Path) -> None:
    """Nobody here reads constraints, so the character and its clip are those of a file without them."""
    path = tmp_path / "chased.vrm"
    path.write_bytes(chased_constraints())
    character, plain = open_character(path), character_from_bytes(small_builder(NAMES).to_bytes(), "plain")
    assert read_vrm(character.document) is not None
    face = params((0.4, 0.2, 0.1), jawOpen=0.5)
    for found, expected in zip(
        *(pose_character(one, Retargeter(one).pose_from_params(face)) for one in (character, plain)), strict=True
    ):
        np.testing.assert_array_equal(found.positions, expected.positions)


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
