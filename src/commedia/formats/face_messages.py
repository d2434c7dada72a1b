"""Faces as messages for programs that hold a connection, such as a page in a browser: float32 numbers, or JSON.

A binary message is float32 in little endian, nothing else: four numbers, then 62 for each person.

    0       version of this layout, 1
    1, 2    whole seconds since the first frame, and the part of a second
    3       how many people follow
    4 + 62n the person's number; status (0 tracked, 1 held, 2 fading); 52 blendshapes in the order of
            `EXPRESSION_NAMES`; head w x y z; yaw and pitch of the left eye and of the right eye, in radians against the
            head

The first message of a connection is JSON and says all this: `greeting`. JSON messages have the same under names.
Frames, signs and sides are those of `conventions.py`. This layout is our own.
"""

import json
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES
from commedia.geometry.gaze import gaze_yaw_pitch
from commedia.structures import TrackedFace

VERSION = 1
STATUSES = ("tracked", "held", "fading")
HEADER_COUNT = 4
PERSON_COUNT = 2 + EXPRESSION_COUNT + 4 + 4


def greeting() -> str:
    """What a connection is told first, as JSON: the layout of what follows."""
    return json.dumps(
        {
            "format": "commedia-faces",
            "version": VERSION,
            "header": ["version", "whole_s", "part_s", "people"],
            "person": ["id", "status", *EXPRESSION_NAMES, *(f"head_{axis}" for axis in "wxyz"),
                       "left_eye_yaw", "left_eye_pitch", "right_eye_yaw", "right_eye_pitch"],
            "statuses": STATUSES,
            "conventions": "subject's left and right; +x subject's left, +y up, +z out of the face; radians",
        }
    )  # fmt: skip


def binary_message(time_s: Fraction, faces: Sequence[TrackedFace]) -> bytes:
    """One moment to float32 numbers."""
    whole = time_s.__floor__()
    rows = [np.array([VERSION, whole, float(time_s - whole), len(faces)]), *(face_row(face) for face in faces)]
    return np.concatenate(rows).astype("<f4").tobytes()


def json_message(time_s: Fraction, faces: Sequence[TrackedFace]) -> str:
    """The same to JSON, with five digits."""
    return json.dumps({"time_s": round(float(time_s), 6), "people": [_tree(face) for face in faces]})


def face_row(face: TrackedFace) -> np.ndarray:
    """One person to `PERSON_COUNT` numbers."""
    expression = face.params.expression.astype(np.float64)
    head = np.array([face.id, STATUSES.index(face.status)])
    return np.concatenate([head, expression, face.params.pose.wxyz, gaze_yaw_pitch(expression).reshape(-1)])


def _tree(face: TrackedFace) -> dict:
    expression = face.params.expression.astype(np.float64)
    left, right = np.round(gaze_yaw_pitch(expression), 5).tolist()
    return {
        "id": face.id,
        "status": face.status,
        "expression": dict(zip(EXPRESSION_NAMES, np.round(expression, 5).tolist(), strict=True)),
        "head_wxyz": np.round(face.params.pose.wxyz.astype(np.float64), 5).tolist(),
        "left_eye": {"yaw": left[0], "pitch": left[1]},
        "right_eye": {"yaw": right[0], "pitch": right[1]},
    }
