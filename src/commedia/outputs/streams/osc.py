"""Plain OSC as a sink (`osc://HOST:9000`): one address per person and blendshape, as `formats/osc_faces.py` says."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from commedia.formats.osc import bundles
from commedia.formats.osc_faces import face_messages
from commedia.outputs.streams.datagrams import DatagramStream
from commedia.structures import TrackedFace


class OscStream(DatagramStream):
    """Everyone on one port: the person's number is in the address."""

    def packets(self, people: Sequence[TrackedFace], time_s: Fraction) -> Iterator[tuple[int, bytes]]:
        return ((0, packet) for packet in bundles(face_messages(float(time_s), people)))
