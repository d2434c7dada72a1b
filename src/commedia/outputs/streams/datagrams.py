"""What all streams over UDP share: a host that is looked up aside, sockets that never wait, failures said once.

A receiver that is not there, or a name that nobody knows, is said once in a sentence; sending goes on, so that whoever
starts the receiver later sees it move. What does not fit into the system's buffer at once is dropped.
"""

import contextlib
import ipaddress
import logging
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from commedia.errors import BadAddress
from commedia.formats.address import Address
from commedia.outputs.sink import StreamInfo
from commedia.outputs.streams.people import StreamedPeople
from commedia.structures import Moment, TrackedFace

Report = Callable[[str], object]
LOOKUP_WAIT_S = 1.0
"""A known name is found within this time, so that not even the first datagrams are lost."""
RETRY_S = 5.0
"""An unknown name is looked up again so often."""


class DatagramStream(ABC):
    """A sink that says each moment in datagrams. A protocol has to say only in which: `packets`."""

    def __init__(self, address: Address, report: Report | None = None):
        """`report` is told in one sentence of a receiver that cannot be reached; by default it is logged."""
        if not address.host:
            raise BadAddress(
                f"'{address}' names nobody to send to; give a host, such as {address.protocol}://127.0.0.1"
            )
        self.address, self.name = address, f"the stream to {address}"
        self._report = report or logging.getLogger(__name__).warning
        self._host: _Host | None = None

    @abstractmethod
    def packets(self, people: Sequence[TrackedFace], time_s: Fraction) -> Iterable[tuple[int, bytes]]:
        """Everyone at one time to datagrams, each with how far beyond the address's port it goes."""

    def open(self, info: StreamInfo) -> None:
        self.info, self._people, self._last_s = info, StreamedPeople(), Fraction(0)
        self._lines: dict[int, _Line] = {}
        self._host = _Host(self.address.host, self._report, self.name)

    def send(self, moment: Moment) -> None:
        self._last_s = moment.acted.time_s
        self._post(self._people.update(moment.acted))

    def close(self) -> None:
        """End: avatars come to rest rather than stay as they happened to be."""
        if self._host is not None:
            self._post(self._people.at_rest())
        self.discard()

    def discard(self) -> None:
        if self._host is not None:
            self._host.close()
            for line in self._lines.values():
                line.close()
            self._host, self._lines = None, {}

    def _post(self, people: Sequence[TrackedFace]) -> None:
        assert self._host is not None
        found = self._host.found
        if found is None:
            return
        for step, data in self.packets(people, self._last_s):
            port = self.address.port + step
            if port not in self._lines and 0 < port < 1 << 16:
                self._lines[port] = _Line(*found, port, self._report, f"{self.address.protocol}, port {port}")
            if port in self._lines:
                self._lines[port].send(data)


class _Host:
    """A host's name to its address, looked up in a thread, as that may take seconds."""

    def __init__(self, name: str, report: Report, stream: str):
        self._name, self._report, self._stream = name, report, stream
        self.found: tuple[socket.AddressFamily, str] | None = None
        self._closed, self._tried = threading.Event(), threading.Event()
        with contextlib.suppress(ValueError):
            number = ipaddress.ip_address(name)
            self.found = (socket.AF_INET6 if number.version == 6 else socket.AF_INET), name
        if self.found is None:
            threading.Thread(target=self._look_up, daemon=True).start()
            self._tried.wait(LOOKUP_WAIT_S)

    def close(self) -> None:
        self._closed.set()

    def _look_up(self) -> None:
        said = False
        while not self._closed.is_set() and self.found is None:
            try:
                family, *_, where = socket.getaddrinfo(self._name, None, type=socket.SOCK_DGRAM)[0]
                self.found = family, str(where[0])
            except (OSError, UnicodeError) as error:
                if not said:
                    reason = getattr(error, "strerror", None) or error
                    self._report(f"{self._stream} waits: there is no host '{self._name}' ({reason}); it is tried again")
                said = True
            self._tried.set()
            if self.found is None:
                self._closed.wait(RETRY_S)


class _Line:
    """One port of one host. Connected, so that the system says when nobody listens there."""

    def __init__(self, family: socket.AddressFamily, host: str, port: int, report: Report, name: str):
        self._to, self._report, self._name, self._said = (host, port), report, name, False
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._connected = False

    def send(self, data: bytes) -> None:
        """Send at once or not at all."""
        # What the system says of a datagram comes with the next one, which is then sent by the second try.
        for _ in range(2):
            try:
                if not self._connected:
                    with contextlib.suppress(OSError):
                        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                    self._socket.connect(self._to)
                    self._connected = True
                self._socket.send(data)
                return
            except BlockingIOError:
                return
            except OSError as error:
                self._say(error)

    def close(self) -> None:
        self._socket.close()

    def _say(self, error: OSError) -> None:
        if not self._said:
            reason = error.strerror or error
            host = f"[{self._to[0]}]" if ":" in self._to[0] else self._to[0]
            self._report(f"nobody takes the stream at {host} ({self._name}): {reason}; sending goes on")
        self._said = True
