"""The server of `commedia live` with real clients: what pages hear, what they may change, and what is refused."""

import json
import socket
from pathlib import Path

import numpy as np
import pytest
from served import Served, moments, numbers_of, serving, small_character, state_where, texts
from streams_world import info
from vrms import vrm_head
from websockets.exceptions import ConnectionClosed, InvalidStatus

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import BadAddress
from commedia.formats.take import TakeReader
from commedia.outputs.live.app import MOST_UPLOAD
from commedia.outputs.live.pages import MOST_UNSHOWN
from commedia.outputs.live.server import LiveServer

JAW = 4 + 2 + EXPRESSION_INDEX["jawOpen"]
WEIGHTS = 4 + 62 + 8


@pytest.fixture
def served(tmp_path: Path):
    with serving(tmp_path) as one:
        yield one


def asked(page, **request: object) -> None:
    page.send(json.dumps(request))


def test_a_page_hears_who_there_is_then_what_they_do(served: Served) -> None:
    served.said(30, jawOpen=0.25)
    with served.page() as page:
        state = next(texts(page, "state"))
        (character,) = state["characters"]
        assert (state["phase"], state["source"], state["receivers"]) == (
            "running",
            "clip.mp4",
            ["osc://127.0.0.1:9000"],
        )
        message = next(moments(page))
        numbers = numbers_of(message)
        assert numbers[:3].tolist() == [1, 0, 1]
        assert numbers[JAW] == 0.25
        assert numbers[66] == 7
        assert np.allclose(numbers[67:71], [250 / 640, 170 / 480, 390 / 640, 330 / 480])
        assert numbers[71] == character["number"]
        assert numbers[72] == len(character["weights"]["0"])
        assert numbers[73] == len(character["turned"])
        assert numbers[WEIGHTS + character["weights"]["0"].index(0)] == 0.25
        assert message[16 + 4 * len(numbers) :][:3] == b"\xff\xd8\xff"
        status, file = served.request("GET", f"/characters/{character['number']}.glb")
        assert (status, file[:4]) == (200, b"glTF")


def test_the_stage_alone_gets_no_picture(served: Served) -> None:
    with served.page("/moments?pictures=0") as page:
        served.said(1)
        message = next(moments(page))
        assert len(message) == 16 + 4 * len(numbers_of(message))


def test_a_page_that_shows_nothing_makes_nobody_wait_and_gets_the_newest_later(served: Served) -> None:
    with served.page() as dead, served.page() as eager:
        for number in range(1, 201):
            served.said(number)  # with a page that reads nothing this would not come back, if it waited
        last = 0.0
        for message in moments(eager):
            whole, part = numbers_of(message)[:2]
            assert whole + part >= last
            last = float(whole + part)
            if last > 200 / 30 - 1e-3:
                break
        heard = []
        while len(heard) < MOST_UNSHOWN:
            got = dead.recv(10)
            if isinstance(got, bytes):
                heard.append(int.from_bytes(got[4:8], "little"))
        for number in heard:
            asked(dead, shown=number)
        assert int.from_bytes(next(moments(dead))[4:8], "little") == 200


def test_settings_change_what_everybody_is_sent(served: Served) -> None:
    with served.page() as page:
        served.said(1, jawOpen=0.3)
        asked(page, do="gains", person=7, gains={"jawOpen": 2.0})
        asked(page, do="mirror", on=True)
        asked(page, do="smooth", factor=0.5)
        state = state_where(page, lambda state: state["smoothing"] == 0.5 and state["mirror"])
        assert state["people"] == {"7": {"gains": {"jawOpen": 2.0}, "calibrated": False}}
        assert served.factors == [0.5]
        served.said(2, jawOpen=0.3, eyeBlinkLeft=1)
        for message in moments(page):
            numbers = numbers_of(message)
            if numbers[1] > 0.05:
                break
        assert np.isclose(numbers[JAW], 0.6)
        assert numbers[6 + EXPRESSION_INDEX["eyeBlinkRight"]] == 1, "mirrored"
        asked(page, do="forget", person=7)
        assert state_where(page, lambda state: not state["people"])
        assert served.show.cast.calibrations == {}


def test_somebody_is_calibrated_and_found_again_by_a_profile(served: Served) -> None:
    with served.page() as page:
        asked(page, do="calibrate", person=7)
        assert state_where(page, lambda state: state["calibrating"])["calibrating"]["phase"] == "rest"
        for number in range(260):
            served.said(number, jawOpen=0.2 if number < 70 else 0.2 + 0.5 * (number % 2))
        done = state_where(page, lambda state: state["people"].get("7", {}).get("calibrated"))
        assert done["calibrating"] is None
        assert "person 7 is calibrated" in done["sentences"]
        asked(page, do="save", person=7, name="Ada")
        assert state_where(page, lambda state: state["profiles"])["profiles"] == ["Ada"]
        asked(page, do="load", person=9, name="Ada")
        state = state_where(page, lambda state: "9" in state["people"])
        assert state["people"]["9"]["calibrated"]
        own = served.show.cast.calibrations
        assert np.allclose(own[9].rest, own[7].rest, atol=1e-4)
        assert own[7].rest[EXPRESSION_INDEX["jawOpen"]] == pytest.approx(0.2)


def test_a_page_begins_and_ends_a_recording(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recorder = served.show.recorder
    recorder.open(info(served.show.cast))
    with served.page() as page:
        asked(page, do="record", on=True)
        state_where(page, lambda state: recorder._wanted)
        for number in range(20):
            recorder.send(served.said(number, jawOpen=0.5))
        folder = state_where(page, lambda state: state["recording"])["recording"]
        asked(page, do="record", on=False)
        state_where(page, lambda state: not recorder._wanted)
        recorder.send(served.said(20))
        assert state_where(page, lambda state: not state["recording"])
    recorder.close()
    assert len(list(TakeReader(Path(folder) / "take.jsonl"))) == 20
    assert (Path(folder) / "person-07.csv").exists()


@pytest.mark.parametrize(
    "request_text",
    [
        "no json",
        "[" * 5000,
        "[]",
        '{"do": "format the disk"}',
        '{"do": "cast", "person": 1, "character": "../../etc/passwd"}',
        '{"do": "cast", "person": -1, "character": "isabella"}',
        '{"do": "gains", "person": 7, "gains": {"jawOpen": 1e9}}',
        '{"do": "gains", "person": 7, "gains": {"jaw": 1}}',
        '{"do": "gains", "person": true, "gains": {}}',
        '{"do": "smooth", "factor": NaN}',
        '{"do": "load", "person": 7, "name": "nobody"}',
        '{"do": "save", "person": 7, "name": "\\u0000"}',
        '{"shown": "x"}{',
        '{"do": "mirror", "on": true, "more": "' + "x" * 20000 + '"}',
    ],
)
def test_a_request_that_makes_no_sense_is_a_sentence(served: Served, request_text: str) -> None:
    before = json.dumps(served.show.to_json())
    with served.page() as page:
        page.send(request_text)
        assert next(texts(page, "refused"))["sentence"]
        served.said(1)
        assert next(moments(page))
    after = served.show.to_json()
    assert {**after, "characters": []} == json.loads(before) | {"names": after["names"], "choices": after["choices"]}


def test_a_character_that_is_dropped_on_somebody_is_theirs_on_all_pages(served: Served, tmp_path: Path) -> None:
    file = small_character(tmp_path, ("mouthSmileLeft", "jawOpen")).read_bytes()
    with served.page() as other:
        served.said(1, jawOpen=0.5)
        assert served.request("POST", "/characters?person=7&name=hero.vrm", file)[0] == 200
        served.said(2, jawOpen=0.5)
        state = state_where(other, lambda state: len(state["characters"]) == 2)
        assert state["characters"][1]["name"] == "hero"
        assert any(numbers_of(message)[71] == 2 for message in moments(other))


@pytest.mark.parametrize("version", [0, 1])
def test_a_vrm_that_is_dropped_plays_through_its_expressions(version: int, served: Served) -> None:
    """Its morphs say nothing by their names; the eyes follow the person's left and right."""
    assert served.request("POST", "/characters?person=7&name=hero.vrm", vrm_head(version))[0] == 200
    with served.page() as page:
        served.said(1, jawOpen=0.5, eyeBlinkLeft=0.75)
        (hero,) = (one for one in state_where(page, lambda state: state["characters"])["characters"])
        numbers = numbers_of(next(moments(page)))
        assert (hero["name"], numbers[71]) == ("hero", hero["number"])
    weights = numbers[74 : 74 + int(numbers[72])]
    assert len(weights) == len(EXPRESSION_NAMES)
    moved = {EXPRESSION_NAMES[row]: round(float(weights[row]), 3) for row in weights.nonzero()[0]}
    assert moved == {"jawOpen": 0.5, "eyeBlinkLeft": 0.75}


@pytest.mark.parametrize(
    ("query", "body", "sentence"),
    [
        ("person=7&name=hero.exe", b"glTF", "no character"),
        ("person=0&name=hero.glb", b"glTF", "whole number"),
        ("person=7&name=hero.glb", b"glTF\2\0\0\0\xff\xff\xff\xff", "hero is cut off"),
        ("person=7&name=hero.glb", b"MZ" * 100, "hero.glb is not a glTF"),
        ("person=7&name=hero.glb", b"", "empty"),
        ("person=7&name=..%2F..%2Fetc%2Fhero.glb", b"MZ" * 100, "hero.glb is not a glTF"),
    ],
)
def test_a_hostile_file_is_a_sentence(served: Served, query: str, body: bytes, sentence: str) -> None:
    status, text = served.request("POST", f"/characters?{query}", body)
    assert status == 422
    assert sentence in text.decode()
    assert "/tmp" not in text.decode()
    assert len(served.show.characters.all()) <= 1


def test_a_gigabyte_is_refused_before_it_is_sent(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=10) as one:
        head = "POST /characters?person=7&name=a.glb HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n"
        one.sendall(head.format(1 << 30).encode() + b"glTF")
        assert one.recv(4096).startswith(b"HTTP/1.1 413")
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=10) as one:
        one.sendall(head.format("9" * 5000).encode())
        assert one.recv(4096).split()[1] in (b"400", b"413")


def test_a_gigabyte_that_is_not_announced_is_cut_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commedia.outputs.live.app.MOST_UPLOAD", 1 << 20)
    sent = 0
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=10) as one:
        head = "POST /characters?person=7&name=a.glb HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        one.sendall(head.encode())
        try:
            while sent < MOST_UPLOAD:
                one.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 0x10000
        except OSError:
            pass
    assert sent < 32 << 20, "the rest is not taken"


@pytest.mark.parametrize("path", ["/", "/characters/1.glb", "/moments", "/camera"])
def test_another_site_is_refused_everywhere(served: Served, path: str) -> None:
    assert served.request("GET", path, Origin="https://evil.example")[0] == 403
    assert served.request("GET", path, Host="evil.example")[0] == 403
    if path in ("/moments", "/camera"):
        with pytest.raises(InvalidStatus), served.page(path, origin="https://evil.example"):
            pass


def test_beyond_this_machine_nobody_is_served_without_the_token(tmp_path: Path) -> None:
    with serving(tmp_path, host="0.0.0.0") as served:
        token = served.server.token
        assert len(token) >= 20
        assert served.server.links[0] == f"http://127.0.0.1:{served.server.port}/?token={token}"
        for path in ("/", "/?token=wrong", "/characters/1.glb"):
            assert served.request("GET", path)[0] == 403
        assert served.request("GET", f"/?token={token}")[0] == 200
        with pytest.raises(InvalidStatus), served.page():
            pass
        with served.page(f"/moments?token={token}") as page:
            assert next(texts(page, "state"))
    with serving(tmp_path) as served:
        assert served.server.token == ""


def test_the_page_may_reach_nothing_but_its_server(served: Served) -> None:
    status, page = served.request("GET", "/")
    assert status == 200
    assert b"No picture leaves this machine" in page
    assert not [found for found in (b'src="http', b"src='http", b'href="http', b"@import") if found in page]


def test_a_camera_that_nobody_watches_is_said(served: Served) -> None:
    with served.page("/camera") as page, pytest.raises(ConnectionClosed, match="browser://"):
        page.recv(10)


def test_a_port_that_is_taken_is_a_sentence(served: Served) -> None:
    with pytest.raises(BadAddress, match="--port 0"):
        LiveServer(served.pages, "127.0.0.1", served.server.port)
