"""What the troupe plays: four performers, each with a face, a place on the stage and a script. The demo's truth."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float

from commedia.characters.skin import Look
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.structures import FaceParams, HeadPose

STAGE_WIDTH_PX, STAGE_HEIGHT_PX = 1280, 480
FRAME_RATE = 24
DURATION_S = 4.0
FRAME_COUNT = round(FRAME_RATE * DURATION_S)

Beat = tuple[float, float, float, tuple[str, ...]]
"""Middle in seconds, length in seconds, height, and the blendshapes it raises."""

SMILE = ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight")
BLINK = ("eyeBlinkLeft", "eyeBlinkRight")
SURPRISE = ("browInnerUp", "browOuterUpLeft", "browOuterUpRight", "eyeWideLeft", "eyeWideRight")
ANGER = ("browDownLeft", "browDownRight", "noseSneerLeft", "noseSneerRight")


@dataclass(frozen=True)
class Performer:
    """One head of the troupe."""

    name: str
    seed: int
    """Of the identity."""
    place: tuple[float, float]
    """Of the head's origin, in shares of the stage."""
    px_per_m: float
    script: tuple[Beat, ...]
    sway_deg: tuple[float, float, float]
    """Largest yaw, pitch and roll; negative starts to the other side."""
    look: Look


ARLECCHINO: tuple[Beat, ...] = (
    (0.9, 1.0, 1.0, SMILE),
    (2.2, 0.3, 1.0, BLINK),
    (3.1, 0.8, 0.8, ("jawOpen",)),
    (3.1, 0.9, 0.9, SURPRISE),
)
COLOMBINA: tuple[Beat, ...] = (
    (0.6, 0.8, 0.9, ("jawOpen",)),
    (1.6, 0.3, 1.0, BLINK),
    (2.4, 1.1, 1.0, SURPRISE),
    (3.4, 0.9, 1.0, SMILE),
)
PANTALONE: tuple[Beat, ...] = (
    (0.8, 1.0, 1.0, ANGER),
    (1.9, 0.9, 1.0, ("mouthPucker", "mouthFunnel")),
    (2.7, 0.3, 1.0, BLINK),
    (3.3, 0.7, 0.9, ("jawOpen",)),
)
DOTTORE: tuple[Beat, ...] = (
    (0.7, 0.3, 1.0, ("eyeBlinkLeft",)),
    (1.4, 0.3, 1.0, ("eyeBlinkRight",)),
    (2.2, 0.9, 1.0, ("mouthLeft",)),
    (3.2, 0.9, 1.0, ("mouthFrownLeft", "mouthFrownRight", "browInnerUp")),
)

DARK = Look(skin=(139, 96, 74), lips=(122, 66, 62), hair=(28, 22, 20), iris=(64, 42, 30))
TAN = Look(skin=(182, 132, 104), lips=(160, 88, 80), hair=(48, 34, 28), iris=(88, 62, 40))
FAIR = Look(skin=(226, 184, 164), lips=(196, 118, 112), hair=(150, 112, 70), iris=(96, 124, 150))

TROUPE: tuple[Performer, ...] = (
    Performer("Arlecchino", 3, (0.13, 0.55), 1480.0, ARLECCHINO, sway_deg=(25.0, 4.0, 3.0), look=Look()),
    Performer("Colombina", 11, (0.38, 0.54), 1440.0, COLOMBINA, sway_deg=(-18.0, 8.0, -8.0), look=DARK),
    Performer("Pantalone", 29, (0.62, 0.55), 1500.0, PANTALONE, sway_deg=(12.0, -10.0, 5.0), look=FAIR),
    Performer("Dottore", 47, (0.86, 0.55), 1460.0, DOTTORE, sway_deg=(-30.0, 3.0, 2.0), look=TAN),
)


def params_at(performer: Performer, time_s: float) -> FaceParams:
    """Return the performer's true parameters at a moment."""
    expression = np.zeros(EXPRESSION_COUNT, np.float32)
    for middle_s, length_s, height, names in performer.script:
        level = height * _swell((time_s - middle_s) / length_s)
        for name in names:
            expression[EXPRESSION_INDEX[name]] = max(expression[EXPRESSION_INDEX[name]], level)
    # Yaw swings once, pitch twice and roll once over the clip, each from rest.
    phase = 2 * np.pi * time_s / DURATION_S
    swing = np.array([np.sin(phase), np.sin(2 * phase), np.sin(phase + 1.0) - np.sin(1.0)])
    turn = np.radians(performer.sway_deg) * swing
    origin = np.array(performer.place) * (STAGE_WIDTH_PX, STAGE_HEIGHT_PX) + (10 * np.sin(phase), 6 * np.sin(2 * phase))
    pose = HeadPose(
        wxyz=wxyz_from_yaw_pitch_roll(turn).astype(np.float32),
        origin_px=origin.astype(np.float32),
        px_per_m=performer.px_per_m,
    )
    return FaceParams(identity_of(performer.seed), expression, pose)


@cache
def identity_of(seed: int) -> Float[np.ndarray, "i"]:
    """Draw a face that is clearly someone: a normal sample, a little calmer than the population."""
    return np.random.default_rng(seed).normal(0, 0.65, IDENTITY_COUNT).astype(np.float32)


def _swell(x: float) -> float:
    """Rise from 0 at -1/2 to 1 at 0 and fall again, without corners."""
    return 0.5 + 0.5 * float(np.cos(2 * np.pi * x)) if abs(x) < 0.5 else 0.0
