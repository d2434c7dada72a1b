"""Live Link Face packets against the layout of PyLiveLinkFace, packed here by hand."""

import struct
from fractions import Fraction

import numpy as np
import pytest
from faces_to_send import any_params, face_params, turn_between_deg

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_MIRROR
from commedia.errors import MalformedPacket
from commedia.formats.livelink_udp import (
    LiveLinkPacket,
    face_from_values,
    packet_bytes,
    packet_values,
    read_packet,
)
from commedia.retarget.performance_edit import mirrored

DEVICE = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"
GOLDEN_HEAD = (
    "06"  # version
    "00000024"
    + DEVICE.encode().hex()  # 36 and the device
    + "00000006"
    + b"iPhone".hex()  # 6 and the subject
    + "0000005a"
    "3f000000"
    "0000003c"
    "00000001"  # frame 90.5 at 60 / 1 a second
)
"""From the layout of PyLiveLinkFace's `encode`, which begins `<I 6` and `$`: the same bytes, as 0x24 is `$`."""


def packet(values: np.ndarray | None) -> LiveLinkPacket:
    return LiveLinkPacket(DEVICE, "iPhone", Fraction(181, 120), Fraction(60), values)


def test_a_packet_byte_by_byte() -> None:
    values = np.zeros(61)
    values[EXPRESSION_INDEX["jawOpen"]], values[52] = 0.5, -0.25
    body = bytearray(4 * 61)
    struct.pack_into(">f", body, 4 * 17, 0.5)
    struct.pack_into(">f", body, 4 * 52, -0.25)
    written = packet_bytes(packet(values))
    assert written.hex() == GOLDEN_HEAD + "3d" + body.hex()
    assert len(written) == 312
    assert read_packet(written).time_s == Fraction(181, 120)


def test_nobody_seen_ends_after_the_rate() -> None:
    written = packet_bytes(packet(None))
    assert written.hex() == GOLDEN_HEAD
    assert read_packet(written) == packet(None)


@pytest.mark.parametrize(
    ("place", "name"),
    [(0, "eyeBlinkLeft"), (14, "jawForward"), (15, "jawLeft"), (16, "jawRight"), (21, "mouthLeft"), (22, "mouthRight"),
     (43, "browInnerUp"), (51, "tongueOut")],
)  # fmt: skip
def test_places_are_those_of_unreal(place: int, name: str) -> None:
    """`EARFaceBlendShape`; the CSV of the same app has jawRight before jawLeft."""
    assert packet_values(face_params(**{name: 0.75}))[place] == pytest.approx(0.75)


def test_a_face_comes_back(rng: np.random.Generator) -> None:
    for _ in range(50):
        params = any_params(rng)
        back = read_packet(packet_bytes(packet(packet_values(params))))
        face = face_from_values(back.values)
        np.testing.assert_allclose(face.expression, params.expression, atol=1e-6)
        assert turn_between_deg(face.head_wxyz, params.pose.wxyz) < 1e-3


def test_a_mirrored_face_has_mirrored_values(rng: np.random.Generator) -> None:
    params = any_params(rng)
    values, seen = packet_values(params), packet_values(mirrored(params))
    np.testing.assert_allclose(seen[:52], values[:52][list(EXPRESSION_MIRROR)], atol=1e-6)
    np.testing.assert_allclose(seen[52:55], values[52:55] * [-1, 1, -1], atol=1e-6)
    np.testing.assert_allclose(seen[55:58], values[58:61] * [-1, 1, -1], atol=1e-6)


def test_time_is_exact_at_a_rate_that_is_no_whole_number() -> None:
    rate = Fraction(30000, 1001)
    for frame in (0, 1, 107_892, 2_589_408):
        sent = LiveLinkPacket(DEVICE, "commedia-1", frame / rate, rate, None)
        assert read_packet(packet_bytes(sent)).time_s == frame / rate


def test_the_part_of_a_frame_stays_below_one() -> None:
    sent = LiveLinkPacket(DEVICE, "a", Fraction(10**12 - 1, 10**12), Fraction(1), None)
    frame, part = struct.unpack_from(">if", packet_bytes(sent), 46)
    assert frame == 0
    assert 0.9 < part < 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data[:40], "cannot be read"),
        (lambda data: b"\x07" + data[1:], "version 6"),
        (lambda data: data[:1] + b"\0\0\0\x05" + data[5:], "version 6 and 36"),
        (lambda data: data[:41] + b"\x7f\xff\xff\xff" + data[45:], "name of 2147483647 bytes"),
        (lambda data: data[:41] + b"\0\0\0\0" + data[45:], "name of 0 bytes"),
        (lambda data: data[:59] + b"\0\0\0\0" + data[63:], "rate that is none"),
        (lambda data: data[:-4], "cannot be read"),
        (lambda data: data[:67] + b"\x30" + data[68:], "61 values, not 48"),
        (lambda data: data[:-4] + b"\x7f\xc0\0\0", "beyond reason"),
    ],
)
def test_what_is_no_packet_is_refused(change: object, why: str) -> None:
    with pytest.raises(MalformedPacket, match=why):
        read_packet(change(packet_bytes(packet(np.zeros(61)))))
