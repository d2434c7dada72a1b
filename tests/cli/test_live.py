"""`commedia live` as a user meets it: a page, a recording, a bench, and sentences for what cannot be."""

import json
import os
import re
import signal
import socket
import threading
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from faces_to_send import face_params
from rigs import small_builder
from stage import Webcam, film, models_for, picture, two_people

from commedia.cli.main import main
from commedia.formats.livelink_csv import LiveLinkCsvWriter
from commedia.formats.livelink_udp import read_packet
from commedia.formats.take import TakeReader
from commedia.outputs.sink import write_all

client = pytest.importorskip("websockets.sync.client")
ConnectionClosed = pytest.importorskip("websockets.exceptions").ConnectionClosed


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run the verb with one small character for all; the networks know the film."""
    world = two_people()
    monkeypatch.setattr("commedia.cli.live.open_models", lambda *_, **__: models_for(world))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    small = tmp_path / "small.glb"
    small.write_bytes(small_builder(("jawOpen", "eyeBlinkLeft")).to_bytes())

    def run(*arguments: str) -> int:
        return main(["live", "--cast", f"default={small}", "--port", "0", "--no-browser", *arguments])

    return run


@pytest.fixture
def clip(tmp_path: Path) -> str:
    return str(film(two_people(), tmp_path / "clip.mp4"))


def test_a_clip_is_played_as_a_camera_recorded_and_measured(
    live, clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert live(clip, "--bench", "--record", str(out), "--formats", "csv") == 0
    shown = capsys.readouterr()
    assert re.search(r"the page is at http://127\.0\.0\.1:\d+/\n", shown.err)
    assert re.search(r"for OBS: http://127\.0\.0\.1:\d+/\?view=stage\n", shown.err)
    assert "capture to send, in ms" in shown.out
    assert f"recorded to {out}: person-01.csv" in shown.err
    frames = list(TakeReader(out / "take.jsonl"))
    assert any(frame.faces for frame in frames)
    assert live(clip, "--record", str(out)) == 2
    assert "holds results of an earlier run" in capsys.readouterr().err


def test_a_page_lends_its_camera(live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client does what the page does: it sends JPEGs, one at a time, and sees itself move."""
    heard: list[bytes] = []
    sentences: list[str] = []
    world = two_people()

    def lend(address: str) -> None:
        # The session ends while the page still sends.
        with suppress(ConnectionClosed), client.connect(f"{address}/moments", compression=None, proxy=None) as page:
            state = json.loads(page.recv(10))
            assert (state["browser_camera"], state["phase"]) == (True, "starting")
            with client.connect(f"{address}/camera", compression=None, proxy=None) as camera:
                for index in range(60):
                    image = cv2.cvtColor(picture(world, index % 18), cv2.COLOR_RGB2BGR)
                    camera.send(cv2.imencode(".jpg", image)[1].tobytes())
                    assert camera.recv(10) == "taken"
                    try:
                        while len(heard) < 4:
                            got = page.recv(0.03)
                            if isinstance(got, bytes):
                                heard.append(got)
                                page.send(json.dumps({"shown": int.from_bytes(got[4:8], "little")}))
                    except TimeoutError:
                        pass

    threads: list[threading.Thread] = []

    def say(sentence: str) -> None:
        sentences.append(sentence)
        if "waiting for the page's camera" in sentence:
            link = next(re.search(r"http://([^/]+)/", one) for one in sentences if "the page is at" in one)
            threads.append(threading.Thread(target=lend, args=(f"ws://{link[1]}",)))
            threads[0].start()

    monkeypatch.setattr("commedia.cli.live.say", say)
    assert live("browser://", "--seconds", "1") == 0
    threads[0].join()
    assert heard
    numbers = np.frombuffer(heard[-1], "<f4", int.from_bytes(heard[-1][8:12], "little"), 16)
    assert numbers[2] >= 1
    assert heard[-1][16 + 4 * len(numbers) :][:2] == b"\xff\xd8"


def test_nothing_that_is_unplugged_or_killed_stops_it(
    live, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The camera goes and comes back, one receiver ends, a page vanishes: who is left hears everybody to the end."""
    webcam = Webcam(lost_after=7)
    monkeypatch.setattr("commedia.sources.live.cameras.WebcamCapture", webcam)
    monkeypatch.setattr("commedia.sources.live.camera.PAUSES_S", (0.0,))
    sentences: list[str] = []
    monkeypatch.setattr("commedia.cli.live.say", sentences.append)
    left, killed = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for one in (left, killed):
        one.bind(("127.0.0.1", 0))
        one.settimeout(120)
    heard_at_the_end: list[str] = []

    def story() -> None:
        try:
            killed.recv(4096)
            killed.close()
            link = next(found for one in sentences if (found := re.search(r"the page is at http://([^/]+)/", one)))
            with client.connect(f"ws://{link[1]}/moments", compression=None, proxy=None) as page:
                assert next(heard for heard in page if isinstance(heard, bytes))
                page.socket.shutdown(socket.SHUT_RDWR)
            while webcam.opened < 4:
                left.recv(4096)
            heard_at_the_end.extend(read_packet(left.recv(4096)).subject for _ in range(5))
        finally:  # or else a failure here would never end
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=story)
    thread.start()
    ports = [one.getsockname()[1] for one in (left, killed)]
    assert live("camera://0", "--to", *(f"livelink://127.0.0.1:{port}" for port in ports)) == 0
    thread.join()
    left.close()
    assert len(heard_at_the_end) == 5
    assert "commedia-1" in heard_at_the_end
    shown = capsys.readouterr().err
    gone = f"port {ports[1]}): Connection refused"
    assert shown.count(gone) == 1, "a receiver that is gone is said once"
    assert "gives no pictures any more; waiting until it is back" in shown
    assert "'camera://0' is back after" in shown
    assert "the page" not in shown


def test_motion_of_a_phone_needs_no_network(live, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = ((Fraction(index, 60), face_params(jawOpen=index / 10)) for index in range(6))
    table = write_all(LiveLinkCsvWriter(tmp_path / "take.csv"), keys)
    assert live(str(table), "--seconds", "0.3") == 0
    assert re.search(r"[1-9]\d* frames of 1 people shown", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--bench"], "--bench plays a file"),
        (["{clip}", "--faces", "0"], "leaves nobody"),
        (["{clip}", "--seconds", "1", "--minutes", "1"], "both say when to end"),
        (["{clip}", "--to", "mail://me"], "mail"),
        (["{clip}", "--host", "no such host"], "cannot be served"),
        (["{clip}", "--port", "99999"], "cannot be served"),
        (["{clip}", "--look", "own"], "--look own is for the default head"),
        (["nothing.mp4"], "there is no file"),
        (["camera://7"], "'camera://7' cannot be opened"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    live, clip: str, arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert live(*(argument.format(clip=clip) for argument in arguments)) == 2
    shown = capsys.readouterr().err
    assert why in shown
    assert "Traceback" not in shown
