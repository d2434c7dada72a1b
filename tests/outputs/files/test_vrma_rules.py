"""A VRM animation keeps the rules of its format and of the avatar it is for, and is whole or not there at all."""

import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from oracles import needs_validator, validated
from rigs import params, small_builder
from test_files import fill_disk
from test_vrma import NTSC, Animation, blendshapes, some_faces, write, write_only

from commedia.characters.builder import GlbBuilder
from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.errors import OutputFailed, SinkClosed
from commedia.outputs.files.vrma import VrmaWriter

NAMES = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")
REQUIRED = {"hips", "spine", "head"} | {
    side + part
    for side in ("left", "right")
    for part in ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
}
"""The bones without which VRM calls no skeleton humanoid."""


def test_the_file_keeps_the_rules_of_the_specification(tmp_path: Path) -> None:
    read = write(tmp_path / "a.vrma", some_faces(3))
    assert read.extension["specVersion"] == "1.0"
    assert read.tree["extensionsUsed"] == ["VRMC_vrm_animation"]
    bones = read.extension["humanoid"]["humanBones"]
    assert REQUIRED <= bones.keys()
    assert not {"leftEye", "rightEye"} & bones.keys()
    assert not {name for name in read.names("preset") if name.startswith("look")}
    assert not read.names("preset") & read.names("custom")
    animated = {channel["target"]["node"] for channel in read.tree["animations"][0]["channels"]}
    translated = {
        channel["target"]["node"]
        for channel in read.tree["animations"][0]["channels"]
        if channel["target"]["path"] == "translation"
    }
    assert not translated & {entry["node"] for entry in bones.values()}
    assert len(animated) == len(read.tree["animations"][0]["channels"])
    # The T-pose: arms to the sides, the subject's left at +x, feet on the ground, a head of a grown-up.
    places = rest_places(read)
    assert places["leftHand"][0] > 0.5
    assert places["rightHand"][0] < -0.5
    assert places["leftHand"][1] == pytest.approx(places["leftUpperArm"][1])
    assert 0 < places["rightFoot"][1] < 0.2
    assert 1.4 < places["head"][1] < 1.7
    _, up, front = read.extension["lookAt"]["offsetFromHeadBone"]
    assert up > 0.02
    assert front > 0.02


def rest_places(read: Animation) -> dict[str, np.ndarray]:
    nodes = read.tree["nodes"]
    places: dict[int, np.ndarray] = {}
    waiting = [(root, np.zeros(3)) for root in read.tree["scenes"][0]["nodes"]]
    while waiting:
        node, base = waiting.pop()
        places[node] = base + nodes[node].get("translation", [0, 0, 0])
        waiting += [(child, places[node]) for child in nodes[node].get("children", [])]
    assert len(places) == len(nodes)
    return {name: places[entry["node"]] for name, entry in read.extension["humanoid"]["humanBones"].items()}


def vrm(expressions: dict[str, dict[str, str]]) -> Character:
    """A small VRM 1: by group, expressions that show one morph each."""
    builder: GlbBuilder = small_builder(NAMES)
    builder.tree["extensionsUsed"] = ["VRMC_vrm"]
    listed = {
        group: {
            name: {"morphTargetBinds": [{"node": 4, "index": NAMES.index(morph), "weight": 1.0}]}
            for name, morph in entries.items()
        }
        for group, entries in expressions.items()
    }
    builder.tree["extensions"] = {"VRMC_vrm": {"specVersion": "1.0", "expressions": listed}}
    return character_from_bytes(builder.to_bytes(), "small")


def test_for_a_vrm_exactly_its_own_expressions_are_written(tmp_path: Path) -> None:
    """An avatar that shows the jaw as `jawopen` must not open it a second time with `aa`."""
    own = {"preset": {"aa": "jawOpen", "blinkLeft": "eyeBlinkLeft"}, "custom": {"jawopen": "jawOpen"}}
    faces = some_faces(9)
    read = write(tmp_path / "a.vrma", faces, vrm(own))
    assert read.names("custom") == {"jawopen"}
    assert read.names("preset") == {"blinkLeft"}
    np.testing.assert_allclose(read.expression("custom", "jawopen"), blendshapes(faces, "jawOpen"), atol=1e-7)
    assert "lookAt" in read.extension


def test_eyes_that_an_expression_turns_are_not_turned_twice(tmp_path: Path) -> None:
    own = {"custom": {"EyeLookOutLeft": "eyeBlinkLeft", "JawOpen": "jawOpen"}}
    read = write(tmp_path / "a.vrma", some_faces(3), vrm(own))
    assert "EyeLookOutLeft" in read.names("custom")
    assert "lookAt" not in read.extension


@needs_validator
def test_the_khronos_validator_finds_no_error(tmp_path: Path) -> None:
    write(tmp_path / "a.vrma", some_faces(40))
    write(tmp_path / "b.vrma", some_faces(1))
    write(tmp_path / "c.vrma", some_faces(3), vrm({"preset": {"aa": "jawOpen"}}))
    for issues in validated(tmp_path / "a.vrma", tmp_path / "b.vrma", tmp_path / "c.vrma"):
        assert issues["numErrors"] == 0, issues["messages"]
        assert issues["numWarnings"] == 0, issues["messages"]


def test_the_sample_of_others_is_built_alike(tmp_path: Path, shared_data: Path) -> None:
    theirs = shared_data / "characters/test.vrma"
    if not theirs.is_file():
        pytest.skip("needs the sample animation")
    other, ours = Animation(theirs), write(tmp_path / "a.vrma", some_faces(2))
    assert ours.extension["specVersion"] == other.extension["specVersion"]
    assert ours.extension.keys() >= other.extension.keys() - {"extensions", "extras"}
    assert ours.extension["humanoid"]["humanBones"].keys() <= other.extension["humanoid"]["humanBones"].keys()
    paths = {
        kind: {
            channel["target"]["path"]
            for channel in read.tree["animations"][0]["channels"]
            if channel["target"]["node"] == kind_node(read, kind)
        }
        for read in (other,)
        for kind in ("happy", "lookAt")
    }
    assert paths == {"happy": {"translation"}, "lookAt": {"rotation"}}
    for kind, expected in paths.items():
        node = kind_node(ours, kind)
        found = {c["target"]["path"] for c in ours.tree["animations"][0]["channels"] if c["target"]["node"] == node}
        assert found == expected


def kind_node(read: Animation, kind: str) -> int:
    if kind == "lookAt":
        return read.extension["lookAt"]["node"]
    return read.extension["expressions"]["preset"][kind]["node"]


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = VrmaWriter(tmp_path / "a.vrma")
    writer.add(Fraction(0), params())
    writer.discard()
    with pytest.raises(SinkClosed):
        writer.add(1 / NTSC, params())
    turned = params()
    turned.pose.wxyz[0] = np.nan
    for face in (params(jawOpen=np.nan), turned):
        broken = VrmaWriter(tmp_path / "a.vrma")
        with pytest.raises(OutputFailed, match="not finite"):
            broken.add(Fraction(0), face)
        broken.discard()
    (tmp_path / "a.vrma").write_bytes(b"old")
    fill_disk(monkeypatch, room=30_000)
    with pytest.raises(OutputFailed, match="No space left"):
        write(tmp_path / "a.vrma", some_faces(50))
    assert [path.name for path in tmp_path.iterdir()] == ["a.vrma"]
    assert (tmp_path / "a.vrma").read_bytes() == b"old"


def test_memory_does_not_grow_with_the_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are read back in blocks; with small blocks a short take shows whether all is held at once."""
    monkeypatch.setattr("commedia.outputs.files.row_spool.ROWS_AT_ONCE", 32)
    face = params(jawOpen=0.5)
    write(tmp_path / "a.vrma", [face])
    peaks = []
    for count in (60, 360):
        tracemalloc.start()
        write_only(tmp_path / "a.vrma", [face] * count)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 300 more rows of 78 numbers would be 94 kB in the narrowest form.
    assert peaks[1] < peaks[0] + 40_000
