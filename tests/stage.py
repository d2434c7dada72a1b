"""The people of `fakes.py` on film: a clip of them, and networks that know who is in the frame being read."""

import math
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from fakes import FPS, NEUTRAL, FakeDetector, FakeRegressor, Person, World

from commedia.conventions import EXPRESSION_INDEX
from commedia.demo.clip import write_clip
from commedia.errors import UnreadableMedia
from commedia.faces.crop import Crop
from commedia.structures import Face, FaceParams
from commedia.tracking.models import Models

CLIP_FRAMES = 18
NUMBER_BITS, SQUARE_PX = 6, 8
WEBCAM_RATE = 50


def talking(time_s: float) -> np.ndarray:
    expression = NEUTRAL.copy()
    expression[EXPRESSION_INDEX["jawOpen"]] = 0.5 + 0.5 * math.sin(9 * time_s)
    return expression


def two_people() -> World:
    """One talks all the time; the other is there for the middle third of a clip, too briefly for files of their own."""
    middle = (CLIP_FRAMES / 3 / FPS, 2 * CLIP_FRAMES / 3 / FPS)
    return World(
        [
            Person(1, lambda time_s: (80 + 20 * time_s, 120), width_px=60, expression=talking),
            Person(2, lambda time_s: (240, 110) if middle[0] <= time_s < middle[1] else None, width_px=50),
        ]
    )


def picture(world: World, index: int) -> np.ndarray:
    """Draw a frame with its number in the upper left corner, in squares that survive a lossy codec."""
    image = world.frame(index).image
    for place in range(NUMBER_BITS):
        image[:SQUARE_PX, place * SQUARE_PX : (place + 1) * SQUARE_PX] = 255 if index >> place & 1 else 0
    return image


def moment(image: np.ndarray) -> float:
    """Read the time at which a picture was drawn."""
    middles = image[SQUARE_PX // 2, SQUARE_PX // 2 : NUMBER_BITS * SQUARE_PX : SQUARE_PX].mean(axis=-1)
    return float(Fraction(sum(int(grey > 127) << place for place, grey in enumerate(middles)), FPS))


class FilmDetector(FakeDetector):
    """Knows the moment from the picture: a tracker need not ask it in every frame."""

    def detect(self, image: np.ndarray) -> list[Face]:
        self.world.now_s = moment(image)
        return super().detect(image)


class FilmRegressor(FakeRegressor):
    """Knows the moment from the picture."""

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        self.world.now_s = moment(image)
        return super().regress(image, crops)


def models_for(world: World) -> Models:
    return Models(FilmDetector(world, confidence=0.95), FilmRegressor(world))


def film(world: World, path: Path, frames: int = CLIP_FRAMES) -> Path:
    """Write a clip of a world."""
    write_clip(path, (picture(world, index) for index in range(frames)), FPS)
    return path


class Webcam:
    """Shows the film at 50 pictures per second; unplugged for a moment after every `lost_after` of them."""

    def __init__(self, lost_after: int = 10**6):
        self.world, self._lost_after, self._count, self.frame_rate = two_people(), lost_after, 0, Fraction(WEBCAM_RATE)
        self.opened = 0

    def __call__(self, address: str) -> "Webcam":
        assert address == "camera://0"
        self.opened += 1
        return self

    def read(self) -> np.ndarray:
        time.sleep(1 / WEBCAM_RATE)
        self._count += 1
        if self._count % self._lost_after == 0:
            raise UnreadableMedia("'camera://0' gives no pictures any more")
        return picture(self.world, self._count % 18)

    def close(self) -> None:
        pass
