"""`commedia stream` and `commedia retarget` with a camera, as a user meets them; the camera is a clip in memory."""

import os
import signal
import socket
import threading
from fractions import Fraction
from pathlib import Path

import pytest
from stage import Webcam, film, models_for

from commedia.cli.main import main
from commedia.formats.livelink_udp import read_packet
from commedia.formats.take import TakeReader


@pytest.fixture
def webcam(monkeypatch: pytest.MonkeyPatch) -> Webcam:
    one = Webcam()
    monkeypatch.setattr("commedia.sources.live.cameras.WebcamCapture", one)
    monkeypatch.setattr("commedia.sources.live.camera.PAUSES_S", (0.0,))
    for verb in ("stream", "retarget"):
        monkeypatch.setattr(f"commedia.cli.{verb}.open_models", lambda *_, **__: models_for(one.world))
    return one


@pytest.fixture
def receiver():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(10)
        yield one


def address(receiver: socket.socket) -> str:
    return f"livelink://127.0.0.1:{receiver.getsockname()[1]}"


def test_a_camera_is_streamed_for_so_long_and_measured(
    webcam: Webcam, receiver: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stream", "camera://0", "--to", address(receiver), "--seconds", "0.5", "--bench"]) == 0
    assert read_packet(receiver.recv(4096)).subject == "commedia-1"
    shown = capsys.readouterr()
    assert "watching camera:0; it ends 0.5 s after the first picture" in shown.err
    assert f"people sent to {address(receiver)}" in shown.err
    assert "frames/s; capture to send p50" in shown.err
    assert "capture to send, in ms" in shown.out
    assert "of one core" in shown.out


def test_ctrl_c_ends_a_camera_that_comes_and_goes(
    webcam: Webcam, receiver: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    webcam._lost_after, before = 7, signal.getsignal(signal.SIGINT)

    def interrupt() -> None:
        try:
            while webcam.opened < 3:
                receiver.recv(4096)
        finally:  # or else a failure here would never end
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert main(["stream", "camera://0", "--to", address(receiver)]) == 0
    thread.join()
    shown = capsys.readouterr().err
    assert "gives no pictures any more; waiting until it is back" in shown
    assert "'camera://0' is back after" in shown
    assert "note: 'camera://0' was lost and waited for, times:" in shown
    assert signal.getsignal(signal.SIGINT) is before


def test_a_camera_is_recorded(webcam: Webcam, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["retarget", "camera://0", "-o", str(out), "--seconds", "0.6", "--formats", "csv"]
    assert main(command) == 0
    frames = list(TakeReader(out / "take.jsonl"))
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert frames[0].time_s == 0
    assert frames[-1].time_s < Fraction(6, 10)
    assert any(frame.faces for frame in frames)
    assert (out / "person-01.csv").exists()
    assert not (out / "preview.mp4").exists()


def test_a_file_is_played_as_a_camera(webcam: Webcam, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stream", str(film(webcam.world, tmp_path / "clip.mp4")), "--bench"]) == 0
    shown = capsys.readouterr()
    assert "sent to nobody" in shown.err
    assert "all" in shown.out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["camera://0", "--bench", "--loop"], "--loop begins a file again"),
        (["camera://0", "--bench", "--seconds", "1", "--minutes", "1"], "both say when to end"),
        (["camera://0", "--bench", "--minutes", "-1"], "--minutes -1 is no time"),
        (["camera://0"], "--to names nobody"),
        (["--bench"], "nothing to watch"),
        (["http://127.0.0.1:1/", "--bench"], "'http://127.0.0.1:1/' cannot be watched"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    webcam: Webcam, arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stream", *arguments]) == 2
    shown = capsys.readouterr().err
    assert why in shown
    assert "Traceback" not in shown


def test_cameras_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for found, out in (([(0, "HD Pro"), (2, "USB")], "camera://0  HD Pro\ncamera://2  USB\n"), ([], "")):
        monkeypatch.setattr("commedia.cli.stream.cameras", lambda found=found: found)
        assert main(["stream", "--list-cameras"]) == 0
        shown = capsys.readouterr()
        assert shown.out == out
        assert ("no camera" in shown.err) == (not found)
