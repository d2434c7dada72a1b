"""Live Link Face as a sink: Unreal and all that hear the app (`livelink://HOST:11111`), one subject per person."""

import uuid
from collections.abc import Iterator, Sequence
from fractions import Fraction

from commedia.formats.livelink_csv import DEFAULT_RATE
from commedia.formats.livelink_udp import LiveLinkPacket, packet_bytes, packet_values
from commedia.formats.timecode import PLAUSIBLE_RATES, usual_rate
from commedia.outputs.streams.datagrams import DatagramStream
from commedia.structures import TrackedFace

_IDS = uuid.UUID("6f3c1f0e-5a0f-4a94-9d52-3f1f7c0c3a11")
"""Subjects get the same device id in every run, by their names."""


class LiveLinkStream(DatagramStream):
    """Subjects are `commedia-1`, `commedia-2`, ...; `?name=Anna-{id}` calls them otherwise."""

    def packets(self, people: Sequence[TrackedFace], time_s: Fraction) -> Iterator[tuple[int, bytes]]:
        for face in people:
            subject = self.address.option("name", "commedia-{id}").replace("{id}", str(face.id))[:64]
            device = str(uuid.uuid5(_IDS, subject)).upper()
            packet = LiveLinkPacket(device, subject, time_s, self._rate(), packet_values(face.params))
            yield 0, packet_bytes(packet)

    def _rate(self) -> Fraction:
        rate = self.info.media.frame_rate
        slowest, fastest = PLAUSIBLE_RATES
        return (usual_rate(rate) or rate) if slowest <= rate <= fastest else DEFAULT_RATE
