"""MJPEG from a server in this process, good and hostile, and a video on a pipe."""

import io
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path

import av
import cv2
import pytest
from numbered import number_in, numbered

from commedia.errors import UnreadableMedia
from commedia.sources.live.camera import CameraSource
from commedia.sources.live.cameras import is_camera, open_camera
from commedia.sources.live.network_camera import NetworkCapture, shown_address

MJPEG = "multipart/x-mixed-replace; boundary=frame"


def jpeg(number: int) -> bytes:
    return cv2.imencode(".jpg", numbered(number)[..., ::-1])[1].tobytes()


def part(data: bytes) -> bytes:
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(data), data)


class Server:
    """Serves what `bodies` says for each path, and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bodies: dict[str, tuple[str, Callable[[], bytes]]] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                kind, body = server.bodies.get(self.path, ("", lambda: b""))
                if kind.startswith("http"):
                    self.send_response(302)
                    self.send_header("Location", kind)
                else:
                    self.send_response(200 if kind else 404)
                    self.send_header("Content-Type", kind or "text/html")
                self.end_headers()
                self.wfile.write(body())

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.close()


def test_a_server_that_hangs_up_is_asked_again(server: Server) -> None:
    rounds = iter(range(100))

    def body() -> bytes:
        first = 4 * next(rounds)
        return b"".join(part(jpeg(first + count)) for count in range(4))

    server.bodies["/live"] = (MJPEG, body)
    said: list[str] = []
    address = f"{server.address}/live"
    with CameraSource("the door", lambda: NetworkCapture(address), said.append, pauses_s=(0.0,)) as source:
        numbers = [number_in(frame.image) for frame in islice(source, 8)]
    # How many of the last pictures before a hang-up come is up to FFmpeg.
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 0
    assert numbers[-1] >= 4
    assert len(server.asked) >= 2
    assert "sends no pictures any more" in said[0]
    assert said[1].startswith("'the door' is back after")


def test_a_damaged_picture_is_passed_over(server: Server) -> None:
    broken = [jpeg(1)[:300], b"no picture at all", b"", os.urandom(2000)]
    body = part(jpeg(0)) + b"".join(map(part, broken)) + part(jpeg(7)) + part(jpeg(8))
    server.bodies["/live"] = (MJPEG, lambda: body)
    capture = NetworkCapture(f"{server.address}/live")
    numbers: list[int] = []
    with pytest.raises(UnreadableMedia, match="sends no pictures any more"):
        numbers.extend(number_in(capture.read()) for _ in range(100))
    capture.close()
    assert numbers[0] == 0
    assert 7 in numbers


def test_what_is_no_camera_is_one_sentence_and_nothing_else_is_asked_for(server: Server) -> None:
    elsewhere = Server()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{elsewhere.address}/secret.ts\n".encode()
    garbage = b"".join(part(bytes([number]) * 500) for number in range(200))
    server.bodies |= {
        "/page": ("text/html", lambda: b"<html>log in</html>" * 50),
        "/moved": (f"{elsewhere.address}/secret", lambda: b""),
        "/list.m3u8": ("application/vnd.apple.mpegurl", lambda: playlist),
        "/dash.mpd": ("application/dash+xml", lambda: b"<MPD><BaseURL>" + elsewhere.address.encode()),
        "/concat": ("text/plain", lambda: b"ffconcat version 1.0\nfile " + elsewhere.address.encode()),
        "/wrong": ("multipart/x-mixed-replace; boundary=frame", lambda: b"<html>" * 100),
        "/nothing": (MJPEG, lambda: b""),
        "/garbage": (MJPEG, lambda: garbage),
    }
    for path in (*server.bodies, "/missing"):
        with pytest.raises(UnreadableMedia, match=f"'{server.address}{path}'") as error:
            CameraSource("here", lambda path=path: NetworkCapture(f"{server.address}{path}"))
        assert "\n" not in str(error.value)
    assert elsewhere.asked == []
    elsewhere.close()


def test_nobody_there_and_no_password_shown() -> None:
    for scheme in ("http", "rtsp"):
        with pytest.raises(UnreadableMedia, match=f"'{scheme}://127.0.0.1:1/x' cannot be watched") as error:
            NetworkCapture(f"{scheme}://anna:secret@127.0.0.1:1/x")
        assert "secret" not in str(error.value)
    assert shown_address("rtsp://a:b@c@[::1]:5/d?e#f") == "rtsp://[::1]:5/d?e#f"


def video(frames: int) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("mjpeg", rate=100)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuvj420p"
        for number in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(number))))
        container.mux(stream.encode())
    return buffer.getvalue()


def piped(data: bytes) -> int:
    """The end of a pipe through which this comes."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(data)

    threading.Thread(target=write, daemon=True).start()
    return reading


def test_a_video_on_a_pipe_is_seen_whole_and_ends() -> None:
    reading = piped(video(12))
    with CameraSource("-", lambda: NetworkCapture("-", reading)) as source:
        assert [number_in(frame.image) for frame in source] == list(range(12))
    os.close(reading)


@pytest.mark.parametrize("data", [b"", b"plain text\n" * 100, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hosts\n", bytes(5000)])
def test_a_pipe_without_a_video_is_one_sentence(data: bytes) -> None:
    reading = piped(data)
    with pytest.raises(UnreadableMedia, match="'standard input' cannot be watched"):
        NetworkCapture("-", reading)
    os.close(reading)


def test_only_what_comes_now_is_a_camera(server: Server, tmp_path: Path) -> None:
    for text in ("-", "camera://0", "rtsp://host/x", "HTTP://host", "https://host/x"):
        assert is_camera(text)
    for text in ("clip.mp4", "livelink://:11111", "ftp://host", "file:///etc/hosts", "", str(tmp_path / "-")):
        assert not is_camera(text)
    server.bodies["/live"] = (MJPEG, lambda: b"".join(part(jpeg(count)) for count in range(3)))
    with open_camera(f"{server.address}/live".replace("http", "HTTP", 1), seconds=1.0) as source:
        assert source.info.is_live
        assert next(iter(source)).image.shape == (64, 128, 3)
