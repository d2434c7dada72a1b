"""A phone as a source: what is sent to a port on this machine comes out as frames of tracked faces."""

import socket
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from faces_to_send import any_params, face_params, tracked, turn_between_deg
from phones import WRITERS, livelink_bytes, posted
from streams_world import info, moment

from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import BadAddress, UnreadableMedia
from commedia.formats import ifacialmocap
from commedia.formats.recorded import RecordedFace
from commedia.formats.take import TakeReader
from commedia.outputs.streams.open import open_stream
from commedia.pipeline import retarget
from commedia.sources.live.open import RECEIVERS, open_receiver
from commedia.sources.live.people import LOST_S, LivePeople
from commedia.sources.live.receiver import ReceiverSource
from commedia.sources.open import open_source
from commedia.sources.source import RecordedSource
from commedia.structures import TrackedFrame

JAW = EXPRESSION_INDEX["jawOpen"]


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        yield one


def frames(source: ReceiverSource, count: int) -> list[TrackedFrame]:
    found = list(islice(source, count))
    source.close()
    return found


@pytest.mark.parametrize("protocol", list(RECEIVERS))
def test_what_is_sent_is_seen(protocol: str, sender: socket.socket) -> None:
    params = face_params(20, -10, 5, jawOpen=0.5, eyeBlinkLeft=1.0)
    source = open_source(f"{protocol}://127.0.0.1:0")
    assert isinstance(source, RecordedSource)
    posted(sender, source, *[WRITERS[protocol](params)] * 5)
    seen = frames(source, 3)
    assert [frame.index for frame in seen] == [0, 1, 2]
    assert seen[0].time_s == 0
    assert seen[0].time_s < seen[1].time_s < seen[2].time_s < 5
    for frame in seen:
        (face,) = frame.faces
        assert (face.id, face.status) == (1, "tracked")
        np.testing.assert_allclose(face.params.expression[:18], params.expression[:18], atol=0.006)
        assert turn_between_deg(face.params.pose.wxyz, params.pose.wxyz) < 1e-2


@pytest.mark.parametrize("protocol", list(RECEIVERS))
def test_what_our_streams_send_our_receivers_see(protocol: str, rng: np.random.Generator) -> None:
    params = any_params(rng)
    source = open_source(f"{protocol}://127.0.0.1:0")
    stream = open_stream(f"{protocol}://127.0.0.1:{source.port}")
    stream.open(info())
    for step in range(5):
        stream.send(moment([tracked(params)], Fraction(step, 30)))
    (frame,) = frames(source, 1)
    stream.discard()
    (face,) = frame.faces
    np.testing.assert_allclose(face.params.expression, params.expression, atol=0.006)
    assert turn_between_deg(face.params.pose.wxyz, params.pose.wxyz) < 1e-2


def test_every_subject_is_a_person_and_the_first_sets_the_pace(sender: socket.socket) -> None:
    source = open_receiver("livelink://127.0.0.1:0")
    for jaw in (0.1, 0.2, 0.3, 0.4, 0.5):
        posted(sender, source, *(livelink_bytes(face_params(jawOpen=jaw * who), f"{who}") for who in (1, 2)))
    seen = frames(source, 3)
    jaws = [[(face.id, round(float(face.params.expression[JAW]), 2)) for face in frame.faces] for frame in seen]
    assert jaws == [[(1, 0.3)], [(1, 0.4), (2, 0.6)], [(1, 0.5), (2, 0.8)]]


def test_times_may_be_the_senders(sender: socket.socket) -> None:
    source = open_receiver("livelink://127.0.0.1:0?time=sender")
    day = Fraction(14 * 3600)
    posted(sender, source, *(livelink_bytes(face_params(), time_s=day + Fraction(step, 60)) for step in range(8)))
    assert [frame.time_s for frame in frames(source, 6)] == [Fraction(step, 60) for step in range(6)]


def test_a_phone_that_sees_nobody_gives_frames_without_faces(sender: socket.socket) -> None:
    source = open_receiver("livelink://127.0.0.1:0")
    posted(sender, source, *[livelink_bytes(face_params())] * 3, livelink_bytes(None))
    assert [len(frame.faces) for frame in frames(source, 2)] == [1, 0]


def test_silence_gives_frames_that_hold_and_then_lose() -> None:
    people = LivePeople()
    face = RecordedFace(np.full(52, 0.5), None)
    due = [people.hear("phone", face, Fraction(step, 60)) for step in range(4)]
    assert due == [False, False, True, True]
    seen_s = Fraction(3, 60)
    said = [[one.status for one in people.faces(seen_s + Fraction(wait))] for wait in (0.0, 0.2, 0.5, LOST_S)]
    assert said == [["tracked"], ["tracked"], ["held"], []]
    assert people.hear("other", face, seen_s) is False


def test_frames_go_on_in_silence(sender: socket.socket) -> None:
    source = open_receiver("livelink://127.0.0.1:0")
    posted(sender, source, *[livelink_bytes(face_params(jawOpen=0.5))] * 3)
    seen = frames(source, 4)
    assert [frame.faces[0].status for frame in seen[:3]] == ["tracked", "tracked", "tracked"]
    assert seen[3].faces[0].status == "held"


def test_it_ends_after_the_seconds_it_was_given_or_when_it_is_told(sender: socket.socket) -> None:
    source = open_receiver("ifacialmocap://127.0.0.1:0", seconds=0.15)
    posted(sender, source, *[ifacialmocap.packet_bytes(face_params())] * 3)
    assert 2 <= len(frames(source, 100)) <= 4
    source = open_receiver("ifacialmocap://127.0.0.1:0")
    source.stop()
    posted(sender, source, b"noise")
    with pytest.raises(UnreadableMedia, match="nothing was received as ifacialmocap"):
        list(source)
    source.close()


def test_a_phone_is_asked_for_its_motion(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(5)
        monkeypatch.setattr("commedia.sources.live.open.PHONE_PORT", phone.getsockname()[1])
        source = open_receiver("ifacialmocap://127.0.0.1:0?phone=127.0.0.1")
        request, sender = phone.recvfrom(100)
        source.close()
    assert request == b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
    assert sender[1] == source.port


def test_a_phone_is_recorded(sender: socket.socket, tmp_path: Path) -> None:
    source = open_receiver("livelink://127.0.0.1:0", seconds=0.25)
    posted(sender, source, *(livelink_bytes(face_params(jawOpen=step / 10)) for step in range(8)))
    summary = retarget(source, tmp_path / "out", preview=False)
    source.close()
    jaws = [frame.faces[0].params.expression[JAW] for frame in TakeReader(tmp_path / "out" / "take.jsonl")]
    assert jaws[:6] == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6, 0.7], abs=1e-5)
    assert [person.id for person in summary.people] == [1]
    assert summary.notes[0].startswith("received as livelink")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("osc://:9000", "cannot be received; livelink, ifacialmocap, vmc can"),
        ("livelnk://:11111", "did you mean 'livelink'"),
        ("livelink://127.0.0.1:0?time=never", "arrival, sender"),
        ("livelink://203.0.113.77:11111", "cannot be listened to"),
    ],
)
def test_a_wrong_address_is_said_in_a_sentence(text: str, why: str) -> None:
    with pytest.raises(BadAddress, match=why):
        open_source(text)


def test_a_port_that_is_taken_is_said() -> None:
    source = open_receiver("vmc://127.0.0.1:0")
    with pytest.raises(BadAddress, match="cannot be listened to: Address already in use"):
        open_receiver(f"vmc://127.0.0.1:{source.port}")
    source.close()


def test_names_that_noise_makes_up_become_nobody() -> None:
    people, face = LivePeople(), RecordedFace(np.zeros(52), None)
    for step in range(5000):
        people.hear(f"noise {step}", face, Fraction(step, 100))
    for step in range(5000, 5003):
        people.hear("phone", face, Fraction(step, 100))
    assert [one.id for one in people.faces(Fraction(5003, 100))] == [1]
