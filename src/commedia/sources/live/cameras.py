"""The address of a camera to the source of its newest pictures: camera://0, rtsp://..., http://..., or `-`."""

import re
from collections.abc import Callable

from commedia.sources.live.camera import CameraSource
from commedia.sources.live.network_camera import PROTOCOLS, NetworkCapture, shown_address
from commedia.sources.live.newest import NewestSource
from commedia.sources.live.webcam import WebcamCapture

_CAMERA = re.compile(rf"(camera|{'|'.join(PROTOCOLS)})://", re.IGNORECASE)


def is_camera(text: str) -> bool:
    """Say whether a text is the address of pictures that come now."""
    return text == "-" or bool(_CAMERA.match(text))


def open_camera(
    text: str, *, seconds: float | None = None, report: Callable[[str], object] | None = None
) -> NewestSource:
    """Watch a camera from now on, or raise `UnreadableMedia`. `seconds` after the first frame it ends by itself;
    `report` is told when it is lost and when it is back."""
    scheme, colon, rest = text.partition(":")
    text = scheme.lower() + colon + rest
    if scheme.lower() == "camera":
        camera = CameraSource(text, lambda: WebcamCapture(text), report)
    elif text == "-":
        camera = CameraSource("standard input", lambda: NetworkCapture(text), report)
    else:
        camera = CameraSource(shown_address(text), lambda: NetworkCapture(text), report)
    source = NewestSource(camera, seconds=seconds, blanks=True)
    source.start()
    return source
