"""A camera as a source that outlives its camera: who is unplugged is waited for, and watched again when it is back."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import UInt8

from commedia.errors import UnreadableMedia
from commedia.formats.timecode import PLAUSIBLE_RATES
from commedia.sources.source import FrameSource, MediaInfo, reduced_size
from commedia.structures import Frame

Picture = UInt8[np.ndarray, "h w 3"]
PAUSES_S = (0.5, 1.0, 2.0, 5.0)
"""Between one attempt to open a lost camera and the next; the last again and again."""
WELL_S = 5.0
"""Who has given pictures for so long is well, and is looked for quickly when it is lost again."""
USUAL_RATE = Fraction(30)


@runtime_checkable
class Capture(Protocol):
    """An open camera."""

    frame_rate: Fraction | None
    """What it says of itself."""

    def read(self) -> Picture | None:
        """Wait for the next picture, RGB; None at the end of what has one. `UnreadableMedia` where it is lost."""
        ...

    def close(self) -> None: ...


class CameraSource(FrameSource):
    """The pictures of a camera, each with the time at which it was captured, from the first one on."""

    def __init__(
        self,
        name: str,
        open_capture: Callable[[], Capture],
        report: Callable[[str], object] | None = None,
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        pauses_s: tuple[float, ...] = PAUSES_S,
    ):
        """Raises `UnreadableMedia` where there is no picture now. `report` is told when the camera is lost and when it
        is back, in a sentence; by default it is logged."""
        self.path, self.notes, self.times_lost = Path(name.replace("://", ":")), [], 0
        self._name, self._open, self._report = name, open_capture, report or logging.getLogger(__name__).warning
        self._clock_ns, self._pauses_s, self._stopped = clock_ns, pauses_s, threading.Event()
        self._begun_ns: int | None = None
        self._capture: Capture | None = open_capture()
        try:
            self._first = picture = self._capture.read()
            if picture is None:
                raise UnreadableMedia(f"'{name}' ends before its first picture")
        except UnreadableMedia:
            self.close()
            raise
        height_px, width_px = picture.shape[:2]
        width_px, height_px, scale = reduced_size(width_px, height_px)
        rate = self._capture.frame_rate
        rate = rate if rate is not None and PLAUSIBLE_RATES[0] <= rate <= PLAUSIBLE_RATES[1] else USUAL_RATE
        self.info = MediaInfo(width_px, height_px, rate, None, is_still=False, scale=scale, is_live=True)

    def stop(self) -> None:
        """End the frames; may be called from another thread."""
        self._stopped.set()

    def close(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            with contextlib.suppress(UnreadableMedia):
                capture.close()

    def now_s(self) -> float:
        """The time now, on the clock of the frames' times."""
        return 0.0 if self._begun_ns is None else (self._clock_ns() - self._begun_ns) / 1e9

    def __iter__(self) -> Iterator[Frame]:
        for index, picture in enumerate(self._pictures()):
            now_ns = self._clock_ns()
            self._begun_ns = now_ns if self._begun_ns is None else self._begun_ns
            yield Frame(self._fitted(picture), index, Fraction((now_ns - self._begun_ns) // 1000, 1_000_000))

    def _pictures(self) -> Iterator[Picture]:
        first, attempts = self._first, 0
        self._first = None
        while not self._stopped.is_set():
            if first is not None:
                yield first
            back_ns = self._clock_ns()
            try:
                while (picture := self._opened().read()) is not None and not self._stopped.is_set():
                    yield picture
                return
            except UnreadableMedia as error:
                self.close()
                self._note_lost(str(error))
            well = self._clock_ns() - back_ns > WELL_S * 1e9
            first, attempts = self._back(0 if well else attempts)

    def _back(self, attempts: int) -> tuple[Picture | None, int]:
        """Wait until the camera gives a picture again; returns it, and how often it was tried."""
        lost_ns = self._clock_ns()
        while not self._stopped.wait(self._pauses_s[min(attempts, len(self._pauses_s) - 1)]):
            attempts += 1
            try:
                picture = self._opened().read()
            except UnreadableMedia:
                picture = None
            if picture is not None:
                self._report(f"'{self._name}' is back after {(self._clock_ns() - lost_ns) / 1e9:.1f} s")
                return picture, attempts
            self.close()
        return None, attempts

    def _opened(self) -> Capture:
        if self._capture is None:
            self._capture = self._open()
        return self._capture

    def _note_lost(self, why: str) -> None:
        self.times_lost += 1
        self.notes[:] = [f"'{self._name}' was lost and waited for, times: {self.times_lost}"]
        self._report(f"{why}; waiting until it is back")

    def _fitted(self, picture: Picture) -> UInt8[np.ndarray, "a b 3"]:
        """A picture in the size of the first one: a camera may come back with another size, and keeps its shape."""
        size = self.info.height_px, self.info.width_px
        if picture.shape[:2] == size:
            return picture
        scale = min(size[0] / picture.shape[0], size[1] / picture.shape[1])
        height_px, width_px = (max(1, round(side * scale)) for side in picture.shape[:2])
        fitted = np.zeros((*size, 3), np.uint8)
        fitted[:height_px, :width_px] = cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA)
        return fitted
