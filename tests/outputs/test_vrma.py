"""A VRM animation read by the words of its specification gives back what the face did; the validator agrees."""

import json
import struct
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from oracles import needs_validator, validated
from rigs import params, small_builder
from test_atomic import fill_disk

from commedia.characters.builder import GlbBuilder
from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_MIRROR, EXPRESSION_NAMES
from commedia.errors import OutputFailed, SinkClosed
from commedia.geometry.rotations import matrix_from_wxyz, mirrored_wxyz
from commedia.outputs.vrma import VrmaWriter
from commedia.retarget.solve import GAZE_PITCH_RAD, GAZE_YAW_RAD
from commedia.structures import FaceParams, HeadPose

NTSC = Fraction(30000, 1001)
NAMES = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")
REQUIRED = {"hips", "spine", "head"} | {
    side + part
    for side in ("left", "right")
    for part in ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
}
"""The bones without which VRM calls no skeleton humanoid."""


class Animation:
    """A `.vrma` as a player sees it."""

    def __init__(self, path: Path):
        data = path.read_bytes()
        length = struct.unpack_from("<I", data, 12)[0]
        assert struct.unpack_from("<I", data, 8)[0] == len(data)
        self.tree, self._binary = json.loads(data[20 : 20 + length]), data[28 + length :]
        self.extension = self.tree["extensions"]["VRMC_vrm_animation"]
        clip = self.tree["animations"][0]
        self._samplers = {
            (channel["target"]["node"], channel["target"]["path"]): clip["samplers"][channel["sampler"]]
            for channel in clip["channels"]
        }
        self.times = self._floats(clip["samplers"][0]["input"])

    def expression(self, group: str, name: str) -> np.ndarray:
        node = self.extension["expressions"][group][name]["node"]
        places = self._floats(self._samplers[node, "translation"]["output"]).reshape(-1, 3)
        assert not places[:, 1:].any()
        return places[:, 0]

    def names(self, group: str) -> set[str]:
        return set(self.extension["expressions"].get(group, {}))

    def bone(self, name: str) -> np.ndarray:
        """World rotation of a bone: the product of all the local ones from the root down."""
        node = self.extension["humanoid"]["humanBones"][name]["node"]
        parents = {child: up for up, entry in enumerate(self.tree["nodes"]) for child in entry.get("children", [])}
        turn = np.tile(np.eye(3), (len(self.times), 1, 1))
        while True:
            turn = self._turns(node) @ turn
            if node not in parents:
                return turn
            node = parents[node]

    def gaze(self) -> np.ndarray:
        return self._turns(self.extension["lookAt"]["node"])

    def _turns(self, node: int) -> np.ndarray:
        assert "rotation" not in self.tree["nodes"][node], "a T-pose without turns"
        if (node, "rotation") not in self._samplers:
            return np.eye(3)[None]
        xyzw = self._floats(self._samplers[node, "rotation"]["output"]).reshape(-1, 4).astype(float)
        assert ((xyzw[1:] * xyzw[:-1]).sum(axis=1) > 0).all()
        return matrix_from_wxyz(xyzw[:, [3, 0, 1, 2]])

    def _floats(self, accessor: int) -> np.ndarray:
        entry = self.tree["accessors"][accessor]
        view = self.tree["bufferViews"][entry["bufferView"]]
        return np.frombuffer(self._binary, "<f4", view["byteLength"] // 4, view["byteOffset"])


def some_faces(count: int = 540) -> list[FaceParams]:
    phase = np.linspace(0, 9, count)
    return [
        params(
            (0.8 * np.sin(p), 0.3 * np.cos(p), 0.2 * np.sin(2 * p)),
            jawOpen=abs(np.sin(p)),
            mouthSmileLeft=p / 9,
            eyeBlinkRight=1 - p / 9,
            eyeLookOutLeft=p / 18,
            eyeLookInRight=p / 18,
            eyeLookUpLeft=0.2,
            eyeLookUpRight=0.4,
        )
        for p in phase
    ]


def write_only(path: Path, faces: list[FaceParams], character: Character | None = None) -> None:
    writer = VrmaWriter(path, character, NTSC)
    for index, face in enumerate(faces):
        writer.add(index / NTSC, face)
    writer.close()


def write(path: Path, faces: list[FaceParams], character: Character | None = None) -> Animation:
    write_only(path, faces, character)
    return Animation(path)


def units(faces: list[FaceParams], name: str) -> np.ndarray:
    return np.array([face.expression[EXPRESSION_INDEX[name]] for face in faces])


def test_what_the_face_did_comes_back(tmp_path: Path) -> None:
    faces = some_faces()
    read = write(tmp_path / "a.vrma", faces)
    np.testing.assert_array_equal(read.times, np.array([i / NTSC for i in range(len(faces))], np.float32))
    for name in EXPRESSION_NAMES:
        custom = read.expression("custom", name[0].upper() + name[1:])
        np.testing.assert_allclose(custom, units(faces, name), atol=1e-7)
    np.testing.assert_allclose(read.expression("preset", "aa"), units(faces, "jawOpen"), atol=1e-7)
    np.testing.assert_allclose(read.expression("preset", "happy"), units(faces, "mouthSmileLeft") / 2, atol=1e-7)
    np.testing.assert_allclose(read.expression("preset", "blinkRight"), units(faces, "eyeBlinkRight"), atol=1e-7)
    heads = np.stack([matrix_from_wxyz(face.pose.wxyz) for face in faces])
    np.testing.assert_allclose(read.bone("head"), heads, atol=1e-6)
    assert not np.allclose(read.bone("neck"), heads, atol=0.05)
    assert np.abs(read.bone("neck") - np.eye(3)).max() > 0.1
    np.testing.assert_allclose(read.bone("leftHand"), np.tile(np.eye(3), (len(faces), 1, 1)), atol=0)


def test_gaze_is_where_both_eyes_look_on_average(tmp_path: Path) -> None:
    faces = some_faces(30)
    forward = write(tmp_path / "a.vrma", faces).gaze() @ [0, 0, 1]
    yaw = (units(faces, "eyeLookOutLeft") + units(faces, "eyeLookInRight")) / 2 * GAZE_YAW_RAD
    np.testing.assert_allclose(np.arctan2(forward[:, 0], forward[:, 2]), yaw, atol=1e-6)
    # Left is +x; up is +y, which only a pitch of the right sign reaches.
    assert forward[-1, 0] > 0.2
    np.testing.assert_allclose(np.arcsin(forward[:, 1]), 0.3 * GAZE_PITCH_RAD, atol=1e-6)


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


def test_a_neutral_face_does_nothing(tmp_path: Path) -> None:
    read = write(tmp_path / "a.vrma", [params()] * 2)
    for group in ("preset", "custom"):
        for name in read.names(group):
            assert not read.expression(group, name).any()
    for turns in (read.bone("head"), read.gaze()):
        np.testing.assert_array_equal(turns, np.tile(np.eye(3), (2, 1, 1)))


def test_a_mirrored_face_gives_a_mirrored_file(tmp_path: Path) -> None:
    faces = some_faces(20)
    mirrored = [
        FaceParams(
            face.identity,
            face.expression[list(EXPRESSION_MIRROR)],
            HeadPose(mirrored_wxyz(face.pose.wxyz), face.pose.origin_px, face.pose.px_per_m),
        )
        for face in faces
    ]
    one, other = write(tmp_path / "a.vrma", faces), write(tmp_path / "b.vrma", mirrored)
    flip = np.diag([-1, 1, 1])
    np.testing.assert_allclose(other.bone("head"), flip @ one.bone("head") @ flip, atol=1e-6)
    np.testing.assert_allclose(other.gaze(), flip @ one.gaze() @ flip, atol=1e-6)
    np.testing.assert_array_equal(other.expression("preset", "blinkLeft"), one.expression("preset", "blinkRight"))
    assert one.expression("preset", "blinkRight").any()


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
    np.testing.assert_allclose(read.expression("custom", "jawopen"), units(faces, "jawOpen"), atol=1e-7)
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
    monkeypatch.setattr("commedia.outputs.row_spool.ROWS_AT_ONCE", 32)
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
