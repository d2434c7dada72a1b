"""OSC against the examples of its specification, and against python-osc in both directions."""

import struct

import numpy as np
import pytest

from commedia.errors import MalformedPacket
from commedia.formats.osc import LARGEST_DATAGRAM, OscMessage, bundles, message_bytes, read_messages

PUBLISHED = (
    (OscMessage("/oscillator/4/frequency", (440.0,)),
     "2f6f7363696c6c61746f722f342f6672657175656e6379002c66000043dc0000"),
    (OscMessage("/foo", (1000, -1, "hello", 1.234, 5.678)),
     "2f666f6f000000002c69697366660000000003e8ffffffff68656c6c6f0000003f9df3b640b5b22d"),
)  # fmt: skip
"""The two examples that the OSC 1.0 specification prints byte by byte."""


@pytest.mark.parametrize(("message", "published"), PUBLISHED)
def test_the_examples_of_the_specification(message: OscMessage, published: str) -> None:
    assert message_bytes(message).hex() == published
    (back,) = read_messages(bytes.fromhex(published))
    assert back.address == message.address
    assert back.arguments == pytest.approx(message.arguments, abs=1e-6)


def test_a_bundle_is_read_by_python_osc(rng: np.random.Generator) -> None:
    bundle = pytest.importorskip("pythonosc.osc_bundle").OscBundle
    messages = [
        OscMessage("/VMC/Ext/Blend/Val", ("JawOpen", 0.25)),
        OscMessage("/a", (1, True, False, None, b"\x01\x02\x03\x04\x05", "Gefühl")),
        OscMessage("/without/arguments"),
        *(OscMessage(f"/{number}", (float(number),)) for number in range(200)),
    ]
    packets = bundles(messages)
    heard = [content for packet in packets for content in bundle(packet)]
    assert len(packets) > 1
    assert max(map(len, packets)) <= LARGEST_DATAGRAM
    assert [one.address for one in heard] == [one.address for one in messages]
    assert [tuple(one.params) for one in heard] == [one.arguments for one in messages]
    assert [one for packet in packets for one in read_messages(packet)] == messages


def test_what_python_osc_writes_is_read() -> None:
    builders = pytest.importorskip("pythonosc.osc_bundle_builder")
    message = pytest.importorskip("pythonosc.osc_message_builder").OscMessageBuilder("/x/y")
    for value in (3, 0.5, "text", True, b"blob"):
        message.add_arg(value)
    message.add_arg(2**40, "h")
    message.add_arg(0.1, "d")
    inner, outer = builders.OscBundleBuilder(0), builders.OscBundleBuilder(builders.IMMEDIATELY)
    inner.add_content(message.build())
    outer.add_content(inner.build())
    (back,) = read_messages(outer.build().dgram)
    assert back == OscMessage("/x/y", (3, 0.5, "text", True, b"blob", 2**40, 0.1))


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"", "no end"),
        (b"/ab", "no end"),
        (b"abc\0", "begins with '/'"),
        (b"/a\0\0iff\0", "begin with ','"),
        (b"/a\0\0,f\0\0\x00", "cut off"),
        (b"/a\0\0,x\0\0", "type 'x'"),
        (b"/a\0\0,b\0\0\x7f\xff\xff\xff", "does not fit"),
        (b"/\xff\0\0", "UTF-8"),
        (b"#bundle\0" + b"\0" * 8 + struct.pack(">i", 400) + b"/a\0\0", "400 bytes"),
        (b"#bundle\0" + b"\0" * 8 + struct.pack(">i", -4), "-4 bytes"),
    ],
)
def test_what_is_no_osc_is_refused(packet: bytes, why: str) -> None:
    with pytest.raises(MalformedPacket, match=why):
        read_messages(packet)


def test_bundles_within_bundles_end_somewhere() -> None:
    packet = message_bytes(OscMessage("/a"))
    for _ in range(40):
        packet = b"#bundle\0" + b"\0" * 8 + struct.pack(">i", len(packet)) + packet
    with pytest.raises(MalformedPacket, match="deep"):
        read_messages(packet)
