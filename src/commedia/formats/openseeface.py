"""The packets of the OpenSeeFace tracker on UDP port 11573: 1785 bytes for each face, one after another, little endian.

    double time; int32 id; float32 width, height; float32 how open the right and the left eye are; uint8 1;
    float32 error; float32 quaternion x y z w; float32 Euler angles in degrees; float32 translation;
    68 float32 confidences; 68 x (x, y) float32 pixels; 70 x (x, -y, -z) float32; 14 float32 features

The 68 points are iBUG's without the mouth's outer corners (48 and 54), then the right and the left pupil; the 70 have
the centres of both eyeballs after them. OpenSeeFace hands rows as x and columns as y to OpenCV's `solvePnP`, with a
face whose x points to the subject's right, in units of about 0.15 m; what it finds lies behind the camera. Those frames
are here because receivers take them back apart. The features are ours, from blendshapes: theirs are not published.
Source: facetracker.py, tracker.py and Unity/OpenSee.cs of github.com/emilianavt/OpenSeeFace (BSD-2).
"""

import struct
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_INDEX
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import landmark_model
from commedia.face_model.model import HeadModel, head_or_default
from commedia.geometry.cameras import image_from_head
from commedia.geometry.gaze import gaze_yaw_pitch
from commedia.geometry.rotations import canonical_wxyz, matrix_from_wxyz, wxyz_from_matrix
from commedia.structures import FaceParams, HeadPose, TrackedFace

FACE_BYTES = 1785
MOST_FACES = 36
"""In one packet: a datagram holds 65507 bytes."""
UNIT_M = 0.15
NOWHERE_PX, NOWHERE_PX_PER_M = (640, 480), 1000.0
"""The picture that recorded motion never had, and how large a head is in it."""
EYE_SHARE = 0.385
"""How deep the centre of an eyeball lies, of the distance between the corners of the eye."""
_POINTS = [index for index in range(68) if index not in (48, 54)]
_MODEL_FROM_HEAD = np.diag([-1.0, 1.0, 1.0])
_CAMERA_FROM_OURS = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
"""OpenSeeFace's camera (rows, columns, away) from ours (right, up, towards), rows and columns negated: see the top."""


def packet_bytes(
    time_s: float, faces: Sequence[TrackedFace], size_px: tuple[int, int], head: HeadModel | None = None
) -> bytes:
    """Faces, at most `MOST_FACES`, to one packet. Where nobody was filmed, `size_px` is (0, 0)."""
    assert len(faces) <= MOST_FACES
    return b"".join(_face_bytes(time_s, face, size_px, head_or_default(head)) for face in faces)


def _face_bytes(time_s: float, face: TrackedFace, size_px: tuple[int, int], head: HeadModel) -> bytes:
    params = face.params
    size, pose = _placed(params.pose, size_px)
    expression = params.expression.astype(np.float64)
    blinks = [expression[EXPRESSION_INDEX[f"eyeBlink{side}"]] for side in ("Right", "Left")]
    points_m = _points(params, head)
    rotation = _CAMERA_FROM_OURS @ matrix_from_wxyz(canonical_wxyz(pose.wxyz.astype(np.float64))) @ _MODEL_FROM_HEAD
    w, x, y, z = wxyz_from_matrix(rotation.T).tolist()
    model = (points_m - points_m[30]) @ _MODEL_FROM_HEAD / UNIT_M
    parts = [
        struct.pack("<di", time_s, face.id),
        _floats([*size, *(1 - blink for blink in blinks)]),
        struct.pack("<Bf", 1, 0.0),
        _floats([x, y, z, w]),
        _floats(_euler_deg(rotation)),
        _floats(_translation(pose, size, points_m[30])),
        _floats(np.full(68, face.confidence)),
        _floats(image_from_head(points_m[:68], pose)),
        _floats(model * [1.0, -1.0, -1.0]),
        _floats(_features(expression)),
    ]
    return b"".join(parts)


def _placed(pose: HeadPose, size_px: tuple[int, int]) -> tuple[tuple[int, int], HeadPose]:
    """The picture and the head's place in it; of recorded motion a usual picture, and its middle."""
    size = size_px if all(size_px) else NOWHERE_PX
    if all(size_px) and pose.px_per_m > 1:
        return size, pose
    return size, HeadPose(pose.wxyz, np.array(size) / 2.0, NOWHERE_PX_PER_M * size[0] / NOWHERE_PX[0])


def _points(params: FaceParams, head: HeadModel) -> Float[np.ndarray, "70 3"]:
    """The 66 points of the face, both pupils and both centres of the eyeballs, in the head frame in metres."""
    ibug = vertices_from_params(landmark_model(head), params.identity, params.expression).astype(np.float64)
    centres, pupils = [], []
    for outer, inner, (yaw, pitch) in ((36, 39, _gaze(params)[1]), (45, 42, _gaze(params)[0])):
        depth_m = EYE_SHARE * float(np.linalg.norm(ibug[outer] - ibug[inner]))
        centres.append((ibug[outer] + ibug[inner]) / 2 - [0.0, 0.0, depth_m])
        ahead = np.array([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        pupils.append(centres[-1] + depth_m * ahead)
    return np.concatenate([ibug[_POINTS], pupils, centres])


def _gaze(params: FaceParams) -> Float[np.ndarray, "2 2"]:
    return gaze_yaw_pitch(params.expression.astype(np.float64))


def _euler_deg(rotation: Float[np.ndarray, "3 3"]) -> tuple[float, ...]:
    """The angles of Rz Ry Rx, as `cv2.RQDecomp3x3` gives them, up to the two ways of saying each."""
    x = np.arctan2(rotation[2, 1], rotation[2, 2])
    y = np.arctan2(-rotation[2, 0], np.hypot(rotation[2, 1], rotation[2, 2]))
    z = np.arctan2(rotation[1, 0], rotation[0, 0])
    return tuple(np.rad2deg([x, y, z]).tolist())


def _translation(pose: HeadPose, size: tuple[int, int], nose_m: Float[np.ndarray, "3"]) -> list[float]:
    """Where the tip of the nose is, in the units of the face; the camera's focal length is the picture's width."""
    width, height = size
    column, row = image_from_head(nose_m[None], pose)[0]
    away = width / (pose.px_per_m * UNIT_M)
    # With the middle as OpenSeeFace has it: half the width goes with rows.
    return [-away * (row - width / 2) / width, -away * (column - height / 2) / width, -away]


def _features(expression: Float[np.ndarray, "e"]) -> list[float]:
    """Eyes, brows and mouth, -1 to 1; 0 at rest. Up, open and outward are positive."""

    def value(name: str) -> float:
        return float(expression[EXPRESSION_INDEX[name]])

    eyes = [value(f"eyeWide{side}") - value(f"eyeBlink{side}") for side in ("Left", "Right")]
    brows, corners = [], []
    for side in ("Left", "Right"):
        outer, inner, down = value(f"browOuterUp{side}"), value("browInnerUp"), value(f"browDown{side}")
        brows += [outer - inner - down, (outer + inner) / 2 - down, outer]
        corners += [value(f"mouthSmile{side}") - value(f"mouthFrown{side}")]
        corners += [value(f"mouthStretch{side}") + value(f"mouthDimple{side}") - value("mouthPucker")]
    wide = (corners[1] + corners[3]) / 2 + (value("mouthSmileLeft") + value("mouthSmileRight")) / 2
    features = [*eyes, *brows, *corners, value("jawOpen"), wide]
    return [min(max(feature, -1.0), 1.0) for feature in features]


def _floats(values: list | tuple | np.ndarray) -> bytes:
    return np.asarray(values, dtype="<f4").tobytes()
