"""iFacialMocap's text as a sink (`ifacialmocap://HOST:49983`): one port per person, counting up from the address's."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from commedia.formats.ifacialmocap import packet_bytes
from commedia.outputs.streams.datagrams import DatagramStream
from commedia.structures import TrackedFace


class IFacialMocapStream(DatagramStream):
    """The text has no name and no time: who is who is said by the port."""

    def packets(self, people: Sequence[TrackedFace], time_s: Fraction) -> Iterator[tuple[int, bytes]]:
        return ((face.id - 1, packet_bytes(face.params)) for face in people)
