"""The WebSocket stream with real clients on this machine: what they hear, who is refused, and who makes nobody wait."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction

import numpy as np
import pytest
from faces_to_send import face_params, tracked
from streams_world import info, moment

from commedia.errors import BadAddress, MissingExtra, OutputFailed
from commedia.formats.face_messages import HEADER_COUNT, PERSON_COUNT
from commedia.outputs.streams.open import open_stream
from commedia.outputs.streams.websocket import MOST_CLIENTS, WebSocketStream

client = pytest.importorskip("websockets.sync.client")
exceptions = pytest.importorskip("websockets.exceptions")


@contextmanager
def serving(query: str = "") -> Iterator[WebSocketStream]:
    stream = open_stream(f"ws://127.0.0.1:0{query}")
    stream.open(info())
    try:
        yield stream
    finally:
        stream.close()


def said(stream: WebSocketStream, number: int, jaw: float = 0.5) -> None:
    stream.send(moment([tracked(face_params(jawOpen=jaw))], Fraction(number, 30)))


def connected(stream: WebSocketStream, path: str = "/", **options: object):
    return client.connect(
        f"ws://127.0.0.1:{stream.port}{path}", compression=None, proxy=None, ping_interval=None, **options
    )


def test_a_client_hears_numbers_and_another_json() -> None:
    with serving() as stream, connected(stream) as numbers, connected(stream, "/json") as words:
        names = json.loads(numbers.recv(5))["person"]
        assert json.loads(words.recv(5))["format"] == "commedia-faces"
        said(stream, 15, jaw=0.25)
        message = np.frombuffer(numbers.recv(5), "<f4")
        assert message[:HEADER_COUNT].tolist() == [1, 0, 0.5, 1]
        assert len(message) == HEADER_COUNT + PERSON_COUNT
        assert dict(zip(names, message[HEADER_COUNT:].tolist(), strict=True))["jawOpen"] == 0.25
        assert json.loads(words.recv(5))["people"][0]["expression"]["jawOpen"] == 0.25


def test_whoever_comes_late_hears_the_newest_and_nothing_before() -> None:
    with serving() as stream:
        for number in range(1, 31):
            said(stream, number)
        with connected(stream) as late:
            late.recv(5)
            assert np.frombuffer(late.recv(5), "<f4")[1:3].tolist() == [1, 0]


def test_a_client_that_reads_nothing_costs_nobody_anything() -> None:
    """It is sent what fits into its buffers, then the newest; the stream keeps one moment, whatever happens."""
    with serving() as stream, socket.create_connection(("127.0.0.1", stream.port)) as lazy, connected(stream) as eager:
        lazy.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert lazy.recv(12) == b"HTTP/1.1 101"
        eager.recv(5)
        for number in range(1, 301):
            said(stream, number)
        last = 0.0
        while last < 10 - 1e-3:
            _, whole, part, _ = np.frombuffer(eager.recv(5), "<f4")[:4]
            assert whole + part > last
            last = float(whole + part)


@pytest.mark.parametrize("origin", [None, "http://127.0.0.1:5173", "http://localhost", "https://[::1]:8000"])
def test_pages_of_this_machine_are_served(origin: str | None) -> None:
    with serving() as stream, connected(stream, origin=origin) as page:
        assert page.recv(5)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://localhost:80@evil.example"]
)
def test_pages_of_others_are_refused(origin: str) -> None:
    with serving() as stream, pytest.raises(exceptions.InvalidStatus, match="403"):
        connected(stream, origin=origin)


def test_one_more_origin_may_be_allowed() -> None:
    with serving("?origin=https://my.page") as stream, connected(stream, origin="https://my.page") as page:
        assert page.recv(5)


def test_clients_are_bounded() -> None:
    with serving() as stream, ExitStack() as stack:
        for _ in range(MOST_CLIENTS):
            stack.enter_context(connected(stream)).recv(5)
        beyond = stack.enter_context(connected(stream))
        with pytest.raises(exceptions.ConnectionClosed, match="served already"):
            beyond.recv(5)


def test_who_sends_too_much_is_cut_off_alone() -> None:
    with serving() as stream, connected(stream) as loud, connected(stream) as other:
        loud.recv(5)
        loud.send("x" * 5000)
        with pytest.raises(exceptions.ConnectionClosed, match="1009"):
            loud.recv(5)
        assert other.recv(5)


def test_a_client_that_vanishes_is_forgotten() -> None:
    with serving() as stream:
        for _ in range(MOST_CLIENTS + 1):
            with connected(stream) as gone:
                gone.recv(5)
                gone.socket.shutdown(socket.SHUT_RDWR)
            said(stream, 1)
        with connected(stream) as other:
            assert other.recv(5)


def test_a_port_that_is_taken_is_said() -> None:
    with serving() as stream:
        second = open_stream(f"ws://127.0.0.1:{stream.port}")
        with pytest.raises(OutputFailed, match="cannot be served"):
            second.open(info())
        second.discard()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", ""])
def test_faces_are_served_on_this_machine_only(host: str) -> None:
    with pytest.raises(BadAddress, match="on this machine only"):
        open_stream(f"ws://{host}:8765")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "websockets.asyncio.server", None)
    with pytest.raises(MissingExtra, match=r"websockets.*commedia\[live\]"):
        open_stream("ws://127.0.0.1:8765")
