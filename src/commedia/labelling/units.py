"""What is believed of each unit of a real photograph: loads `assets/mappings/teacher-trust.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_NAMES


@dataclass(frozen=True)
class UnitTable:
    """Three numbers per unit, in the order of `EXPRESSION_NAMES`; the table's file says what they mean."""

    trust: Float[np.ndarray, "52"]
    hint: Float[np.ndarray, "52"]
    pull: Float[np.ndarray, "52"]


@cache
def load_units() -> UnitTable:
    """Read the table that ships with the package; every unit must be in it, and nothing else."""
    text = files("commedia").joinpath("assets/mappings/teacher-trust.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["unit"]
    families = [name if name in rows else _without_side(name) for name in EXPRESSION_NAMES]
    assert set(families) == set(rows), f"teacher-trust.toml: {set(families) ^ set(rows)}"
    columns = (np.array([rows[name][column] for name in families]) for column in ("trust", "hint", "pull"))
    return UnitTable(*columns)


def _without_side(name: str) -> str:
    return name.removesuffix("Left").removesuffix("Right")
