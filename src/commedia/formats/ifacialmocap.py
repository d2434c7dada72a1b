"""The text of the iFacialMocap app, one face in one datagram on UDP port 49983; many programs take it from any sender.

    mouthSmile_R-0|eyeBlink_L-7|...|=head#x,y,z,tx,ty,tz|rightEye#x,y,z|leftEye#x,y,z|

Blendshapes are whole percents under ARKit's names with `_L` and `_R`; `sendDataVersion=v2` puts `&` between name and
value. Rotations are degrees about x, y and z, composed Ry Rx Rz, and positions are metres. In the packet that the
vendor publishes a positive x turns the eyes down and a positive y to the subject's left, so the axes are ARKit's, which
are ours. The eyes only say again what `eyeLook*` say. Source: ifacialmocap.com/for-developer.
"""

import re

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES, sideless_name
from commedia.errors import MalformedPacket
from commedia.formats.columns import blendshape_index, number
from commedia.formats.recorded import RecordedFace
from commedia.geometry.gaze import gaze_yaw_pitch
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll, yaw_pitch_roll_from_wxyz
from commedia.structures import FaceParams

REQUEST = b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
"""Sent to a phone's port 49983, it makes the app send its packets back, to port 49983."""
LONGEST_PACKET = 1 << 14
LARGEST_ANGLE_DEG = 720
FEWEST_BLENDSHAPES = 10
"""A text with fewer of the 52 names is no packet of this app."""
NAMES = tuple(
    name if sideless_name(name) in ("jaw", "mouth") else re.sub("(?<=[a-z])(L|R)(eft|ight)$", r"_\1", name)
    for name in EXPRESSION_NAMES
)
"""What the app calls each of `EXPRESSION_NAMES`: `eyeBlink_L`, but `jawLeft` and `mouthLeft`."""
_WEIGHT = re.compile(r"([A-Za-z_]{1,32})[-&](-?[0-9.]{1,12})")


def packet_bytes(params: FaceParams) -> bytes:
    """A face to the text of its packet (first version). Weak perspective knows no distance: positions are 0."""
    expression = params.expression.astype(np.float64)
    weights = "|".join(f"{name}-{weight:.0f}" for name, weight in zip(NAMES, 100 * expression, strict=True))
    head = _degrees(yaw_pitch_roll_from_wxyz(params.pose.wxyz.astype(np.float64)))
    left, right = (_degrees(np.append(gaze, 0.0)) for gaze in gaze_yaw_pitch(expression))
    return f"{weights}|=head#{head},0,0,0|rightEye#{right}|leftEye#{left}|".encode("ascii")


def read_packet(data: bytes) -> RecordedFace:
    """The text of a packet, of either version, to a face, or `MalformedPacket`. What it does not name is 0."""
    if len(data) > LONGEST_PACKET:
        raise MalformedPacket(f"an iFacialMocap packet has about a thousand bytes, not {len(data)}")
    try:
        weights, _, turns = data.decode("ascii").partition("=")
    except UnicodeDecodeError:
        raise MalformedPacket("an iFacialMocap packet is plain ASCII") from None
    expression, known = np.zeros(EXPRESSION_COUNT), 0
    for entry in weights.split("|"):
        found = _WEIGHT.fullmatch(entry)
        index, value = (blendshape_index(found[1]), number(found[2])) if found else (None, None)
        if index is not None and value is not None:
            expression[index] = value / 100
            known += 1
    if known < FEWEST_BLENDSHAPES:
        raise MalformedPacket(f"an iFacialMocap packet names 52 blendshapes; found {known}")
    return RecordedFace(expression, _head_wxyz(turns))


def _head_wxyz(turns: str) -> Float[np.ndarray, "4"] | None:
    """The rotation that `head#x,y,z,...` says; None where there is none."""
    for entry in turns.split("|"):
        name, _, text = entry.partition("#")
        values = [number(part) for part in text.split(",")[:3]]
        if name == "head":
            angles = [value for value in values if value is not None and abs(value) <= LARGEST_ANGLE_DEG]
            if len(angles) < 3:
                raise MalformedPacket("the head of an iFacialMocap packet has no three angles")
            pitch, yaw, roll = angles
            return wxyz_from_yaw_pitch_roll(np.deg2rad(np.array([yaw, pitch, roll])))
    return None


def _degrees(yaw_pitch_roll: Float[np.ndarray, "3"]) -> str:
    yaw, pitch, roll = np.rad2deg(yaw_pitch_roll) + 0.0
    return f"{pitch:.5f},{yaw:.5f},{roll:.5f}"
