"""Pages that lend their camera: one at a time."""

from pathlib import Path

import pytest
from served import serving
from websockets.exceptions import ConnectionClosed

from commedia.sources.live.browser_camera import BrowserCamera


def test_of_two_pages_that_lend_their_cameras_the_later_is_watched(tmp_path: Path) -> None:
    taken: list[bytes] = []

    class Camera(BrowserCamera):
        def take(self, jpeg: bytes) -> None:
            taken.append(jpeg)

    with serving(tmp_path, camera=Camera()) as served, served.page("/camera") as one, served.page("/camera") as other:
        other.send(b"second")
        assert other.recv(10) == "taken"
        one.send(b"first")
        with pytest.raises(ConnectionClosed, match="another page"):
            one.recv(10)
        other.send("no picture")
        with pytest.raises(ConnectionClosed):
            other.recv(10)
    assert taken == [b"second"]
