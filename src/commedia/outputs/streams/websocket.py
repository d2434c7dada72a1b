"""WebSocket as a sink: serves pages and programs on this machine (`ws://127.0.0.1:8765`).

A client gets binary messages, or JSON where it asks for the path `/json`; both as `formats/face_messages.py` says. One
background thread serves all. Nobody makes it wait: a client that is slow gets the newest moment when it is ready, and
never hears those between. Pages of other sites are refused by their Origin (`?origin=https://my.page` allows one), and
only loopback addresses are served.
"""

import asyncio
import contextlib
import ipaddress
import logging
import re
import threading
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from commedia.errors import BadAddress, OutputFailed, optional
from commedia.formats.address import Address
from commedia.formats.face_messages import binary_message, greeting, json_message
from commedia.outputs.sink import StreamInfo
from commedia.outputs.streams.datagrams import Report
from commedia.outputs.streams.people import StreamedPeople
from commedia.structures import Moment, TrackedFace

MOST_CLIENTS = 32
LARGEST_REQUEST = 1 << 10
"""Bytes of a message from a client; none is read."""
START_S, CLOSE_S = 10.0, 0.5
"""How long the server may take to start, and its clients to say goodbye."""
LOCAL_PAGES = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
JSON_PATH = "/json"


class WebSocketStream:
    """A server for as long as the sink is open; `port` is the one that it got."""

    def __init__(self, address: Address, report: Report | None = None):
        if address.host != "localhost" and not _is_loopback(address.host):
            host = address.host or "every network of this machine"
            raise BadAddress(f"'{address}' would serve {host}; faces are served on this machine only: ws://127.0.0.1")
        self._library: Any = optional("websockets.asyncio.server", "a ws:// stream", "live")
        self._gone: Any = optional("websockets.exceptions", "a ws:// stream", "live").ConnectionClosed
        self.address, self.name, self.port = address, f"the stream at {address}", 0
        self._report = report or logging.getLogger(__name__).warning
        self._thread: threading.Thread | None = None

    def open(self, info: StreamInfo) -> None:
        """Start to serve; raises `OutputFailed` where the port is taken."""
        self._people, self._moment = StreamedPeople(), _Moment(0, Fraction(0), ())
        self._loop, self._started, self._problem = asyncio.new_event_loop(), threading.Event(), ""
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()
        self._started.wait(START_S)
        if self._problem or not self.port:
            self.discard()
            raise OutputFailed(f"{self.address} cannot be served: {self._problem or 'it did not start in time'}")

    def send(self, moment: Moment) -> None:
        people, number = self._people.update(moment.acted), self._moment.number + 1
        self._moment = _Moment(number, moment.acted.time_s, people)
        # A loop that is late has the newest moment to send all the same.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake)

    def close(self) -> None:
        self.discard()

    def discard(self) -> None:
        if self._thread is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._end)
            self._thread.join(START_S)
            self._thread = None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._problem = error.strerror or str(error)
        finally:
            self._started.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._fresh, self._over, self._clients = asyncio.Event(), asyncio.Event(), 0
        origins = [None, LOCAL_PAGES, *(value for name, value in self.address.options if name == "origin")]
        options = {"origins": origins, "max_size": LARGEST_REQUEST, "max_queue": 4, "close_timeout": CLOSE_S}
        quiet = logging.getLogger(f"{__name__}.server")
        quiet.setLevel(logging.CRITICAL)
        serving = self._library.serve(
            self._serve_client, self.address.host, self.address.port, compression=None, logger=quiet, **options
        )
        async with serving as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            self._started.set()
            await self._over.wait()

    def _wake(self) -> None:
        # Whoever waits now goes on; whoever comes later waits for the next moment.
        self._fresh.set()
        self._fresh = asyncio.Event()

    def _end(self) -> None:
        self._over.set()
        self._wake()

    async def _serve_client(self, client: Any) -> None:
        if self._clients >= MOST_CLIENTS:
            await client.close(1013, f"{MOST_CLIENTS} clients are served already")
            return
        self._clients += 1
        reading = asyncio.ensure_future(_read_nothing(client))
        try:
            await self._send_moments(client)
        except self._gone:
            pass
        finally:
            self._clients -= 1
            reading.cancel()

    async def _send_moments(self, client: Any) -> None:
        as_json = client.request.path.partition("?")[0] == JSON_PATH
        await client.send(greeting())
        sent = 0
        while not self._over.is_set():
            moment, fresh = self._moment, self._fresh
            if moment.number == sent:
                await fresh.wait()
                continue
            await client.send(moment.as_json if as_json else moment.as_bytes)
            sent = moment.number


class _Moment:
    """Everyone at one time, encoded once however many clients there are, and not at all for none."""

    def __init__(self, number: int, time_s: Fraction, people: Sequence[TrackedFace]):
        self.number, self._time_s, self._people = number, time_s, people
        self._bytes, self._json = b"", ""

    @property
    def as_bytes(self) -> bytes:
        self._bytes = self._bytes or binary_message(self._time_s, self._people)
        return self._bytes

    @property
    def as_json(self) -> str:
        self._json = self._json or json_message(self._time_s, self._people)
        return self._json


async def _read_nothing(client: Any) -> None:
    """Pings and closings are answered only while somebody reads."""
    with contextlib.suppress(Exception):
        async for _ in client:
            pass


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
