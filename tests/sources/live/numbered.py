"""Pictures that carry a number, and a camera of them that does what a test says."""

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from commedia.errors import UnreadableMedia

SQUARE_PX, BITS = 16, 6


def numbered(number: int, width_px: int = 128, height_px: int = 64) -> np.ndarray:
    """A picture that shows its number in squares, which survive a lossy codec."""
    image = np.full((height_px, width_px, 3), 90, np.uint8)
    for bit in range(BITS):
        image[:SQUARE_PX, bit * SQUARE_PX : (bit + 1) * SQUARE_PX] = 250 if number >> bit & 1 else 5
    return image


def number_in(image: np.ndarray) -> int:
    middles = image[SQUARE_PX // 2, SQUARE_PX // 2 : BITS * SQUARE_PX : SQUARE_PX].mean(axis=-1)
    return sum(int(grey > 127) << bit for bit, grey in enumerate(middles))


class ScriptedCamera:
    """Opens and reads as the script says: an array is a picture, a text a failure, None the end.

    A failure while nothing is open refuses to be opened.
    """

    def __init__(self, script: list[np.ndarray | str | None]):
        self._script: Iterator[np.ndarray | str | None] = iter(script)
        self.opened = self.closed = 0
        self._ahead: list[np.ndarray | str | None] = []

    def open(self) -> "ScriptedCapture":
        self._ahead = [next(self._script, None)]
        if isinstance(self._ahead[0], str):
            raise UnreadableMedia(self._ahead.pop())
        self.opened += 1
        return ScriptedCapture(self._read, self._close)

    def _read(self) -> np.ndarray | None:
        said = self._ahead.pop() if self._ahead else next(self._script, None)
        if isinstance(said, str):
            raise UnreadableMedia(said)
        return said

    def _close(self) -> None:
        self.closed += 1


class ScriptedCapture:
    def __init__(self, read: Callable[[], np.ndarray | None], close: Callable[[], None]):
        self.frame_rate, self.read, self.close = Fraction(25), read, close


class HangingCapture:
    """Gives so many pictures, and then nothing, not even an error, until it is let go."""

    def __init__(self, pictures: int):
        self.frame_rate, self._left, self.let_go = None, pictures, threading.Event()

    def read(self) -> np.ndarray | None:
        if not self._left:
            self.let_go.wait()
            return None
        self._left -= 1
        return numbered(self._left)

    def close(self) -> None:
        self.let_go.set()
