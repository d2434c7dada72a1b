"""A UDP port to its datagrams, each with the time it came and from where: read in a thread, so that times are true.

At most `MOST_WAITING` wait; when nobody takes them the oldest are dropped and counted.
"""

import contextlib
import queue
import socket
import threading
import time
from dataclasses import dataclass

from commedia.errors import BadAddress
from commedia.formats.address import Address

MOST_WAITING = 1024
LARGEST_DATAGRAM = 1 << 16
SYSTEM_BYTES = 1 << 20
"""What the system may keep while this program is busy."""
LISTEN_S = 0.1
"""After so long the thread looks whether it is still wanted."""


@dataclass(frozen=True)
class Datagram:
    """What came."""

    data: bytes
    sender: str
    """The host, as a number."""
    arrival_ns: int
    """On the clock that only goes forward."""


class Inbox:
    """Listens from the moment it is made until it is closed."""

    def __init__(self, address: Address):
        """Raises `BadAddress` where the port cannot be had."""
        self.dropped = 0
        self._waiting: queue.Queue[Datagram] = queue.Queue(MOST_WAITING)
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SYSTEM_BYTES)
        try:
            self._socket.bind((address.host, address.port))
        except (OSError, UnicodeError) as error:
            self._socket.close()
            reason = getattr(error, "strerror", None) or error
            raise BadAddress(f"'{address}' cannot be listened to: {reason}") from error
        self._socket.settimeout(LISTEN_S)
        self.port: int = self._socket.getsockname()[1]
        self._closed = False
        self._thread = threading.Thread(target=self._listen, name=str(address), daemon=True)
        self._thread.start()

    def next(self, wait_s: float) -> Datagram | None:
        """The oldest that waits; None where none comes within this time."""
        try:
            return self._waiting.get(timeout=wait_s)
        except queue.Empty:
            return None

    def send(self, data: bytes, host: str, port: int) -> None:
        """Say something from this port; raises `BadAddress` where that is impossible."""
        try:
            self._socket.sendto(data, (host, port))
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadAddress(f"'{host}', port {port}, cannot be asked for its motion: {reason}") from error

    def close(self) -> None:
        self._closed = True
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._closed:
            try:
                data, sender = self._socket.recvfrom(LARGEST_DATAGRAM)
            except OSError:
                # Nothing came, or the system reports what became of something sent.
                continue
            datagram = Datagram(data, str(sender[0]), time.monotonic_ns())
            try:
                self._waiting.put_nowait(datagram)
            except queue.Full:
                self._make_room(datagram)

    def _make_room(self, datagram: Datagram) -> None:
        self.dropped += 1
        try:
            self._waiting.get_nowait()
            self._waiting.put_nowait(datagram)
        except (queue.Empty, queue.Full):
            pass
