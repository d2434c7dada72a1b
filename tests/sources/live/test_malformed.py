"""Ten thousand malformed packets to every receiver do not stop it: what is no packet is left out, and said once."""

import random
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction

import cv2
import numpy as np
import pytest
from faces_to_send import any_params, face_params
from phones import WRITERS, posted

from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import MalformedPacket, UnreadableMedia
from commedia.formats.recorded import MOST_PEOPLE
from commedia.sources.live.browser_camera import BrowserCamera
from commedia.sources.live.camera import CameraSource
from commedia.sources.live.inbox import Datagram
from commedia.sources.live.open import RECEIVERS, open_receiver
from commedia.sources.live.people import LivePeople
from commedia.structures import TrackedFace

JAW = EXPRESSION_INDEX["jawOpen"]
MANY = 10_000
GROWTH = 1 << 20
"""Bytes that may stay of as many packets: what is known of whoever may have sent them is bounded."""


def mutated(packet: bytes, chance: random.Random) -> bytes:
    data = bytearray(packet)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data)) if data else 0
        kind = chance.randrange(5)
        if kind == 0 and data:
            data[place] = chance.randrange(256)
        elif kind == 1 and data:
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del data[place : place + chance.randrange(1, 40)]
        elif kind == 3:
            data[place:place] = chance.randbytes(chance.randrange(1, 40))
        else:
            data[place : place + 4] = chance.choice(
                [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x7f\xc0\0\0"]
            )
    return bytes(data)


@pytest.mark.parametrize("count", [500, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("protocol", list(RECEIVERS))
def test_malformed_packets_are_refused_or_read_as_numbers_and_leave_nothing(
    protocol: str, count: int, rng: np.random.Generator
) -> None:
    chance, packet, refused, held = random.Random(count), WRITERS[protocol](any_params(rng)), 0, 0
    read, people = RECEIVERS[protocol](), LivePeople()
    tracemalloc.start()
    for number in range(count):
        if number == count // 2:
            held = tracemalloc.get_traced_memory()[0]
        try:
            heard = list(read(Datagram(mutated(packet, chance), "127.0.0.1", number)))
        except MalformedPacket:
            refused += 1
            continue
        for one in heard:
            people.hear(one.sender, one.face, Fraction(number, 60))
            assert one.face is None or one.face.expression.shape == (52,)
            assert one.face is None or one.face.head_wxyz is None or np.isfinite(one.face.head_wxyz).all()
    grown = tracemalloc.get_traced_memory()[0] - held
    tracemalloc.stop()
    assert 0.5 * count < refused < count
    assert grown < GROWTH


@pytest.mark.parametrize("protocol", list(RECEIVERS))
def test_a_receiver_outlives_ten_thousand_of_them(protocol: str) -> None:
    """Far more than may wait, at once; the loop goes on, who sends well is seen, and what was wrong is one note."""
    source = open_receiver(f"{protocol}://127.0.0.1:0")
    chance, (packet, other) = random.Random(16), (WRITERS[protocol](face_params(jawOpen=jaw)) for jaw in (0.75, 0.25))
    noise = [mutated(other, chance) for _ in range(MANY)]
    over = threading.Event()

    def phone() -> None:
        """Noise, then well and again and again: the system drops what a busy receiver leaves lying."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            posted(sender, source, *noise)
            while not over.is_set():
                posted(sender, source, packet)
                time.sleep(0.01)

    running = iter(source)
    with sending(phone, over):
        frame = next(frame for frame in running if any(_says_well(face) for face in frame.faces))
    source.stop()
    assert len(frame.faces) <= MOST_PEOPLE
    assert list(running) == []
    assert sum("no packets of this protocol" in note for note in source.notes) == 1
    source.close()


@contextmanager
def sending(what: Callable[[], None], over: threading.Event) -> Iterator[None]:
    """While this lasts somebody sends, in a thread of their own."""
    over.clear()
    thread = threading.Thread(target=what)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _says_well(face: TrackedFace) -> bool:
    return abs(float(face.params.expression[JAW]) - 0.75) < 0.006


def test_a_pages_camera_outlives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of pictures that are none the last is followed by a good one; when only such come, the page is lost."""
    monkeypatch.setattr("commedia.sources.live.browser_camera.SILENT_S", 0.2)
    good = cv2.imencode(".jpg", np.full((16, 16, 3), 120, np.uint8))[1].tobytes()
    chance, camera = random.Random(7), BrowserCamera()
    camera.take(good)
    source = CameraSource("browser://", lambda: camera, lambda _: None, pauses_s=(0.01,))
    frames, over = iter(source), threading.Event()
    next(frames)

    def page() -> None:
        for _ in range(MANY):
            camera.take(mutated(good, chance))
        while not over.is_set():
            camera.take(good)
            time.sleep(0.01)

    with sending(page, over):
        assert next(frame for frame in frames if abs(frame.image.astype(int) - 120).max() < 8)

    def noise() -> None:
        while not over.is_set():
            camera.take(b"no picture")
            time.sleep(0.01)

    with sending(noise, over), pytest.raises(UnreadableMedia, match="no pictures any more"):
        list(iter(camera.read, None))
    assert camera.unreadable > 5
    assert camera.notes == [f"messages of the page that were no pictures: {camera.unreadable}"]
