"""This machine's cameras: which there are, and one of them, by number or name, to its pictures."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from typing import Any
from urllib.parse import unquote

import cv2

from commedia.errors import MissingExtra, UnreadableMedia, nearest, optional
from commedia.sources.live.camera import Picture

SYSTEMS = {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION, "win32": cv2.CAP_DSHOW}
"""Which of OpenCV's ways to cameras is taken: numbers and names are those of this one."""
LONGEST_NAME = 80
Device = Callable[[int, int], Any]
"""`cv2.VideoCapture`, or what a test puts in its place."""


def list_cameras() -> list[tuple[int, str]]:
    """The number and name of every camera that this machine has; raises `MissingExtra` without `commedia[live]`."""
    module = optional("cv2_enumerate_cameras", "listing cameras", "live", "cv2-enumerate-cameras")
    found = module.enumerate_cameras(_system())
    # A device may call itself anything.
    names = {one.index: "".join(filter(str.isprintable, str(one.name)))[:LONGEST_NAME] for one in found}
    return sorted(names.items())


class WebcamCapture:
    """One of this machine's cameras."""

    def __init__(self, address: str, device: Device = cv2.VideoCapture):
        """`address` is camera://0 or camera://NAME, or a part of a name. Raises `UnreadableMedia`."""
        self._address = address
        number = camera_number(address)
        with suppress(AttributeError):
            # What it has to say is in our own sentence.
            cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._device = device(number, _system())
        if not self._device.isOpened():
            self._device.release()
            raise UnreadableMedia(f"'{address}' cannot be opened: {_why(number)}; {_what_exists()}")
        self._device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        rate = float(self._device.get(cv2.CAP_PROP_FPS))
        self.frame_rate = Fraction(rate).limit_denominator(1001) if 0 < rate < 1e4 else None

    def read(self) -> Picture:
        given, picture = self._device.read()
        if not given or picture is None or picture.ndim != 3 or picture.shape[2] != 3:
            raise UnreadableMedia(f"'{self._address}' gives no pictures any more")
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    def close(self) -> None:
        self._device.release()


def camera_number(address: str) -> int:
    """camera://1 or camera://NAME to the camera's number; a part of a name will do where only one has it."""
    asked = unquote(address.removeprefix("camera://")).strip()
    if asked.isascii() and asked.isdigit() and len(asked) < 5:
        return int(asked)
    known = list_cameras()
    alike = [number for number, name in known if name.casefold() == asked.casefold()]
    alike = alike or [number for number, name in known if asked and asked.casefold() in name.casefold()]
    if len(alike) != 1:
        problem = f"fits {len(alike)} cameras" if alike else "is no camera of this machine"
        hint = nearest(asked, [name for _, name in known])
        raise UnreadableMedia(f"'{address}' {problem}; {hint}{_what_exists()}")
    return alike[0]


def _system() -> int:
    return SYSTEMS.get(sys.platform, cv2.CAP_ANY)


def _why(number: int) -> str:
    device = f"/dev/video{number}"
    if sys.platform.startswith("linux") and not os.path.exists(device):
        return f"there is no {device}"
    if sys.platform.startswith("linux") and not os.access(device, os.R_OK | os.W_OK):
        return f"this user may not read {device}"
    return "another program uses it, or this one may not"


def _what_exists() -> str:
    try:
        known = list_cameras()
    except MissingExtra:
        return "with commedia[live] installed, `commedia stream --list-cameras` says which there are"
    return "there are: " + ", ".join(f"{number} ({name})" for number, name in known) if known else "there is no camera"
