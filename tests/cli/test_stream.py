"""`commedia stream` as a user meets it, and `commedia retarget` on what a phone sends: receivers, Ctrl-C, errors."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from faces_to_send import face_params
from PIL import Image
from stage import film, models_for, two_people

from commedia.cli.main import main
from commedia.conventions import EXPRESSION_INDEX
from commedia.formats.livelink_csv import LiveLinkCsvWriter
from commedia.formats.livelink_udp import LiveLinkPacket, packet_bytes, packet_values, read_packet
from commedia.formats.take import TakeReader
from commedia.outputs.sink import write_all

JAW = EXPRESSION_INDEX["jawOpen"]

STRENGTH = "note: expressions are played with a strength of"


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(10)
        yield one


def recording(folder: Path, frames: int = 6) -> Path:
    keys = ((Fraction(index, 60), face_params(jawOpen=index / 10)) for index in range(frames))
    return write_all(LiveLinkCsvWriter(folder / "take.csv"), keys)


def heard(receiver: socket.socket, count: int) -> list[LiveLinkPacket]:
    return [read_packet(receiver.recv(4096)) for _ in range(count)]


def address(receiver: socket.socket) -> str:
    return f"livelink://127.0.0.1:{receiver.getsockname()[1]}"


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_recording_is_played_to_two_receivers_and_the_end_is_rest(
    receiver: socket.socket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(10)
        assert main(["stream", str(recording(tmp_path)), "--to", address(receiver), address(other)]) == 0
        shown = capsys.readouterr().err
        sent = int(shown.split("commedia: ")[1].split(" frames of 1 people sent to")[0])
        packets = heard(receiver, sent + 1)
        assert [packet.values.tolist() for packet in heard(other, sent + 1)] == [one.values.tolist() for one in packets]
    jaws = [round(float(packet.values[JAW]), 5) for packet in packets]
    # A slow machine leaves out frames, and says so.
    assert jaws[:-1] == sorted(set(jaws[:-1]))
    assert set(jaws) <= {index / 10 for index in range(6)}
    assert sent == 6 or "frames left out, as they were late" in shown
    assert jaws[-1] == 0
    assert {packet.subject for packet in packets} == {"commedia-1"}
    assert STRENGTH not in shown, "what others recorded is played as it is"


def test_a_video_is_followed_and_everybody_sent(
    receiver: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was assumed of it is said: how strong expressions are, unless the user says that."""
    world = two_people()
    monkeypatch.setattr("commedia.cli.stream.open_models", lambda mfn, sfn: models_for(world))
    clip = film(world, tmp_path / "clip.mp4")
    assert main(["stream", str(clip), "--to", address(receiver), "--mirror"]) == 0
    assert heard(receiver, 1)[0].subject == "commedia-1"
    assert STRENGTH in capsys.readouterr().err
    assert main(["stream", str(clip), "--to", address(receiver), "--strength", "1"]) == 0
    assert STRENGTH not in capsys.readouterr().err


def test_ctrl_c_ends_a_loop_in_order(receiver: socket.socket, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)

    def interrupt() -> None:
        try:
            heard(receiver, 8)
        finally:  # or else a failure here would never end
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert main(["stream", str(recording(tmp_path)), "--to", address(receiver), "--loop"]) == 0
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before


def phone(port: int, over: threading.Event) -> None:
    """Sends a jaw that opens, again and again, until it is told to stop."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        while not over.is_set():
            values = packet_values(face_params(jawOpen=0.75, yaw_deg=15))
            packet = LiveLinkPacket("3F2504E0-4F89-11D3-9A0C-0305E82C3301", "iPhone", Fraction(0), Fraction(60), values)
            one.sendto(packet_bytes(packet), ("127.0.0.1", port))
            time.sleep(0.01)


def test_a_phone_is_recorded_and_its_avatar_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port, over = free_port(), threading.Event()
    thread = threading.Thread(target=phone, args=(port, over))
    thread.start()
    out = tmp_path / "out"
    command = ["retarget", f"livelink://127.0.0.1:{port}", "-o", str(out), "--seconds", "0.3", "--formats", "csv"]
    assert main(command) == 0
    over.set()
    thread.join()
    frames = list(TakeReader(out / "take.jsonl"))
    assert frames[-1].faces[0].params.expression[JAW] == pytest.approx(0.75, abs=1e-5)
    assert {path.name for path in out.iterdir()} == {"person-01.csv", "take.jsonl"}
    shown = capsys.readouterr()
    assert f"waiting for livelink:{port}; it ends 0.3 s after the first packet" in shown.err


def test_a_phone_is_passed_on_to_another_program(receiver: socket.socket) -> None:
    port, over = free_port(), threading.Event()
    thread = threading.Thread(target=phone, args=(port, over))
    thread.start()
    assert main(["stream", f"livelink://127.0.0.1:{port}", "--to", address(receiver), "--seconds", "0.2"]) == 0
    over.set()
    thread.join()
    assert heard(receiver, 1)[0].values[JAW] == pytest.approx(0.75, abs=1e-6)


def test_nobody_there_to_take_it_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stream", str(recording(tmp_path)), "--to", f"ifacialmocap://127.0.0.1:{free_port()}"]) == 0
    assert capsys.readouterr().err.count("nobody takes the stream at 127.0.0.1") == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["take.csv", "--to", "vcm://127.0.0.1"], "did you mean 'vmc'"),
        (["take.csv", "--to"], "names nobody"),
        (["none.csv", "--to", "vmc://127.0.0.1"], "there is no file"),
        (["take.csv", "--to", "vmc://127.0.0.1", "--seconds", "0"], "--seconds 0 is no time"),
        (["livelink://127.0.0.1:0", "--to", "vmc://127.0.0.1", "--rate", "30"], "is read by its protocol"),
        (["osc://127.0.0.1:0", "--to", "vmc://127.0.0.1"], "cannot be received"),
        (["take.csv", "--to", "vmc://127.0.0.1", "--faces", "1"], "shows none"),
        (["still.png", "--to", "vmc://127.0.0.1"], "does not move"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    recording(tmp_path)
    Image.new("RGB", (64, 64)).save("still.png")
    assert main(["stream", *arguments]) == 2
    shown = capsys.readouterr().err
    assert why in shown
    assert "Traceback" not in shown


def test_seconds_are_not_for_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retarget", str(recording(tmp_path)), "-o", str(tmp_path / "out"), "--seconds", "3"]) == 2
    assert "a file has its own end" in capsys.readouterr().err
