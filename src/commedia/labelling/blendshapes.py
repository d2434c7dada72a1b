"""What is believed of each blendshape of a real photograph: loads `assets/mappings/teacher-weights.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, sideless_name
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
    rows: tuple[Float[np.ndarray, "_ 3"], ...]
    """Per blendshape: a score, rising, and the least and the most that it stands for, neither falling."""

    def stands_for(self, scores: Float[np.ndarray, "n"], blendshape: int) -> Float[np.ndarray, "n"]:
        """The teacher's scores of one blendshape to the middle of the weights that each stands for."""
        score, least, most = self.rows[blendshape].T
        return (np.interp(scores, score, least) + np.interp(scores, score, most)) / 2

    def limits(
        self, scores: Float[np.ndarray, "b 52"], wxyz: Float[np.ndarray, "b 4"]
    ) -> tuple[Float[np.ndarray, "b 52"], Float[np.ndarray, "b 52"]]:
        """Lowest and highest weight that the teacher's scores leave to the fit of faces turned about as `wxyz` says."""
        least, most = np.empty_like(scores), np.empty_like(scores)
        for column, (score, rows) in enumerate(zip(_eyes_together(scores, wxyz).T, self.rows, strict=True)):
            least[:, column] = np.interp(score, rows[:, 0], rows[:, 1])
            most[:, column] = np.interp(score, rows[:, 0], rows[:, 2])
        return least, most


def _eyes_together(scores: Float[np.ndarray, "b 52"], wxyz: Float[np.ndarray, "b 4"]) -> Float[np.ndarray, "b 52"]:
    """Take out of the blink scores what is no wink: differences within the teacher's noise, and those of an eye that
    turns away, which it calls shut (all winks it saw in YouTube Faces were such)."""
    eyes = [EXPRESSION_INDEX["eyeBlinkLeft"], EXPRESSION_INDEX["eyeBlinkRight"]]
    yaw = yaw_pitch_roll_from_wxyz(wxyz)[:, 0]
    hidden = np.clip((np.degrees(np.abs(yaw)) - 10) / 15, 0, 1)
    rows, far = np.arange(len(scores)), np.where(yaw > 0, 0, 1)
    blinks = scores[:, eyes].copy()
    blinks[rows, far] += hidden * (blinks[rows, 1 - far] - blinks[rows, far])
    middle, half = blinks.mean(axis=1), (blinks[:, 0] - blinks[:, 1]) / 2
    half = np.sign(half) * np.maximum(np.abs(half) - _NOISE_BETWEEN_EYES / 2, 0)
    together = scores.copy()
    together[:, eyes] = np.stack([middle + half, middle - half], axis=1)
    return together


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


def eye_weight(expression: Float[np.ndarray, "52"]) -> Float[np.ndarray, "52"]:
    """Trust in what is said of the eyes, 1 for all other blendshapes.

    Behind a shut lid nobody sees where an eye looks, and the teacher mostly says down. Winks are rarer in photographs
    than eyes misread, so that blinks are doubted as far as they differ.
    """
    blinks = [expression[EXPRESSION_INDEX[f"eyeBlink{side}"]] for side in ("Left", "Right")]
    weight = dict.fromkeys(EXPRESSION_NAMES, 1.0)
    for side, blink in zip(("Left", "Right"), blinks, strict=True):
        weight[f"eyeBlink{side}"] = 1 - abs(blinks[0] - blinks[1])
        for way in ("Down", "In", "Out", "Up"):
            weight[f"eyeLook{way}{side}"] = min(1.0, 2 - 2 * blink)
    return np.array(list(weight.values()))
