"""The packets of the Live Link Face app, which Unreal receives on UDP port 11111: one face in one datagram.

Big endian throughout: uint8 version 6; int32 length 36 and the device id, a UUID in ASCII; int32 length and the
subject's name in UTF-8; frame time, int32 frame and float32 part of a frame; frame rate, int32 numerator and
denominator; uint8 61; 61 float32. Where nobody is seen, the packet ends after the rate. The 61 are the blendshapes in
the order of `EXPRESSION_NAMES` (Unreal's `EARFaceBlendShape`; the app's CSV has another), then yaw, pitch and roll in
radians of head, left eye and right eye, with the signs of `livelink_csv.py`. Layout: PyLiveLinkFace (MIT).
"""

import struct
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT
from commedia.errors import MalformedPacket
from commedia.formats.livelink_csv import angle_values
from commedia.formats.recorded import RecordedFace
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.structures import FaceParams

VERSION = 6
VALUE_COUNT = 61
ID_LENGTH = 36
LONGEST_NAME = 256
"""Bytes of a subject's name."""
_TIME = struct.Struct(">ifii")


@dataclass(frozen=True)
class LiveLinkPacket:
    """One face of one subject at one time."""

    device_id: str
    """36 characters; real receivers take no other length."""
    subject: str
    time_s: Fraction
    """Frames, counted at `rate`, in seconds: of the app its time of day."""
    rate: Fraction
    values: Float[np.ndarray, "61"] | None
    """None where nobody is seen."""


def packet_values(params: FaceParams) -> Float[np.ndarray, "61"]:
    """The 61 numbers of a face."""
    return np.concatenate([params.expression.astype(np.float64), angle_values(params)])


def face_from_values(values: Float[np.ndarray, "61"]) -> RecordedFace:
    """Blendshapes and the head's rotation; the angles of the eyes only say again what the blendshapes say."""
    head = values[EXPRESSION_COUNT : EXPRESSION_COUNT + 3]
    return RecordedFace(values[:EXPRESSION_COUNT], wxyz_from_yaw_pitch_roll(head))


def packet_bytes(packet: LiveLinkPacket) -> bytes:
    """A packet to its bytes."""
    device, name = packet.device_id.encode("ascii"), packet.subject.encode()
    assert len(device) == ID_LENGTH
    frames = packet.time_s * packet.rate
    whole = frames.__floor__()
    # A part such as 0.99999999 would become 1 as a float32, which is no part.
    part = min(float(np.float32(float(frames - whole))), float(np.nextafter(np.float32(1), np.float32(0))))
    head = struct.pack(">Bi", VERSION, len(device)) + device + struct.pack(">i", len(name)) + name
    head += _TIME.pack(whole % 2**31, part, packet.rate.numerator, packet.rate.denominator)
    return head if packet.values is None else head + struct.pack(f">B{VALUE_COUNT}f", VALUE_COUNT, *packet.values)


def read_packet(data: bytes) -> LiveLinkPacket:
    """Bytes to a packet, or `MalformedPacket`. More than 61 values are cut, as newer apps may add some."""
    try:
        version, length = struct.unpack_from(">Bi", data)
        if version != VERSION or length != ID_LENGTH:
            raise MalformedPacket(f"a Live Link packet begins with version 6 and 36, not {version} and {length}")
        device = data[5 : 5 + ID_LENGTH].decode("ascii")
        (length,) = struct.unpack_from(">i", data, 5 + ID_LENGTH)
        if not 0 < length <= LONGEST_NAME:
            raise MalformedPacket(f"the subject of a Live Link packet has a name of {length} bytes")
        place = 9 + ID_LENGTH + length
        subject = data[place - length : place].decode()
        frame, part, numerator, denominator = _TIME.unpack_from(data, place)
        values = _values(data, place + _TIME.size)
    except (struct.error, UnicodeDecodeError) as problem:
        raise MalformedPacket(f"a Live Link packet cannot be read: {problem}") from None
    if not (0 < numerator and 0 < denominator and 0 <= part < 2 and subject.isprintable()):
        raise MalformedPacket("a Live Link packet counts its frames at a rate that is none, or names no subject")
    rate = Fraction(numerator, denominator)
    return LiveLinkPacket(device, subject, (frame + Fraction(part)) / rate, rate, values)


def _values(data: bytes, place: int) -> Float[np.ndarray, "61"] | None:
    if place >= len(data):
        return None
    (count,) = struct.unpack_from(">B", data, place)
    if count < VALUE_COUNT:
        raise MalformedPacket(f"a Live Link packet has {VALUE_COUNT} values, not {count}")
    values = np.array(struct.unpack_from(f">{VALUE_COUNT}f", data, place + 1))
    if not (np.abs(values) < 100).all():
        raise MalformedPacket("a Live Link packet holds values beyond reason")
    return values
