"""Curves of blendshapes as a reader gives them: blinks, and noise that grows away from 0 and 1."""

import numpy as np

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX

LEFT, RIGHT, JAW, BROW, SMILE = (
    EXPRESSION_INDEX[name] for name in ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "browInnerUp", "mouthSmileLeft")
)
LIDS_OF = [LEFT, RIGHT]
FPS = 30
NOISE = 0.02
BLINKS = (40, 100, 160, 230)
"""Middles of blinks, frames."""


def times(count: int, fps: float = FPS) -> np.ndarray:
    return np.arange(count) / fps


def blinking(count: int, shape: tuple[float, ...] = (0.5, 1.0, 0.5)) -> np.ndarray:
    lids = np.zeros(count)
    for middle in BLINKS:
        lids[middle - len(shape) // 2 : middle - len(shape) // 2 + len(shape)] = shape
    return lids


def as_read(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Expressions with the noise that the shipped weights were measured to have."""
    return np.clip(truth + (0.1 * truth * (1 - truth) + 0.002) * rng.normal(size=truth.shape), 0, 1)


def acted(count: int, rest: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What somebody does who talks for the middle third, blinks and smiles once; and how it is read, resting so."""
    truth = np.zeros((count, EXPRESSION_COUNT))
    truth[:, LIDS_OF] = blinking(count)[:, None]
    third = slice(count // 3, 2 * count // 3)
    truth[third, JAW] = 0.3 + 0.3 * np.sin(2 * np.pi * 3 * times(count)[third])
    truth[-50:-20, SMILE] = 0.8
    return truth, as_read(rest + (1 - rest) * truth, rng)
