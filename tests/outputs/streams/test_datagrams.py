"""Streams over UDP on this machine: what arrives, who is told apart how, and what happens when nobody listens."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from faces_to_send import face_params, tracked
from rigs import small_builder
from streams_world import info, moment

from commedia.characters.open import open_character
from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import BadAddress
from commedia.formats.ifacialmocap import read_packet as read_ifacialmocap
from commedia.formats.livelink_udp import read_packet as read_livelink
from commedia.formats.osc import OscMessage, read_messages
from commedia.outputs.sink import Sink, Sinks
from commedia.outputs.streams.open import STREAMS, open_stream
from commedia.retarget.cast import Cast

UDP = ("vmc", "osc", "livelink", "ifacialmocap", "openseeface")
TWO = [tracked(face_params(yaw_deg=20, jawOpen=0.5), 1), tracked(face_params(jawOpen=1.0), 2)]


@contextmanager
def listening(count: int = 1) -> Iterator[list[socket.socket]]:
    """Sockets on neighbouring ports."""
    for first in range(43210, 60000, 7):
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        try:
            for step, one in enumerate(sockets):
                one.bind(("127.0.0.1", first + step))
                one.settimeout(5)
            yield sockets
            return
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()


def heard(listener: socket.socket) -> list[bytes]:
    """All that has arrived; on one machine a datagram is there when it is sent."""
    packets = [listener.recv(65536)]
    listener.setblocking(False)
    try:
        while True:
            packets.append(listener.recv(65536))
    except BlockingIOError:
        listener.settimeout(5)
        return packets


def streamed(text: str, listener: socket.socket, faces: list, cast: Cast | None = None) -> list[bytes]:
    stream = open_stream(text.format(port=listener.getsockname()[1]))
    stream.open(info(cast))
    stream.send(moment(faces))
    packets = heard(listener)
    stream.discard()
    return packets


def osc(packets: list[bytes]) -> dict[tuple[str, object], tuple]:
    """What was said, by address and, where it is a text, first argument."""
    messages = [message for packet in packets for message in read_messages(packet)]
    return {(one.address, one.arguments[0] if one.arguments and isinstance(one.arguments[0], str) else None):
            one.arguments for one in messages}  # fmt: skip


def test_live_link_has_a_subject_for_each() -> None:
    with listening() as (listener,):
        packets = [read_livelink(data) for data in streamed("livelink://127.0.0.1:{port}", listener, TWO)]
        named = [read_livelink(data) for data in streamed("livelink://127.0.0.1:{port}?name=A-{{id}}", listener, TWO)]
    assert [(packet.subject, round(packet.values[17], 3)) for packet in packets] == [
        ("commedia-1", 0.5),
        ("commedia-2", 1.0),
    ]
    assert len({packet.device_id for packet in packets}) == 2
    assert {(packet.time_s, packet.rate) for packet in packets} == {(Fraction(1, 2), Fraction(30))}
    assert [packet.subject for packet in named] == ["A-1", "A-2"]


def test_ifacialmocap_has_a_port_for_each() -> None:
    with listening(2) as (first, second):
        one = streamed("ifacialmocap://127.0.0.1:{port}", first, TWO)
        (other,) = heard(second)
    assert [read_ifacialmocap(data).expression[EXPRESSION_INDEX["jawOpen"]] for data in (one[0], other)] == [0.5, 1]


def test_vmc_has_a_port_for_each_and_says_all_names() -> None:
    with listening(2) as (first, second):
        one = osc(streamed("vmc://127.0.0.1:{port}", first, TWO))
        other = osc(heard(second))
    value = "/VMC/Ext/Blend/Val"
    assert one["/VMC/Ext/OK", None] == (1,)
    assert one["/VMC/Ext/T", None] == (0.5,)
    for name in ("A", "JawOpen"):
        assert (one[value, name][1], other[value, name][1]) == (0.5, 1.0)
    names = {name for address, name in one if address == value}
    assert {"A", "I", "U", "E", "O", "Blink_L", "Blink_R", "Joy", "Angry", "Sorrow", "Fun"} <= names
    assert len({name for name in names if name.lower() in {each.lower() for each in EXPRESSION_INDEX}}) == 52
    # Both lids in one would shut the eyes twice.
    assert "Blink" not in names
    assert {name for address, name in one if address == "/VMC/Ext/Bone/Pos"} == {"Neck", "Head", "LeftEye", "RightEye"}
    # Neck and head share the turn to the left, which is negative about Unity's y.
    turns = [np.rad2deg(2 * np.arcsin(one["/VMC/Ext/Bone/Pos", bone][5])) for bone in ("Neck", "Head")]
    assert turns == pytest.approx([-8, -12], abs=1e-3)


@pytest.mark.parametrize(("kind", "there", "not_there"), [("vrm", "A", "JawOpen"), ("arkit", "JawOpen", "A")])
def test_vmc_sends_one_kind_of_names_on_request(kind: str, there: str, not_there: str) -> None:
    with listening() as (listener,):
        said = osc(streamed(f"vmc://127.0.0.1:{{port}}?names={kind}", listener, TWO[:1]))
    names = {name for address, name in said if address == "/VMC/Ext/Blend/Val"}
    assert there in names
    assert not_there not in names


def test_osc_has_the_person_in_the_address() -> None:
    with listening() as (listener,):
        said = osc(streamed("osc://127.0.0.1:{port}", listener, TWO))
    assert (said["/commedia/1/jawOpen", None], said["/commedia/2/jawOpen", None]) == ((0.5,), (1.0,))
    assert said["/commedia/people", None] == (2,)


def test_openseeface_has_everyone_in_one_packet_and_counts_from_0() -> None:
    with listening() as (listener,):
        (packet,) = streamed("openseeface://127.0.0.1:{port}", listener, TWO)
    assert len(packet) == 2 * 1785
    assert [packet[place + 8] for place in (0, 1785)] == [0, 1]


@pytest.mark.parametrize("protocol", UDP)
def test_nobody_in_view_keeps_the_stream_alive_and_the_end_is_rest(protocol: str) -> None:
    with listening() as (listener,):
        stream = open_stream(f"{protocol}://127.0.0.1:{listener.getsockname()[1]}")
        stream.open(info())
        counts = []
        for step in range(5):
            stream.send(moment(TWO[:1] if step == 0 else [], Fraction(step, 4)))
            counts.append(len(packets := heard(listener)))
        stream.close()
        last = heard(listener)
        stream.discard()
        stream.close()
    assert set(counts) == {len(last)}
    assert last == packets, "after hold and fade a stream says what it says at its end"


@pytest.mark.parametrize("protocol", UDP)
def test_a_receiver_that_is_not_there_is_said_once_and_found_when_it_comes(protocol: str) -> None:
    said: list[str] = []
    with listening() as (taken,):
        port = taken.getsockname()[1]
    stream = open_stream(f"{protocol}://127.0.0.1:{port}", said.append)
    stream.open(info())
    for step in range(20):
        stream.send(moment(TWO[:1], Fraction(step, 30)))
    assert len(said) == 1
    assert f"port {port}" in said[0]
    assert "Connection refused" in said[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
        late.bind(("127.0.0.1", port))
        late.settimeout(5)
        stream.send(moment(TWO[:1], Fraction(1)))
        assert heard(late)
    stream.close()
    assert len(said) == 1


def test_an_unknown_host_is_said_once_and_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    said: list[str] = []
    with listening() as (listener,):
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        texts = ("vmc://no-such-host:39539", f"livelink://127.0.0.1:{listener.getsockname()[1]}")
        sinks = Sinks([open_stream(text, said.append) for text in texts], said.append)
        sinks.open(info())
        for _ in range(3):
            sinks.send(moment(TWO[:1]))
        assert len(heard(listener)) == 3
        sinks.close()
    assert len(said) == 1
    assert said[0].startswith("the stream to vmc://no-such-host:39539 waits: there is no host 'no-such-host'")


def test_a_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as (listener,):
        assert streamed("livelink://localhost:{port}", listener, TWO[:1])


def test_a_vrm_is_told_exactly_its_own_expressions(tmp_path: Path) -> None:
    """An avatar with both kinds of names would otherwise play the mouth twice."""
    path = tmp_path / "hero.glb"
    path.write_bytes(small_builder(("jawOpen",)).to_bytes())
    with listening() as (listener,):
        said = osc(streamed("vmc://127.0.0.1:{port}", listener, TWO[:1], Cast(open_character(path))))
    assert said["/VMC/Ext/Blend/Val", "JawOpen"][1] == 0.5


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("vmc", "no address"),
        ("vcm://127.0.0.1", "did you mean 'vmc'"),
        ("vmc://", "names nobody"),
        ("vmc://:39539", "names nobody"),
        ("vmc://127.0.0.1:0", "port 0"),
        ("vmc://127.0.0.1:99999", "no address"),
        ("vmc://127.0.0.1/path", "more than a host"),
        ("vmc://127.0.0.1?nmaes=vrm", "did you mean 'names'"),
        ("vmc://127.0.0.1?names=arkti", "did you mean 'arkit'"),
        ("osc://127.0.0.1?a=1", "unknown option 'a' of osc; there are none"),
    ],
)
def test_a_wrong_address_is_said_in_a_sentence(text: str, why: str) -> None:
    with pytest.raises(BadAddress, match=why):
        open_stream(text)


def test_every_stream_is_a_sink_and_may_be_discarded_at_any_time() -> None:
    for protocol in UDP:
        stream = open_stream(f"{protocol}://127.0.0.1")
        assert isinstance(stream, Sink)
        stream.discard()
        stream.close()
    assert set(STREAMS) == {*UDP, "ws"}


def test_osc_messages_are_what_python_osc_hears() -> None:
    bundle = pytest.importorskip("pythonosc.osc_bundle").OscBundle
    with listening() as (listener,):
        packets = streamed("vmc://127.0.0.1:{port}", listener, TWO[:1])
    theirs = [OscMessage(one.address, tuple(one.params)) for packet in packets for one in bundle(packet)]
    assert theirs == [one for packet in packets for one in read_messages(packet)]
    assert max(map(len, packets)) <= 1400
