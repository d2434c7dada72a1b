"""A BVH read by a reader that knows only the format gives back how neck, head and eyes turned."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rigs import params
from test_files import fill_disk

from commedia.conventions import EXPRESSION_MIRROR
from commedia.errors import OutputFailed, SinkClosed
from commedia.face_model.model import load_head
from commedia.geometry.rotations import matrix_from_wxyz, mirrored_wxyz
from commedia.outputs.files.bvh import BvhWriter
from commedia.retarget.solve import gaze_from_expression
from commedia.structures import FaceParams, HeadPose

NTSC = Fraction(30000, 1001)


@dataclass
class Joint:
    name: str
    parent: int
    offset: list[float]
    channels: list[str]


def read_bvh(path: Path) -> tuple[list[Joint], float, np.ndarray]:
    """Joints, frame time and channel values, by the words of the file alone."""
    words = path.read_text().split()
    assert words.pop(0) == "HIERARCHY"
    joints: list[Joint] = []
    open_joints = [-1]
    while (word := words.pop(0)) != "MOTION":
        if word in ("ROOT", "JOINT", "End"):
            assert (word == "ROOT") == (not joints)
            joints.append(Joint(words.pop(0), open_joints[-1], [], []))
        elif word == "{":
            open_joints.append(len(joints) - 1)
        elif word == "}":
            open_joints.pop()
        elif word == "OFFSET":
            joints[-1].offset = [float(words.pop(0)) for _ in range(3)]
        else:
            assert word == "CHANNELS"
            joints[-1].channels = [words.pop(1) for _ in range(int(words[0]))]
            words.pop(0)
    assert open_joints == [-1]
    assert words.pop(0) == "Frames:"
    count = int(words.pop(0))
    assert [words.pop(0), words.pop(0)] == ["Frame", "Time:"]
    frame_time = float(words.pop(0))
    return joints, frame_time, np.array(words, dtype=float).reshape(count, -1)


def world_turns(joints: list[Joint], row: np.ndarray) -> dict[str, np.ndarray]:
    """Compose each joint's channels in the order in which the file lists them."""
    turns: list[np.ndarray] = []
    values = iter(row)
    for joint in joints:
        turn = turns[joint.parent] if joint.parent >= 0 else np.eye(3)
        for channel in joint.channels:
            value = next(values)
            if channel.endswith("rotation"):
                cos, sin = np.cos(np.deg2rad(value)), np.sin(np.deg2rad(value))
                about = "XYZ".index(channel[0])
                first, second = (about + 1) % 3, (about + 2) % 3
                step = np.eye(3)
                step[first, first] = step[second, second] = cos
                step[second, first], step[first, second] = sin, -sin
                turn = turn @ step
            else:
                assert value == 0
        turns.append(turn)
    return {joint.name: turn for joint, turn in zip(joints, turns, strict=True)}


def write(path: Path, faces: list[FaceParams], rate: Fraction = NTSC) -> None:
    writer = BvhWriter(path, rate)
    for index, face in enumerate(faces):
        writer.add(index / rate, face)
    writer.close()


def some_faces(count: int = 40) -> list[FaceParams]:
    phase = np.linspace(0, 5, count)
    return [
        params((1.1 * np.sin(p), 0.5 * np.cos(2 * p), 0.4 * np.sin(3 * p)), eyeLookOutLeft=p / 5, eyeLookInRight=p / 9)
        for p in phase
    ]


def test_what_turned_comes_back(tmp_path: Path) -> None:
    faces = some_faces()
    write(tmp_path / "a.bvh", faces)
    joints, frame_time, rows = read_bvh(tmp_path / "a.bvh")
    assert [joint.name for joint in joints] == ["Neck", "Head", "LeftEye", "Site", "RightEye", "Site"]
    assert frame_time == pytest.approx(1001 / 30000, abs=1e-10)
    assert len(rows) == len(faces)
    for face, row in zip(faces, rows, strict=True):
        turns = world_turns(joints, row)
        head = matrix_from_wxyz(face.pose.wxyz)
        np.testing.assert_allclose(turns["Head"], head, atol=1e-6)
        for name, eye in zip(("LeftEye", "RightEye"), gaze_from_expression(face.expression), strict=True):
            np.testing.assert_allclose(turns[name], head @ matrix_from_wxyz(eye), atol=1e-6)
        # The neck takes a part of the way, not all and not none.
        angle = np.arccos((np.trace(turns["Neck"]) - 1) / 2)
        assert angle == pytest.approx(0.4 * np.arccos((np.trace(head) - 1) / 2), abs=1e-6)


def test_signs_are_those_of_the_conventions(tmp_path: Path) -> None:
    """To the subject's left the nose goes towards +x, down towards -y; to the right shoulder the crown goes to -x."""
    turned = [params((0.3, 0, 0)), params((0, 0.3, 0)), params(eyeLookDownRight=1.0), params((0, 0, 0.3))]
    write(tmp_path / "a.bvh", turned)
    joints, _, rows = read_bvh(tmp_path / "a.bvh")
    assert (world_turns(joints, rows[0])["Head"] @ [0, 0, 1])[0] > 0.29
    assert (world_turns(joints, rows[1])["Head"] @ [0, 0, 1])[1] < -0.29
    assert (world_turns(joints, rows[2])["RightEye"] @ [0, 0, 1])[1] < -0.4
    np.testing.assert_allclose(world_turns(joints, rows[2])["LeftEye"], np.eye(3), atol=1e-9)
    assert (world_turns(joints, rows[3])["Head"] @ [0, 1, 0])[0] < -0.29
    # Degrees, the turn of the head divided between neck and head.
    np.testing.assert_allclose(rows[0][[3, 6]].sum(), np.rad2deg(0.3), atol=1e-5)


def test_joints_stand_where_the_default_head_has_them(tmp_path: Path) -> None:
    write(tmp_path / "a.bvh", [params()])
    joints, _, _ = read_bvh(tmp_path / "a.bvh")
    pivots = load_head().pivots
    offsets = {joint.name: np.array(joint.offset) for joint in joints}
    np.testing.assert_allclose(offsets["LeftEye"] - offsets["RightEye"], pivots.left_eye - pivots.right_eye, atol=2e-6)
    # The head's frame: left is +x, the eyes are above and before the pivot of the head.
    assert (offsets["LeftEye"] > [0.02, 0.02, 0.02]).all()


def test_a_neutral_face_is_all_zeros(tmp_path: Path) -> None:
    write(tmp_path / "a.bvh", [params()] * 3)
    assert not read_bvh(tmp_path / "a.bvh")[2].any()
    assert "-0" not in (tmp_path / "a.bvh").read_text().split("MOTION")[1]


def test_a_mirrored_face_gives_a_mirrored_file(tmp_path: Path) -> None:
    faces = some_faces()
    mirrored = [
        FaceParams(
            face.identity,
            face.expression[list(EXPRESSION_MIRROR)],
            HeadPose(mirrored_wxyz(face.pose.wxyz), face.pose.origin_px, face.pose.px_per_m),
        )
        for face in faces
    ]
    write(tmp_path / "a.bvh", faces)
    write(tmp_path / "b.bvh", mirrored)
    (*_, rows), (*_, others) = read_bvh(tmp_path / "a.bvh"), read_bvh(tmp_path / "b.bvh")
    expected = (rows[:, 3:].reshape(-1, 4, 3) * [-1, 1, -1])[:, [0, 1, 3, 2]]
    np.testing.assert_allclose(others[:, 3:].reshape(-1, 4, 3), expected, atol=2e-6)
    assert np.abs(expected).max() > 10


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = BvhWriter(tmp_path / "a.bvh", NTSC)
    writer.add(Fraction(0), params())
    writer.discard()
    with pytest.raises(SinkClosed):
        writer.add(1 / NTSC, params())
    turned = params()
    turned.pose.wxyz[2] = np.nan
    for face in (params(jawOpen=np.inf), turned):
        broken = BvhWriter(tmp_path / "a.bvh", NTSC)
        with pytest.raises(OutputFailed, match="not finite"):
            broken.add(Fraction(0), face)
        broken.discard()
    fill_disk(monkeypatch, room=2000)
    with pytest.raises(OutputFailed, match="No space left"):
        write(tmp_path / "a.bvh", [params()] * 50)
    assert not list(tmp_path.iterdir())


def test_frames_out_of_step_are_a_developer_s_mistake(tmp_path: Path) -> None:
    writer = BvhWriter(tmp_path / "a.bvh", NTSC)
    with pytest.raises(AssertionError, match="is not at"):
        writer.add(Fraction(1, 10), params())
    writer.discard()
