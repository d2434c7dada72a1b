"""A server of `commedia live` with one small character for all, and clients that ask it over real sockets."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from faces_to_send import face_params, frame_of, tracked
from rigs import small_builder
from streams_world import info
from websockets.sync import client

from commedia.characters.gltf import read_character
from commedia.outputs.live.pages import Pages
from commedia.outputs.live.profiles import Profiles
from commedia.outputs.live.recorder import Recorder
from commedia.outputs.live.server import LiveServer
from commedia.outputs.live.show import Controls, Show
from commedia.retarget.cast import Cast
from commedia.sources.live.browser_camera import BrowserCamera
from commedia.structures import Frame, Moment

NAMES = ("jawOpen", "eyeBlinkLeft", "mouthSmileLeft")


@dataclass
class Served:
    show: Show
    pages: Pages
    server: LiveServer
    factors: list[float]
    """What smoothing was set to."""

    def said(self, number: int, **weights: float) -> Moment:
        """One moment of person 7, with a picture."""
        time_s = Fraction(number, 30)
        seen = frame_of(time_s, [tracked(face_params(**weights), 7)], number)
        frame = Frame(np.full((480, 640, 3), 90, np.uint8), number, time_s)
        moment = Moment(frame, seen, self.show.cast.acted(seen), {})
        self.pages.send(moment)
        return moment

    def page(self, path: str = "/moments", **options: Any) -> Any:
        return client.connect(
            f"ws://127.0.0.1:{self.server.port}{path}", compression=None, proxy=None, ping_interval=None, **options
        )

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def small_character(folder: Path, names: tuple[str, ...] = NAMES) -> Path:
    path = folder / "small.glb"
    path.write_bytes(small_builder(names).to_bytes())
    return path


@contextmanager
def serving(
    folder: Path, *, host: str = "127.0.0.1", camera: BrowserCamera | None = None, cast: Cast | None = None
) -> Iterator[Served]:
    factors: list[float] = []
    recorder = Recorder(None, lambda _: None, formats=("csv",))
    controls = Controls("clip.mp4", ("osc://127.0.0.1:9000",), camera is not None, factors.append)
    cast = cast or Cast(read_character(small_character(folder)))
    show = Show(cast, controls, recorder, Profiles(folder / "profiles.json"))
    pages = Pages(show)
    server = LiveServer(pages, host, 0, camera)
    server.start()
    pages.open(info(cast))
    try:
        yield Served(show, pages, server, factors)
    finally:
        pages.close()
        server.stop()


def texts(page: Any, kind: str) -> Iterator[dict[str, Any]]:
    """What a page hears of one kind of text, leaving out all else."""
    while True:
        heard = page.recv(10)
        if isinstance(heard, str) and json.loads(heard)["type"] == kind:
            yield json.loads(heard)


def state_where(page: Any, holds: Any) -> dict[str, Any]:
    """The first state for which something holds."""
    return next(state for state in texts(page, "state") if holds(state))


def moments(page: Any) -> Iterator[bytes]:
    """The moments that a page is told; says that it has shown each."""
    while True:
        heard = page.recv(10)
        if isinstance(heard, bytes):
            yield heard
            page.send(json.dumps({"shown": int.from_bytes(heard[4:8], "little")}))


def numbers_of(message: bytes) -> np.ndarray:
    return np.frombuffer(message, "<f4", int.from_bytes(message[8:12], "little"), 16)
