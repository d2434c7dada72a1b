"""What is believed of each blendshape of a real photograph: loads `assets/mappings/teacher-weight.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_NAMES, sideless_name
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz

_WHOLE_FACE = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
"""Blendshapes whose side is a direction: jaw and mouth move there as a whole."""


@dataclass(frozen=True)
class BlendshapeTable:
    """Three numbers per blendshape, in the order of `EXPRESSION_NAMES`; the table's file says what they mean."""

    weight: Float[np.ndarray, "52"]
    hint: Float[np.ndarray, "52"]
    pull: Float[np.ndarray, "52"]


@cache
def load_blendshapes() -> BlendshapeTable:
    """Read the table that ships with the package; every blendshape must be in it, and nothing else."""
    text = files("commedia").joinpath("assets/mappings/teacher-weights.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["blendshape"]
    families = [name if name in rows else sideless_name(name) for name in EXPRESSION_NAMES]
    assert set(families) == set(rows), f"teacher-weights.toml: {set(families) ^ set(rows)}"
    columns = (np.array([rows[name][column] for name in families]) for column in ("weight", "hint", "pull"))
    return BlendshapeTable(*columns)


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
