"""A VRM animation read by the words of its specification gives back what the face did."""

import json
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
from rigs import params

from commedia.characters.character import Character
from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_MIRROR, EXPRESSION_NAMES
from commedia.geometry.gaze import GAZE_PITCH_RAD, GAZE_YAW_RAD
from commedia.geometry.rotations import matrix_from_wxyz, mirrored_wxyz
from commedia.outputs.files.vrma import VrmaWriter
from commedia.structures import FaceParams, HeadPose

NTSC = Fraction(30000, 1001)


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


def blendshapes(faces: list[FaceParams], name: str) -> np.ndarray:
    return np.array([face.expression[EXPRESSION_INDEX[name]] for face in faces])


def test_what_the_face_did_comes_back(tmp_path: Path) -> None:
    faces = some_faces()
    read = write(tmp_path / "a.vrma", faces)
    np.testing.assert_array_equal(read.times, np.array([i / NTSC for i in range(len(faces))], np.float32))
    for name in EXPRESSION_NAMES:
        custom = read.expression("custom", name[0].upper() + name[1:])
        np.testing.assert_allclose(custom, blendshapes(faces, name), atol=1e-7)
    np.testing.assert_allclose(read.expression("preset", "aa"), blendshapes(faces, "jawOpen"), atol=1e-7)
    np.testing.assert_allclose(read.expression("preset", "happy"), blendshapes(faces, "mouthSmileLeft") / 2, atol=1e-7)
    np.testing.assert_allclose(read.expression("preset", "blinkRight"), blendshapes(faces, "eyeBlinkRight"), atol=1e-7)
    heads = np.stack([matrix_from_wxyz(face.pose.wxyz) for face in faces])
    np.testing.assert_allclose(read.bone("head"), heads, atol=1e-6)
    assert not np.allclose(read.bone("neck"), heads, atol=0.05)
    assert np.abs(read.bone("neck") - np.eye(3)).max() > 0.1
    np.testing.assert_allclose(read.bone("leftHand"), np.tile(np.eye(3), (len(faces), 1, 1)), atol=0)


def test_gaze_is_where_both_eyes_look_on_average(tmp_path: Path) -> None:
    faces = some_faces(30)
    forward = write(tmp_path / "a.vrma", faces).gaze() @ [0, 0, 1]
    yaw = (blendshapes(faces, "eyeLookOutLeft") + blendshapes(faces, "eyeLookInRight")) / 2 * GAZE_YAW_RAD
    np.testing.assert_allclose(np.arctan2(forward[:, 0], forward[:, 2]), yaw, atol=1e-6)
    # Left is +x; up is +y, which only a pitch of the right sign reaches.
    assert forward[-1, 0] > 0.2
    np.testing.assert_allclose(np.arcsin(forward[:, 1]), 0.3 * GAZE_PITCH_RAD, atol=1e-6)


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
