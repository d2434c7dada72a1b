"""The people of `fakes.py` on film: a clip of them, and networks that know who is in the frame being read."""

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from fakes import FPS, NEUTRAL, FakeDetector, FakeRegressor, Person, World

from commedia.conventions import EXPRESSION_INDEX
from commedia.demo.clip import write_clip
from commedia.structures import Face
from commedia.tracking.watch import Models

CLIP_FRAMES = 18


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


@dataclass
class FilmDetector(FakeDetector):
    """Called once per frame, so the count of calls is the time."""

    def detect(self, image: np.ndarray) -> list[Face]:
        self.world.now_s = float(Fraction(self.calls, FPS))
        return super().detect(image)


def models_for(world: World) -> Models:
    return Models(FilmDetector(world, confidence=0.95), FakeRegressor(world))


def film(world: World, path: Path, frames: int = CLIP_FRAMES) -> Path:
    """Write a clip of a world."""
    write_clip(path, (world.frame(index).image for index in range(frames)), FPS)
    return path
