"""A camera that is unplugged and comes back, and what this machine says when a camera cannot be had."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from numbered import ScriptedCamera, number_in, numbered

from commedia.errors import UnreadableMedia
from commedia.sources.live import webcam
from commedia.sources.live.camera import CameraSource
from commedia.sources.live.webcam import WebcamCapture, camera_number

LOST = "'camera://0' gives no pictures any more"


def test_unplugged_and_plugged_in_again() -> None:
    """Lost after two pictures, refused twice, opened without a picture once, back with another size, lost again."""
    script = [
        *(numbered(1), numbered(2), LOST, "busy", "busy", numbered(3, 64, 128), numbered(4)),
        *(LOST, numbered(5), None),
    ]
    camera, said = ScriptedCamera(script), []
    clock = iter(range(0, 10**12, 10**9))
    source = CameraSource("camera://0", camera.open, said.append, clock_ns=lambda: next(clock), pauses_s=(0.0,))
    assert (source.info.width_px, source.info.height_px, source.info.is_live) == (128, 64, True)
    assert source.info.frame_rate == 25
    frames = list(source)
    assert [number_in(frame.image) for frame in (*frames[:2], frames[4])] == [1, 2, 5]
    assert len(frames) == 5
    assert {frame.image.shape for frame in frames} == {(64, 128, 3)}
    # The picture of another shape keeps it: a quarter of the width is filled.
    assert frames[2].image[:, :32].any()
    assert not frames[2].image[:, 32:].any()
    times = [frame.time_s for frame in frames]
    assert times[0] == 0
    assert times == sorted(set(times))
    assert [sentence.partition("after")[0] for sentence in said] == [
        f"{LOST}; waiting until it is back",
        "'camera://0' is back ",
    ] * 2
    assert source.notes == ["'camera://0' was lost and waited for, times: 2"]
    source.close()
    assert camera.opened == camera.closed


def test_who_is_stopped_does_not_wait_for_a_lost_camera() -> None:
    camera = ScriptedCamera([numbered(1), LOST])
    source = CameraSource("camera://0", camera.open, lambda _: source.stop(), pauses_s=(1000.0,))
    assert [number_in(frame.image) for frame in source] == [1]


def test_a_camera_that_gives_nothing_at_first_is_an_error() -> None:
    for script in ([None], [LOST]):
        with pytest.raises(UnreadableMedia, match="'camera://0'"):
            CameraSource("camera://0", ScriptedCamera(script).open)


class Device:
    """What `cv2.VideoCapture` is to this program."""

    def __init__(self, opens: bool, pictures: int = 0):
        self._opens, self._left, self.released = opens, pictures, False

    def __call__(self, number: int, system: int) -> "Device":
        self.number = number
        return self

    def isOpened(self) -> bool:
        return self._opens

    def set(self, *_: object) -> bool:
        return False

    def get(self, name: int) -> float:
        return 29.97 if name == cv2.CAP_PROP_FPS else 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        self._left -= 1
        return (True, np.full((4, 6, 3), (250, 10, 20), np.uint8)) if self._left >= 0 else (False, None)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, "USB Video"), (0, "HD Pro\x1b[31m Webcam"), (4, "USB Video 2")]
    infos = [SimpleNamespace(index=number, name=name) for number, name in found]
    module = SimpleNamespace(enumerate_cameras=lambda system: infos)
    monkeypatch.setattr(webcam, "optional", lambda *_: module)


def test_cameras_have_numbers_and_names_that_may_be_printed(cameras: None) -> None:
    assert webcam.list_cameras() == [(0, "HD Pro[31m Webcam"), (2, "USB Video"), (4, "USB Video 2")]
    assert camera_number("camera://7") == 7
    assert camera_number("camera://usb video") == 2
    assert camera_number("camera://hd%20pro") == 0


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("camera://USB", "fits 2 cameras"),
        ("camera://UBS Video", "is no camera of this machine; did you mean 'USB Video'"),
        ("camera://", "is no camera of this machine"),
        ("camera://-1", "is no camera of this machine"),
        ("camera://99999999999999999999", "is no camera"),
    ],
)
def test_a_name_that_fits_no_camera_says_which_there_are(cameras: None, asked: str, why: str) -> None:
    with pytest.raises(UnreadableMedia, match=why) as error:
        WebcamCapture(asked, Device(opens=True))
    assert "2 (USB Video), 4 (USB Video 2)" in str(error.value)


def test_a_camera_that_cannot_be_opened_says_what_there_is(cameras: None) -> None:
    device = Device(opens=False)
    with pytest.raises(UnreadableMedia, match=r"'camera://63' cannot be opened: .*there are: 0 \(HD Pro"):
        WebcamCapture("camera://63", device)
    assert device.released


def test_pictures_are_rgb_until_the_device_is_gone(cameras: None) -> None:
    device = Device(opens=True, pictures=2)
    capture = WebcamCapture("camera://video 2", device)
    assert device.number == 4
    assert float(capture.frame_rate or 0) == pytest.approx(29.97, abs=1e-3)
    assert capture.read()[0, 0].tolist() == [20, 10, 250]
    capture.read()
    with pytest.raises(UnreadableMedia, match="gives no pictures any more"):
        capture.read()
