"""OpenSeeFace packets against the layout of facetracker.py, and against OpenCV where its receivers rely on OpenCV."""

import struct

import cv2
import numpy as np
import pytest
from faces_to_send import PICTURE_PX, any_params, face_params, tracked

from commedia.formats.openseeface import FACE_BYTES, packet_bytes
from commedia.structures import FaceParams

LAYOUT = [
    ("time", "d", 1), ("id", "i", 1), ("size", "f", 2), ("open", "f", 2), ("success", "B", 1), ("error", "f", 1),
    ("xyzw", "f", 4), ("euler", "f", 3), ("translation", "f", 3), ("confidence", "f", 68), ("points", "f", 136),
    ("points_3d", "f", 210), ("features", "f", 14),
]  # fmt: skip
"""In the order in which facetracker.py packs them."""
HALF = 0.5**0.5


def read(packet: bytes) -> dict[str, np.ndarray]:
    values, place = {}, 0
    for name, kind, count in LAYOUT:
        values[name] = np.array(struct.unpack_from(f"<{count}{kind}", packet, place))
        place += struct.calcsize(f"<{count}{kind}")
    assert place == FACE_BYTES
    return values


def sent(params: FaceParams) -> dict[str, np.ndarray]:
    return read(packet_bytes(12.5, [tracked(params, person=3)], PICTURE_PX))


def test_the_beginning_byte_by_byte() -> None:
    packet = packet_bytes(12.5, [tracked(face_params(eyeBlinkRight=0.75), person=3)], PICTURE_PX)
    assert len(packet) == FACE_BYTES == 1785
    golden = struct.pack("<di", 12.5, 3) + struct.pack("<ffff", 640, 480, 0.25, 1) + b"\x01" + struct.pack("<f", 0)
    assert packet[: len(golden)].hex() == golden.hex()
    # Of somebody who looks ahead, as OpenCV finds it of OpenSeeFace's own face.
    assert read(packet)["xyzw"] == pytest.approx([HALF, HALF, 0, 0], abs=1e-6)
    assert np.abs(read(packet)["euler"]) == pytest.approx([180, 0, 90], abs=1e-4)


def test_faces_follow_each_other() -> None:
    packet = packet_bytes(0.0, [tracked(face_params(), person=1), tracked(face_params(), person=2)], PICTURE_PX)
    assert len(packet) == 2 * FACE_BYTES
    assert [int(read(packet[place:])["id"][0]) for place in (0, FACE_BYTES)] == [1, 2]


def rotation_of(face: dict[str, np.ndarray]) -> np.ndarray:
    """OpenSeeFace's `matrix_to_quaternion` gives the turn back, so its matrix is the transpose."""
    x, y, z, w = face["xyzw"]
    return cv2.Rodrigues(2 * np.arctan2(np.linalg.norm([x, y, z]), w) * np.array([x, y, z])
                         / max(np.linalg.norm([x, y, z]), 1e-12))[0].T  # fmt: skip


@pytest.mark.parametrize("degrees", [(0, 0, 0), (25, 0, 0), (0, 20, 0), (0, 0, 30), (-20, 10, 15)])
def test_pose_and_points_agree_under_opensees_camera(degrees: tuple[float, float, float]) -> None:
    """Project its 3D points with its rotation, translation and camera: they fall on its 2D points, rows first."""
    face = sent(face_params(*degrees, jawOpen=0.4))
    points = face["points_3d"].reshape(70, 3)[:68] * [1, -1, -1]
    camera = np.array([[640, 0, 320], [0, 640, 240], [0, 0, 1.0]])
    turned = cv2.Rodrigues(rotation_of(face))[0]
    projected, _ = cv2.projectPoints(points, turned, face["translation"], camera, np.zeros(4))
    columns_rows = face["points"].reshape(68, 2)
    width_px = np.ptp(columns_rows[:17, 0])
    error_px = np.linalg.norm(projected.reshape(68, 2)[:, ::-1] - columns_rows, axis=1)
    # The camera has perspective and our projection none: a tenth of the face at the ears.
    assert error_px.mean() < 0.06 * width_px
    assert error_px[30] < 1e-2 * width_px


def test_angles_are_those_of_opencv(rng: np.random.Generator) -> None:
    for _ in range(10):
        face = sent(any_params(rng))
        ours, theirs = face["euler"], np.array(cv2.RQDecomp3x3(rotation_of(face))[0])
        other_way = [ours[0] + 180, 180 - ours[1], ours[2] + 180]
        assert min(np.abs((theirs - one + 180) % 360 - 180).max() for one in (ours, other_way)) < 1e-2


def test_pupils_follow_the_gaze_and_sides_are_the_subjects() -> None:
    face = sent(face_params(eyeLookOutLeft=1, eyeLookInRight=1))
    points = face["points_3d"].reshape(70, 3) * [1, -1, -1]
    for pupil, centre in ((66, 68), (67, 69)):
        # To the subject's left, which is -x here.
        assert (points[pupil] - points[centre])[0] < -0.02
    # The right pupil is left in the picture.
    assert face["points"][2 * 66] < face["points"][2 * 67]


def test_features_are_named_by_sides() -> None:
    rest, smile = sent(face_params())["features"], sent(face_params(mouthSmileLeft=1, jawOpen=0.5))["features"]
    assert not rest.any()
    assert smile[8] == 1
    assert smile[10] == 0
    assert smile[12] == 0.5


def test_recorded_motion_stands_in_the_middle_of_a_picture_that_never_was() -> None:
    face = read(packet_bytes(0.0, [tracked(face_params())], (0, 0)))
    assert face["size"].tolist() == [640, 480]
    assert np.isfinite(face["points"]).all()
    assert abs(face["points"].reshape(68, 2)[:, 0].mean() - 320) < 5
