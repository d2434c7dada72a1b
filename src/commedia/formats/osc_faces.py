"""Faces as plain OSC messages, for TouchDesigner, Max, Pure Data, Unity and whatever else hears OSC.

    /commedia/time            f      seconds since the first frame
    /commedia/people          i      how many follow
    /commedia/1/status        s      tracked, held or fading
    /commedia/1/jawOpen       f      each of the 52 blendshapes by its ARKit name, 0 to 1
    /commedia/1/head_deg      fff    yaw, pitch and roll: positive to the subject's left, down, right shoulder
    /commedia/1/head_wxyz     ffff   the same rotation as a quaternion, right-handed
    /commedia/1/left_eye_deg  ff     yaw and pitch against the head, as `eyeLook*` say
    /commedia/1/right_eye_deg ff

The number in the address is the person's. This layout is our own, as no standard has one.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from commedia.conventions import EXPRESSION_NAMES
from commedia.formats.osc import OscMessage
from commedia.geometry.gaze import gaze_yaw_pitch
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.structures import TrackedFace

ROOT = "/commedia"


def face_messages(time_s: float, faces: Sequence[TrackedFace]) -> Iterator[OscMessage]:
    """One moment to its messages, those of one person after those of another."""
    yield OscMessage(f"{ROOT}/time", (float(time_s),))
    yield OscMessage(f"{ROOT}/people", (len(faces),))
    for face in faces:
        expression, wxyz = face.params.expression.astype(np.float64), face.params.pose.wxyz.astype(np.float64)
        person = f"{ROOT}/{face.id}"
        yield OscMessage(f"{person}/status", (face.status,))
        for name, weight in zip(EXPRESSION_NAMES, expression.tolist(), strict=True):
            yield OscMessage(f"{person}/{name}", (weight,))
        yield OscMessage(f"{person}/head_deg", tuple(np.rad2deg(yaw_pitch_roll_from_wxyz(wxyz)).tolist()))
        yield OscMessage(f"{person}/head_wxyz", tuple(wxyz.tolist()))
        for side, gaze in zip(("left", "right"), gaze_yaw_pitch(expression), strict=True):
            yield OscMessage(f"{person}/{side}_eye_deg", tuple(np.rad2deg(gaze).tolist()))
