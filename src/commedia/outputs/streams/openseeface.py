"""OpenSeeFace as a sink (`openseeface://HOST:11573`): everyone in one packet, told apart by its ids."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from commedia.formats.openseeface import MOST_FACES, packet_bytes
from commedia.outputs.streams.datagrams import DatagramStream
from commedia.structures import TrackedFace


class OpenSeeFaceStream(DatagramStream):
    """Ids count from 0, as OpenSeeFace's do: its receivers look for face 0."""

    def packets(self, people: Sequence[TrackedFace], time_s: Fraction) -> Iterator[tuple[int, bytes]]:
        media, head = self.info.media, self.info.cast.head
        for first in range(0, len(people), MOST_FACES):
            faces = [replace(face, id=face.id - 1) for face in people[first : first + MOST_FACES]]
            yield 0, packet_bytes(float(time_s), faces, (media.width_px, media.height_px), head)
