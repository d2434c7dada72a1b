"""What is known of people from one evening to the next: a file of calibrations and gains under names they gave."""

import json
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import CommediaError, UnknownName
from commedia.face_model.calibration import Calibration, calibration_read_back
from commedia.files import write_file

MOST_PROFILES, LONGEST_NAME, MOST_BYTES = 100, 40, 1 << 20
MOST_GAIN = 3.0
"""By how much a user may let one blendshape grow."""


@dataclass(frozen=True)
class Profile:
    """One person's settings."""

    calibration: Calibration | None
    gains: dict[str, float]
    """By blendshape, 1 where none is named."""
    character: str
    """A bundled character's name, or empty."""

    def to_json(self) -> dict[str, Any]:
        own = self.calibration
        return {
            "calibration": own and {"rest": np.round(own.rest, 5).tolist(), "gain": np.round(own.gain, 5).tolist()},
            "gains": self.gains,
            "character": self.character,
        }


def profiles_path() -> Path:
    """Where programs of this user keep their settings."""
    if sys.platform == "win32":
        folder = os.environ.get("APPDATA") or Path.home()
    else:
        folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "commedia" / "profiles.json"


class Profiles:
    """The file, read again each time: two programs may share it."""

    def __init__(self, path: Path):
        self._path = path

    def names(self) -> list[str]:
        return sorted(self._trees())

    def load(self, name: str) -> Profile:
        """Raises `UnknownName`, or `CommediaError` where the file was damaged."""
        trees = self._trees()
        if name not in trees:
            raise UnknownName("profile", name, trees)
        try:
            return _profile(trees[name])
        except (ValueError, TypeError, KeyError, AttributeError):
            raise CommediaError(f"the profile '{name}' in {self._path} is damaged") from None

    def save(self, name: str, profile: Profile) -> None:
        """Put it beside the others, or in place of one of that name."""
        if not (name.strip() and name.isprintable() and len(name) <= LONGEST_NAME):
            raise CommediaError(f"a profile's name has 1 to {LONGEST_NAME} letters")
        trees = self._trees() | {name: profile.to_json()}
        if len(trees) > MOST_PROFILES:
            raise CommediaError(f"{self._path} holds {MOST_PROFILES} profiles already; remove one there first")
        write_file(self._path, json.dumps(trees, indent=1).encode())

    def _trees(self) -> dict[str, Any]:
        try:
            if not self._path.is_file() or self._path.stat().st_size > MOST_BYTES:
                return {}
            trees = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return trees if isinstance(trees, dict) else {}


def checked_gains(tree: Any) -> dict[str, float]:
    """Gains by blendshape as somebody sent them to those that can be used, or `CommediaError`."""
    if not isinstance(tree, dict):
        raise CommediaError("gains are numbers by blendshape")
    for name, gain in tree.items():
        if name not in EXPRESSION_INDEX:
            raise UnknownName("blendshape", str(name)[:40], EXPRESSION_NAMES)
        if isinstance(gain, bool) or not isinstance(gain, int | float) or not 0 <= gain <= MOST_GAIN:
            raise CommediaError(f"the gain of {name} is a number from 0 to {MOST_GAIN:g}")
    return {name: float(gain) for name, gain in tree.items() if not math.isclose(gain, 1.0)}


def _profile(tree: Any) -> Profile:
    own, calibration = tree["calibration"], None
    if own is not None:
        rest, gain = (np.array(own[key], dtype=np.float64) for key in ("rest", "gain"))
        size = (len(EXPRESSION_NAMES),)
        if rest.shape != size or gain.shape != size or not np.isfinite([rest, gain]).all():
            raise ValueError
        calibration = calibration_read_back(rest, gain)
    return Profile(calibration, checked_gains(tree["gains"]), str(tree["character"])[:LONGEST_NAME])
