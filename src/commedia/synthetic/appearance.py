"""What performers look like: skin, eyes, brows, lips, beard, make-up, age and light, drawn at random per face.

Colours are linear-light RGB albedo (the square of what a screen shows); ranges were set by looking at contact sheets.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

# sRGB anchors from light to dark; a performer's skin lies between two neighbours.
_SKINS = np.array(
    [[247, 218, 198], [240, 199, 172], [226, 177, 145], [205, 152, 117], [178, 122, 88], [143, 94, 65], [107, 69, 49],
     [74, 48, 37]]
) / 255  # fmt: skip
_HAIRS = np.array(
    [[18, 15, 14], [34, 25, 21], [58, 40, 29], [86, 58, 37], [124, 84, 51], [168, 128, 79], [206, 176, 126],
     [140, 62, 32], [150, 150, 150], [214, 212, 208]]
) / 255  # fmt: skip
_HAIR_ODDS = np.array([0.2, 0.2, 0.15, 0.12, 0.08, 0.07, 0.04, 0.03, 0.07, 0.04])
_IRISES = np.array(
    [[54, 33, 20], [84, 54, 30], [110, 78, 44], [96, 102, 60], [92, 122, 140], [120, 144, 160], [70, 90, 120]]
) / 255  # fmt: skip
_IRIS_ODDS = np.array([0.36, 0.24, 0.12, 0.09, 0.09, 0.06, 0.04])


@dataclass(frozen=True)
class Appearance:
    """One face's paint: colours are linear RGB, strengths 0 to 1."""

    colours: dict[str, Float[np.ndarray, "3"]]
    """skin, lips, brow, hair, beard, iris, sclera, teeth, tongue, shadow (of the eyelids)."""
    strengths: dict[str, float]
    """How much of each mask of `atlas.py`, each noise, each gloss; see `sample_appearance`."""
    noise_at: Float[np.ndarray, "2"]
    """Where in the noise bank this skin begins."""


@dataclass(frozen=True)
class Light:
    """Distant light on one face: a sky, and lamps; the first lamp also makes highlights."""

    ambient: Float[np.ndarray, "3"]
    sky: Float[np.ndarray, "3"]
    """Added from above, taken away from below."""
    directions: Float[np.ndarray, "k 3"]
    """Unit vectors towards the lamps, camera axes."""
    colours: Float[np.ndarray, "k 3"]


def linear(rgb: np.ndarray) -> np.ndarray:
    """Undo the screen's curve, taken as a square."""
    return np.square(np.clip(rgb, 0, 1)).astype(np.float32)


def sample_appearance(rng: np.random.Generator) -> Appearance:
    """Draw one face's paint."""
    tone = rng.uniform() ** 1.3 * (len(_SKINS) - 1.001)
    low = int(tone)
    skin = _SKINS[low] + (tone - low) * (_SKINS[low + 1] - _SKINS[low])
    skin = skin * rng.uniform(0.93, 1.05) * (1 + rng.normal(0, 0.022, 3))
    # Dark skin goes with dark hair and eyes more often than not; nothing is excluded.
    dark = tone / len(_SKINS)
    hair = _HAIRS[0 if rng.uniform() < dark * 0.9 else rng.choice(len(_HAIRS), p=_HAIR_ODDS)]
    if rng.uniform() < 0.04:
        hair = rng.uniform(0, 0.9, 3)
    hair = np.clip(hair * rng.uniform(0.8, 1.25) + rng.normal(0, 0.01, 3), 0.02, 1)
    brow = np.clip(hair * rng.uniform(0.45, 1.1), 0.03, 0.75)
    iris = _IRISES[0 if rng.uniform() < dark else rng.choice(len(_IRISES), p=_IRIS_ODDS)] * rng.uniform(0.8, 1.25)
    sclera = np.array([0.86, 0.83, 0.81]) * rng.uniform(0.8, 1.1) + np.array([0.05, 0, -0.03]) * rng.uniform()
    colours = {
        "skin": skin,
        "lips": _lips(rng, skin),
        "brow": brow,
        "hair": hair,
        "beard": np.clip(hair * rng.uniform(0.6, 1.1), 0.02, 1),
        "iris": iris,
        "sclera": sclera,
        "teeth": np.array([0.93, 0.89, 0.80]) * rng.uniform(0.72, 1.0) + rng.normal(0, 0.015, 3),
        "tongue": np.array([0.74, 0.40, 0.39]) * rng.uniform(0.75, 1.15),
        "shadow": rng.uniform(0.05, 0.7, 3) if rng.uniform() < 0.4 else skin * 0.55,
    }
    strengths = _skin_strengths(rng) | _hair_strengths(rng) | _eye_strengths(rng)
    return Appearance(
        {name: linear(c) for name, c in colours.items()}, strengths, rng.uniform(0, 512, 2).astype(np.float32)
    )


def _lips(rng: np.random.Generator, skin: np.ndarray) -> np.ndarray:
    if rng.uniform() < 0.2:
        lipsticks = np.array(
            [[170, 30, 45], [140, 20, 50], [205, 90, 100], [120, 40, 60], [220, 110, 90], [70, 20, 35]]
        )
        return np.clip(lipsticks[rng.integers(len(lipsticks))] / 255 * rng.uniform(0.8, 1.15), 0, 1)
    return np.clip(skin * np.array([0.90, 0.68, 0.68]) * rng.uniform(0.85, 1.08), 0, 1)


def _skin_strengths(rng: np.random.Generator) -> dict[str, float]:
    return {
        "blotch": rng.uniform(0.0, 0.09),
        "mottle": rng.uniform(0.0, 0.07),
        "pores": rng.uniform(0.0, 0.06),
        "freckles": rng.uniform(0.2, 1.0) if rng.uniform() < 0.15 else rng.uniform(0, 0.12),
        "blush": rng.uniform(0, 1) ** 2,
        "lips": rng.uniform(0.45, 1.0),
        "shadow": rng.uniform(0.15, 0.8) if rng.uniform() < 0.3 else rng.uniform(0, 0.25),
        "lid": rng.uniform(0.2, 1.0),
        "under_eye": rng.uniform(0, 0.45) ** 1.3,
        "age": rng.uniform(0, 1) ** 2.2,
        "wrinkles": rng.uniform(0.35, 1.0),
        "gloss": rng.uniform(0.01, 0.16) * (1 if rng.uniform() < 0.85 else 2),
        "gloss_power": rng.uniform(8, 36),
        "lip_gloss": rng.uniform(0.05, 0.45),
        "occlusion": rng.uniform(0.65, 1.0),
    }


def _hair_strengths(rng: np.random.Generator) -> dict[str, float]:
    style = rng.choice(7, p=[0.62, 0.13, 0.06, 0.06, 0.05, 0.03, 0.05])
    full, weak = rng.uniform(0.6, 1.0), rng.uniform(0.08, 0.4)
    # Rows: none, stubble, full beard, moustache, goatee with moustache, goatee, light full beard.
    beard = (0.0, weak, full, 0.0, 0.0, 0.0, 0.5)[style]
    moustache = (0.0, weak, full, full, full, 0.0, 0.5)[style]
    goatee = (0.0, weak, full, 0.0, full, full, 0.55)[style]
    missing = rng.uniform() < 0.03
    return {
        "beard": beard,
        "moustache": moustache,
        "goatee": goatee,
        "brow": 0.04 if missing else rng.uniform(0.35, 1.0),
        "brow_width": rng.uniform(0.0018, 0.0058),
        "brow_lift": rng.normal(0, 0.0009),
        "brow_taper": rng.uniform(0.3, 0.9),
        "brow_start": rng.uniform(-0.05, 0.12),
        "brow_end": rng.uniform(0.82, 1.05),
        "scalp": rng.uniform(0.5, 1.0) if rng.uniform() < 0.75 else rng.uniform(0.0, 0.3),
    }


def _eye_strengths(rng: np.random.Generator) -> dict[str, float]:
    return {
        "iris_radius": rng.uniform(0.38, 0.46),
        "pupil_radius": rng.uniform(0.12, 0.24),
        "limbus": rng.uniform(0.2, 0.8),
        "veins": rng.uniform(0, 0.5) ** 1.5,
        "lashes": rng.uniform(0.35, 0.7) if rng.uniform() < 0.5 else rng.uniform(0.7, 1.0),
        "eye_gloss": rng.uniform(0.2, 1.5),
        "tooth_width": rng.uniform(0.9, 1.12),
        "tooth_gaps": rng.uniform(0.1, 0.5),
    }


def sample_light(rng: np.random.Generator) -> Light:
    """Draw light from flat overcast to one hard lamp, warm to cold, sometimes far too little or too much of it."""
    warm = rng.normal(0, 0.12)
    tint = np.array([1 + warm, 1.0 + rng.normal(0, 0.02), 1 - warm])
    lamps = int(rng.choice([0, 1, 2], p=[0.12, 0.58, 0.30]))
    azimuth, elevation = rng.normal(0, 0.95, 2), rng.normal(0.45, 0.45, 2)
    if rng.uniform() < 0.1:
        azimuth = rng.uniform(-np.pi, np.pi, 2)
    directions = np.stack(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)], -1
    )[:lamps]
    share = rng.uniform(0.15, 0.85) if lamps else 0.0
    exposure = float(np.exp(rng.normal(-0.03, 0.27)))
    if rng.uniform() < 0.07:
        exposure *= rng.choice([0.45, 2.0])
    colours = rng.uniform(0.6, 1.0, (lamps, 1)) * (tint + rng.normal(0, 0.05, (lamps, 3)))
    if lamps == 2:
        colours[1] *= rng.uniform(0.2, 0.8)
    if rng.uniform() < 0.06 and lamps:
        colours *= rng.uniform(0.2, 1.4, (lamps, 3))
    ambient = (1 - share) * (2 - tint if rng.uniform() < 0.4 else tint) * 0.95
    sky = ambient * rng.uniform(-0.1, 0.45)
    values = (ambient * exposure, sky * exposure, directions, np.clip(colours, 0, None) * share * 1.5 * exposure)
    return Light(*(value.astype(np.float32) for value in values))
