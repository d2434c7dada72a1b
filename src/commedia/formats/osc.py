"""Open Sound Control 1.0: messages to the bytes of a datagram and back. No sockets.

Everything is big endian and padded with zeros to multiples of 4 bytes. A message is its address, the types of its
arguments (`,fs`) and the arguments; a bundle is `#bundle`, a time, and elements with their lengths, which may be
bundles again. Source: opensoundcontrol.stanford.edu/spec-1_0.html.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from commedia.errors import MalformedPacket

Argument = int | float | str | bytes | bool | None
BUNDLE = b"#bundle\0"
AT_ONCE = struct.pack(">Q", 1)
"""The time of a bundle that is to be used when it arrives."""
LARGEST_DATAGRAM = 1400
"""Bytes; what is longer is cut into fragments on its way, of which one that is lost loses all."""
DEEPEST_BUNDLE = 4
_FIXED = {"i": ">i", "f": ">f", "d": ">d", "h": ">q", "t": ">Q"}
_LETTERS = {float: "f", int: "i", str: "s", bytes: "b", type(None): "N"}
_WORDLESS: dict[str, Argument] = {"T": True, "F": False, "N": None, "I": None}


@dataclass(frozen=True)
class OscMessage:
    """What an address is told."""

    address: str
    arguments: tuple[Argument, ...] = ()


def message_bytes(message: OscMessage) -> bytes:
    """A message to its bytes: whole numbers as int32, others as float32, text, bytes, and truths."""
    types, parts = ",", []
    for value in message.arguments:
        # Other kinds of numbers, such as numpy's, are float32.
        letter = "TF"[not value] if isinstance(value, bool) else _LETTERS.get(type(value), "f")
        types += letter
        if letter in _PACKERS:
            parts.append(_PACKERS[letter](value))
    return _text_bytes(message.address) + _text_bytes(types) + b"".join(parts)


def bundles(messages: Iterable[OscMessage], most: int = LARGEST_DATAGRAM) -> list[bytes]:
    """Messages, in their order, to bundles of at most `most` bytes each (a longer message gets one of its own)."""
    packets, elements, size = [], list[bytes](), len(BUNDLE + AT_ONCE)
    for message in messages:
        body = message_bytes(message)
        element = struct.pack(">i", len(body)) + body
        if elements and size + len(element) > most:
            packets.append(BUNDLE + AT_ONCE + b"".join(elements))
            elements, size = [], len(BUNDLE + AT_ONCE)
        elements.append(element)
        size += len(element)
    return [*packets, BUNDLE + AT_ONCE + b"".join(elements)] if elements else packets


def read_messages(packet: bytes) -> list[OscMessage]:
    """The bytes of a datagram to its messages in their order, or `MalformedPacket`."""
    return list(_messages(packet, 0))


def _messages(packet: bytes, depth: int) -> Iterator[OscMessage]:
    if not packet.startswith(BUNDLE):
        yield _message(packet)
        return
    if depth >= DEEPEST_BUNDLE:
        raise MalformedPacket(f"an OSC bundle goes more than {DEEPEST_BUNDLE} deep")
    place = len(BUNDLE + AT_ONCE)
    while place < len(packet):
        (size,) = _unpacked(">i", packet, place)
        place += 4
        if size <= 0 or place + size > len(packet):
            raise MalformedPacket(f"an element of an OSC bundle has {size} bytes, and {len(packet) - place} are left")
        yield from _messages(packet[place : place + size], depth + 1)
        place += size


def _message(packet: bytes) -> OscMessage:
    address, place = _text(packet, 0)
    if not address.startswith("/"):
        raise MalformedPacket("an OSC address begins with '/'")
    types, place = _text(packet, place) if place < len(packet) else (",", place)
    if not types.startswith(","):
        raise MalformedPacket("the types of an OSC message begin with ','")
    arguments: list[Argument] = []
    for letter in types[1:]:
        value, place = _argument(letter, packet, place)
        arguments.append(value)
    return OscMessage(address, tuple(arguments))


def _argument(letter: str, packet: bytes, place: int) -> tuple[Argument, int]:
    if letter in _WORDLESS:
        return _WORDLESS[letter], place
    if letter in _FIXED:
        return _unpacked(_FIXED[letter], packet, place)[0], place + struct.calcsize(_FIXED[letter])
    if letter in "sS":
        return _text(packet, place)
    if letter == "b":
        (size,) = _unpacked(">i", packet, place)
        if not 0 <= size <= len(packet) - place - 4:
            raise MalformedPacket(f"a blob of {size} bytes does not fit into its OSC message")
        return packet[place + 4 : place + 4 + size], place + 4 + size + -size % 4
    raise MalformedPacket(f"OSC arguments of type '{letter}' are not known")


def _text(packet: bytes, place: int) -> tuple[str, int]:
    end = packet.find(b"\0", place)
    if end < 0:
        raise MalformedPacket("a text in an OSC message has no end")
    try:
        return packet[place:end].decode(), end + 4 - end % 4
    except UnicodeDecodeError:
        raise MalformedPacket("a text in an OSC message is not UTF-8") from None


def _unpacked(form: str, packet: bytes, place: int) -> tuple:
    try:
        return struct.unpack_from(form, packet, place)
    except struct.error:
        raise MalformedPacket("an OSC packet is cut off") from None


@lru_cache(maxsize=1024)
def _text_bytes(text: str) -> bytes:
    return _padded(text.replace("\0", "").encode() + b"\0")


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _blob_bytes(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + _padded(data)


_PACKERS: dict[str, Callable[..., bytes]] = {
    "f": struct.Struct(">f").pack,
    "i": struct.Struct(">i").pack,
    "s": _text_bytes,
    "b": _blob_bytes,
}
