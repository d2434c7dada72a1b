"""Landmarks of a character that somebody picked: a TOML file of iBUG-68 points and where they are on the mesh.

[[pair]]
landmark = 30                      # number 0 to 67, or its label: "nose tip"
vertex = 1893                      # of the mesh, counted from 0 in the file's order ...

[[pair]]
landmark = "mouth, left corner"    # left is the subject's
point = [0.024, 1.571, 0.083]      # ... or a place, in the file's own axes and unit of length
"""

import tomllib
from pathlib import Path

import numpy as np

from commedia.conventions import LANDMARK_COUNT
from commedia.errors import CommediaError, UnknownName
from commedia.face_model.landmarks import load_scheme
from commedia.rigging.registration import Landmarks
from commedia.rigging.sculpt import Sculpt

LEAST_PAIRS = 6
LEAST_SPREAD = 0.02
"""Of their extent: pairs in a line or in a plane do not say how a face is turned and scaled."""


class BadPairs(CommediaError):
    """A file of landmark pairs that cannot be used."""


def read_pairs(path: Path, sculpt: Sculpt) -> Landmarks:
    """Read the pairs and look up their vertices."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("pair", [])
    except OSError as error:
        raise BadPairs(f"cannot read the landmark pairs {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise BadPairs(f"{path} is not TOML: {error}") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadPairs(f"{path} has no list of pairs; expected entries that begin with [[pair]]")
    found: dict[int, np.ndarray] = {}
    for count, entry in enumerate(entries, 1):
        number = _landmark(entry.get("landmark"), f"{path}, pair {count}")
        if number in found:
            raise BadPairs(f"{path}, pair {count}: landmark {number} was given before")
        found[number] = _place(entry, sculpt, f"{path}, pair {count}")
    _check_spread(found, path)
    return Landmarks(np.array(list(found)), np.array(list(found.values())), np.ones(len(found)))


def _landmark(value: object, where: str) -> int:
    labels = load_scheme("ibug68").labels
    if isinstance(value, str):
        known = {_plain(label): number for number, label in enumerate(labels)}
        if _plain(value) not in known:
            raise UnknownName("landmark", value, labels)
        return known[_plain(value)]
    if type(value) is not int or not 0 <= value < LANDMARK_COUNT:
        raise BadPairs(f"{where}: the landmark is {value!r}, expected a number from 0 to 67 or a label")
    return value


def _plain(label: str) -> str:
    return " ".join(label.split(":")[0].lower().split())


def _place(entry: dict, sculpt: Sculpt, where: str) -> np.ndarray:
    if ("vertex" in entry) == ("point" in entry):
        raise BadPairs(f"{where}: give either 'vertex = NUMBER' or 'point = [x, y, z]'; it has {', '.join(entry)}")
    if "vertex" in entry:
        vertex = entry["vertex"]
        place = sculpt.numbered(vertex) if type(vertex) is int else None
        if place is None:
            total = sum(len(patch.places) for patch in sculpt.patches)
            raise BadPairs(f"{where}: there is no vertex {vertex!r}; vertices are numbered from 0 to {total - 1}")
        return place
    try:
        place = np.array(entry["point"], dtype=np.float64)
    except (TypeError, ValueError):
        place = np.zeros(0)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise BadPairs(f"{where}: the point is {entry['point']!r}, expected three numbers")
    low, high = sculpt.vertices.min(axis=0), sculpt.vertices.max(axis=0)
    if (np.abs(place - (low + high) / 2) > (high - low) / 2 + 0.1 * (high - low).max()).any():
        box = " to ".join(np.array2string(corner, precision=3) for corner in (low, high))
        raise BadPairs(f"{where}: the point {place.tolist()} is far outside the mesh, which reaches from {box}")
    return place


def _check_spread(found: dict[int, np.ndarray], path: Path) -> None:
    if len(found) < LEAST_PAIRS:
        raise BadPairs(
            f"{path} has {len(found)} pairs; at least {LEAST_PAIRS} are needed, and some 20 over eyes, nose, mouth and "
            "jaw are better"
        )
    places = np.array(list(found.values()))
    spread = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
    if spread[1] < LEAST_SPREAD * spread[0] or spread[0] <= 0:
        raise BadPairs(f"the {len(found)} pairs of {path} lie in one line; they must spread over the face")
