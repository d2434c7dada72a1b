"""What is believed of each blendshape of a real photograph: loads `assets/mappings/teacher-weights.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES, sideless_name
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz

_WHOLE_FACE = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
"""Blendshapes whose side is a direction: jaw and mouth move there as a whole."""


_NOISE_BETWEEN_EYES = 0.15
"""Blinks of one face that the teacher scores this close are one blink of both eyes."""


@dataclass(frozen=True)
class BlendshapeTable:
    """What the table's file says of each blendshape, in the order of `EXPRESSION_NAMES`."""

    weight: Float[np.ndarray, "52"]
    pull: Float[np.ndarray, "52"]
    rows: tuple[Float[np.ndarray, "k 3"], ...]
    """Per blendshape: a score, rising, and the least and the most that it stands for, neither falling."""

    def limits(self, scores: Float[np.ndarray, "b 52"]) -> tuple[Float[np.ndarray, "b 52"], Float[np.ndarray, "b 52"]]:
        """Lowest and highest weight that the teacher's scores leave to the fit."""
        least, most = np.empty_like(scores), np.empty_like(scores)
        for column, (score, rows) in enumerate(zip(_eyes_together(scores).T, self.rows, strict=True)):
            least[:, column] = np.interp(score, rows[:, 0], rows[:, 1])
            most[:, column] = np.interp(score, rows[:, 0], rows[:, 2])
        return least, most


def _eyes_together(scores: Float[np.ndarray, "b 52"]) -> Float[np.ndarray, "b 52"]:
    """Draw the two blink scores together by the teacher's noise; what is left between them is a wink."""
    eyes = [EXPRESSION_INDEX["eyeBlinkLeft"], EXPRESSION_INDEX["eyeBlinkRight"]]
    middle, half = scores[:, eyes].mean(axis=1), (scores[:, eyes[0]] - scores[:, eyes[1]]) / 2
    half = np.sign(half) * np.maximum(np.abs(half) - _NOISE_BETWEEN_EYES / 2, 0)
    drawn = scores.copy()
    drawn[:, eyes[0]], drawn[:, eyes[1]] = middle + half, middle - half
    return drawn


@cache
def load_blendshapes() -> BlendshapeTable:
    """Read the table that ships with the package; every blendshape must be in it, and nothing else."""
    text = files("commedia").joinpath("assets/mappings/teacher-weights.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["blendshape"]
    families = [name if name in rows else sideless_name(name) for name in EXPRESSION_NAMES]
    assert set(families) == set(rows), f"teacher-weights.toml: {set(families) ^ set(rows)}"
    weight, pull = (np.array([rows[name][column] for name in families]) for column in ("weight", "pull"))
    return BlendshapeTable(weight, pull, tuple(np.array(rows[name]["limits"], dtype=np.float64) for name in families))


def seen_weight(weight: Float[np.ndarray, "52"], wxyz: Float[np.ndarray, "4"]) -> Float[np.ndarray, "52"]:
    """Trust in the blendshapes of a turned face: those of the side that turns away fade from 20° to 60° of yaw.

    The teacher guesses points it cannot see, and the fit explains the guess with blendshapes of that side: in profiles
    of LFW it found a dimple of 1.0 behind the nose.
    """
    yaw = float(yaw_pitch_roll_from_wxyz(wxyz)[0])
    hidden = "Left" if yaw > 0 else "Right"
    seen = 1 - np.clip((np.degrees(abs(yaw)) - 20) / 40, 0, 1)
    return weight * np.array(
        [seen if name.endswith(hidden) and name not in _WHOLE_FACE else 1.0 for name in EXPRESSION_NAMES]
    )


def gaze_weight(expression: Float[np.ndarray, "52"]) -> Float[np.ndarray, "52"]:
    """Trust in where each eye looks: none behind a shut lid, where the teacher mostly says down; 1 for the rest."""
    weight = np.ones(EXPRESSION_COUNT)
    for column, name in enumerate(EXPRESSION_NAMES):
        if name.startswith("eyeLook"):
            side = "Left" if name.endswith("Left") else "Right"
            weight[column] = np.clip(2 - 2 * expression[EXPRESSION_INDEX[f"eyeBlink{side}"]], 0, 1)
    return weight
