"""The camera of a page: what it sends is watched, and whatever else comes is passed over."""

import threading
import time

import cv2
import numpy as np
import pytest
from PIL import Image

from commedia.errors import UnreadableMedia
from commedia.sources.live.browser_camera import BrowserCamera, picture_from_jpeg
from commedia.sources.live.camera import CameraSource


def jpeg(grey: int, width: int = 64, height: int = 48) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), (grey, grey, 255 - grey), np.uint8))[1].tobytes()


def test_a_jpeg_is_rgb() -> None:
    picture = picture_from_jpeg(jpeg(40))
    assert picture is not None
    assert picture.shape == (48, 64, 3)
    assert abs(picture[0, 0].astype(int) - [215, 40, 40]).max() < 8


def test_hostile_messages_are_no_pictures(rng: np.random.Generator, tmp_path) -> None:
    good = jpeg(9)
    png = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(png)
    large = bytearray(good)
    at = large.index(b"\xff\xc0") + 5
    large[at : at + 4] = b"\xff\xff\xff\xff"
    for data in (b"", b"\xff\xd8\xff", good[:100], png.read_bytes(), bytes(large), b"x" * 1000, rng.bytes(4000)):
        assert picture_from_jpeg(data) is None or data == good[:100]
    for _ in range(200):
        damaged = bytearray(good)
        for place in rng.integers(0, len(good), 4):
            damaged[place] = rng.integers(0, 256)
        picture = picture_from_jpeg(bytes(damaged))
        assert picture is None or picture.ndim == 3


def test_the_newest_picture_is_watched_and_silence_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commedia.sources.live.browser_camera.SILENT_S", 0.05)
    camera, said = BrowserCamera(), []
    camera.take(jpeg(10))
    camera.take(b"no picture")
    camera.take(jpeg(200))
    source = CameraSource("browser://", lambda: camera, said.append, pauses_s=(0.01,))
    frames = iter(source)
    assert next(frames).image[0, 0, 1] > 150, "the first was replaced"

    def later() -> None:
        while not said:
            time.sleep(0.01)
        camera.take(b"no picture")
        camera.take(jpeg(60))

    thread = threading.Thread(target=later)
    thread.start()
    assert next(frames).image[0, 0, 1] < 80
    thread.join()
    assert "sends no pictures any more" in said[0]
    assert "is back after" in said[-1]


def test_waiting_for_a_page_can_be_ended() -> None:
    camera = BrowserCamera()
    threading.Timer(0.05, camera.stop).start()
    assert not camera.wait_for_page()
    with pytest.raises(UnreadableMedia):
        camera.read()
