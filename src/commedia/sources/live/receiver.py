"""A port to frames of tracked faces: what all receivers share. A protocol only says what a datagram means.

Times are those of arrival, or the sender's own with `?time=sender`. After the first frame, silence gives frames too, in
which people are held and then gone, so that whatever follows goes on. Malformed packets are counted, and otherwise as
if they had never come.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from commedia.errors import BadAddress, MalformedPacket, UnreadableMedia
from commedia.formats.address import Address
from commedia.formats.livelink_csv import DEFAULT_RATE
from commedia.formats.recorded import RecordedFace
from commedia.sources.live.inbox import Datagram, Inbox
from commedia.sources.live.people import LivePeople
from commedia.sources.recorded.cleaning import Cleaning
from commedia.sources.source import MediaInfo, RecordedSource
from commedia.structures import TrackedFrame

IDLE_S = 0.1
"""Silence of this length is a frame."""
TIMES = ("arrival", "sender")


@dataclass(frozen=True)
class Heard:
    """What a packet says: who, what, and when by the sender's clock, if it has one."""

    sender: str
    face: RecordedFace | None
    time_s: Fraction | None = None


Reader = Callable[[Datagram], Iterable[Heard]]
"""A datagram to what it says, or `MalformedPacket`."""


class ReceiverSource(RecordedSource):
    """What comes in at a port, from the first packet until `stop`, or for as long as it was given."""

    def __init__(self, address: Address, read: Reader, *, seconds: float | None = None):
        self._by_sender = address.option("time", "arrival") == "sender"
        if address.option("time", "arrival") not in TIMES:
            raise BadAddress(f"'{address}?time={address.option('time', '')}': time is one of {', '.join(TIMES)}")
        self._inbox = Inbox(address)
        self.port = self._inbox.port
        self.path = Path(f"{address.protocol}:{self.port}")
        self.info = MediaInfo(0, 0, DEFAULT_RATE, None, is_still=False, pictures=False, is_live=True)
        self._opening = f"received as {address.protocol} at port {self.port}"
        self.notes = [self._opening]
        self._read, self._seconds, self._stopped = read, seconds, False
        self._now_s, self._malformed = Fraction(0), 0
        self._begun: Fraction | None = None

    def stop(self) -> None:
        """End the frames; may be called from a signal's handler or another thread."""
        self._stopped = True

    def close(self) -> None:
        self._inbox.close()

    def now_s(self) -> float:
        """The time now, on the clock of the frames' times; not a number where that is the sender's."""
        if self._by_sender or self._begun is None:
            return float("nan")
        return time.monotonic() - float(self._begun)

    def ask(self, data: bytes, host: str, port: int) -> None:
        """Ask a sender for its motion."""
        self._inbox.send(data, host, port)

    def __iter__(self) -> Iterator[TrackedFrame]:
        people, cleaning = LivePeople(), Cleaning(limit=True)
        try:
            for time_s in self._due(people):
                frame = cleaning.frame(time_s, people.faces(self._now_s))
                if frame is not None:
                    yield frame
            self._require_something()
        finally:
            self.notes[:] = [self._opening, *cleaning.notes(), *self._counts()]

    def _due(self, people: LivePeople) -> Iterator[Fraction]:
        """The times at which there is a frame."""
        while not self._is_over():
            datagram = self._inbox.next(IDLE_S)
            if datagram is None:
                if self._begun is not None and not self._by_sender:
                    self._now_s += Fraction(IDLE_S).limit_denominator(1000)
                    yield self._now_s
                continue
            # Times between datagrams count on from the last one, and are put right by the next.
            self._now_s = Fraction(datagram.arrival_ns // 1000, 1_000_000)
            for heard in self._heard(datagram):
                if people.hear(heard.sender, heard.face, self._now_s):
                    self._begun = self._now_s if self._begun is None else self._begun
                    yield heard.time_s if self._by_sender and heard.time_s is not None else self._now_s

    def _heard(self, datagram: Datagram) -> Iterable[Heard]:
        try:
            return list(self._read(datagram))
        except MalformedPacket:
            self._malformed += 1
            return ()

    def _is_over(self) -> bool:
        over = self._begun is not None and self._seconds is not None and self._now_s - self._begun >= self._seconds
        return self._stopped or over

    def _require_something(self) -> None:
        if self._begun is None:
            found = f"; {self._malformed} packets came that were none of this protocol" if self._malformed else ""
            raise UnreadableMedia(f"nothing was received as {self.path}{found}")

    def _counts(self) -> list[str]:
        counts = {
            "packets left out, as they were no packets of this protocol": self._malformed,
            "packets left out, as they came faster than they were used": self._inbox.dropped,
        }
        return [f"{words}: {count}" for words, count in counts.items() if count]
