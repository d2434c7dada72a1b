"""The camera of a page in a browser as a camera of ours: JPEGs come in from the server, the newest picture goes out."""

import io
import threading
import time
from fractions import Fraction

import cv2
import numpy as np
from PIL import Image

from commedia.errors import UnreadableMedia
from commedia.sources.live.camera import Picture

ADDRESS = "browser://"
LARGEST_PICTURE = 4 << 20
"""Bytes of a JPEG that is looked at."""
MOST_PIXELS = 4096 * 4096
SILENT_S = 3.0
"""A page that sends nothing for so long is lost."""
WAKE_S = 0.1


class BrowserCamera:
    """Outlives its pages: who closes one and opens another goes on. A `Capture`, once somebody watches it."""

    def __init__(self) -> None:
        self.frame_rate: Fraction | None = None
        self.unreadable = 0
        """Messages that were no picture."""
        self._waiting: bytes | None = None
        self._changed, self._stopped = threading.Condition(), False

    def take(self, jpeg: bytes) -> None:
        """The next picture of a page; one that nobody took yet is replaced."""
        with self._changed:
            self._waiting = jpeg
            self._changed.notify()

    def stop(self) -> None:
        """End whoever waits for a picture."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def wait_for_page(self) -> bool:
        """Wait until a page sends its first picture; says whether one did before `stop`."""
        with self._changed:
            while self._waiting is None and not self._stopped:
                self._changed.wait(WAKE_S)
            return not self._stopped

    def read(self) -> Picture:
        heard_s = time.monotonic()
        while time.monotonic() - heard_s < SILENT_S:
            with self._changed:
                if self._waiting is None:
                    self._changed.wait(WAKE_S)
                jpeg, self._waiting = self._waiting, None
                if self._stopped:
                    break
            picture = None if jpeg is None else picture_from_jpeg(jpeg)
            if picture is not None:
                return picture
            self.unreadable += jpeg is not None
        raise UnreadableMedia("the page's camera sends no pictures any more")

    @property
    def notes(self) -> list[str]:
        """What was passed over so far."""
        return [f"messages of the page that were no pictures: {self.unreadable}"] if self.unreadable else []

    def close(self) -> None:
        pass


def picture_from_jpeg(jpeg: bytes) -> Picture | None:
    """A JPEG of a size that is looked at to RGB; None for whatever else came."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as header:
            width_px, height_px = header.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if not 0 < width_px * height_px <= MOST_PIXELS or len(jpeg) > LARGEST_PICTURE:
        return None
    try:
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if picture is None else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
