"""Faces for tests of streams: any, and with exactly one thing that they do."""

from collections.abc import Sequence

import numpy as np

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.geometry.rotations import axis_angle_from_wxyz, inverse_wxyz, multiply_wxyz, wxyz_from_yaw_pitch_roll
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace, TrackedFrame

PICTURE_PX = (640, 480)


def face_params(yaw_deg: float = 0, pitch_deg: float = 0, roll_deg: float = 0, **weights: float) -> FaceParams:
    """A face in the middle of a picture, by what it does."""
    expression = np.zeros(EXPRESSION_COUNT, np.float32)
    for name, weight in weights.items():
        expression[EXPRESSION_INDEX[name]] = weight
    wxyz = wxyz_from_yaw_pitch_roll(np.deg2rad(np.array([yaw_deg, pitch_deg, roll_deg], np.float32)))
    pose = HeadPose(wxyz.astype(np.float32), np.array([320, 240], np.float32), 900.0)
    return FaceParams(np.zeros(IDENTITY_COUNT, np.float32), expression, pose)


def any_params(rng: np.random.Generator) -> FaceParams:
    """Everything at once, within what people do."""
    yaw, pitch, roll = rng.uniform(-60, 60, 3)
    params = face_params(yaw, pitch, roll)
    params.expression[:] = rng.uniform(0, 1, EXPRESSION_COUNT)
    return params


def tracked(params: FaceParams, person: int = 1, status: str = "tracked") -> TrackedFace:
    """The same as a tracker gives it."""
    return TrackedFace(person, status, Box(250.0, 170.0, 390.0, 330.0), params, np.zeros((68, 2)), 0.9)


def frame_of(time_s: object, faces: Sequence[TrackedFace], index: int = 0) -> TrackedFrame:
    """Everyone at one time."""
    return TrackedFrame(index, time_s, tuple(faces))


def turn_between_deg(first: np.ndarray, second: np.ndarray) -> float:
    """The angle between two rotations."""
    way = axis_angle_from_wxyz(multiply_wxyz(inverse_wxyz(first.astype(float)), second.astype(float)))
    return float(np.rad2deg(np.linalg.norm(way)))
