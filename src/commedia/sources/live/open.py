"""An address to the source that listens there: `livelink://:11111`. What each protocol's packets say is here."""

from collections.abc import Callable, Iterator

from commedia.errors import BadAddress
from commedia.formats import ifacialmocap
from commedia.formats.address import read_address
from commedia.formats.livelink_udp import face_from_values, read_packet
from commedia.formats.osc import read_messages
from commedia.formats.recorded import MOST_PEOPLE
from commedia.formats.vmc import MotionReader
from commedia.sources.live.inbox import Datagram
from commedia.sources.live.receiver import Heard, Reader, ReceiverSource

OPTIONS: dict[str, tuple[str, ...]] = {"livelink": ("time",), "ifacialmocap": ("phone",)}
"""What may follow `?` in the address of each."""


def open_receiver(text: str, *, seconds: float | None = None) -> ReceiverSource:
    """Listen at an address, or raise `BadAddress`. An empty host listens on all of this machine's networks.

    `seconds` after the first packet the source ends by itself. `ifacialmocap://:49983?phone=192.168.1.7` asks a phone
    for its motion first.
    """
    address = read_address(text, OPTIONS)
    if address.protocol not in RECEIVERS:
        raise BadAddress(f"'{text}' cannot be received; {', '.join(RECEIVERS)} can")
    source = ReceiverSource(address, RECEIVERS[address.protocol](), seconds=seconds)
    phone = address.option("phone", "")
    if phone:
        try:
            source.ask(ifacialmocap.REQUEST, phone, PHONE_PORT)
        except BadAddress:
            source.close()
            raise
    return source


def _livelink() -> Reader:
    """One person per device and subject."""

    def read(datagram: Datagram) -> Iterator[Heard]:
        packet = read_packet(datagram.data)
        face = None if packet.values is None else face_from_values(packet.values)
        yield Heard(f"{packet.device_id}/{packet.subject}", face, packet.time_s)

    return read


def _ifacialmocap() -> Reader:
    """One person per sending machine: the text names nobody."""

    def read(datagram: Datagram) -> Iterator[Heard]:
        yield Heard(datagram.sender, ifacialmocap.read_packet(datagram.data))

    return read


def _vmc() -> Reader:
    """One person per sending machine, whose messages add up."""
    readers: dict[str, MotionReader] = {}

    def read(datagram: Datagram) -> Iterator[Heard]:
        messages = read_messages(datagram.data)
        if datagram.sender not in readers and len(readers) >= MOST_PEOPLE:
            return
        for face in readers.setdefault(datagram.sender, MotionReader()).faces(messages):
            yield Heard(datagram.sender, face)

    return read


RECEIVERS: dict[str, Callable[[], Reader]] = {"livelink": _livelink, "ifacialmocap": _ifacialmocap, "vmc": _vmc}
PHONE_PORT = 49983
