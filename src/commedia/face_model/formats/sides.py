"""Which side of the face a blendshape moves, by displacement: sources differ on whose left their names mean."""

import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.face_model.formats.source import BadFaceModel

SIDE = re.compile(r"(_?)(left|right|l|r)$", re.IGNORECASE)
SLIDES = frozenset(("jaw", "mouth"))
"""Blendshapes that go to a side rather than lie on one."""
CLEAR = 0.03
"""Of half the face's width: a blendshape whose weight lies closer to the middle has no side that geometry could
tell."""


def sided_names(
    path: Path, names: tuple[str, ...], mean: Float[np.ndarray, "v 3"], blendshapes: Float[np.ndarray, "e v 3"]
) -> tuple[str, ...]:
    """Rewrite the side in each name that has one; names whose blendshape has no clear side stay as they are."""
    result = tuple(_sided(name, mean, blendshape) for name, blendshape in zip(names, blendshapes, strict=True))
    twice = sorted({name for name in result if result.count(name) > 1})
    if twice:
        raise BadFaceModel(
            f"'{path}' has several blendshapes that are {twice[0]} by what they move; named {', '.join(names)}"
        )
    return result


def side_of(mean: Float[np.ndarray, "v 3"], blendshape: Float[np.ndarray, "v 3"]) -> float:
    """Return where the blendshape moves the face: -1 at the subject's right edge, +1 at the left."""
    low, high = mean[:, 0].min(), mean[:, 0].max()
    moved = np.linalg.norm(blendshape.astype(np.float64), axis=1)
    total, half = float(moved.sum()), float(high - low) / 2
    return float(moved @ (mean[:, 0] - (low + high) / 2)) / (total * half) if total > 0 and half > 0 else 0.0


def slide_of(blendshape: Float[np.ndarray, "v 3"]) -> float:
    """Return whether the blendshape pushes to the subject's left (+1) or right (-1), or neither."""
    total = float(np.abs(blendshape.astype(np.float64)).sum())
    return float(blendshape[:, 0].astype(np.float64).sum()) / total if total > 0 else 0.0


def _sided(name: str, mean: Float[np.ndarray, "v 3"], blendshape: Float[np.ndarray, "v 3"]) -> str:
    # `EyeBlink_L` and `mouthLeft` end in a side; `mouthFunnel` ends in a letter.
    found = SIDE.search(name)
    if found is None or (len(found[2]) == 1 and not found[1]):
        return name
    stem, word = name[: found.start()], found[2]
    measured = slide_of(blendshape) if stem.lower() in SLIDES else side_of(mean, blendshape)
    if abs(measured) < CLEAR:
        return name
    letters = ("left" if measured > 0 else "right")[: 1 if len(word) == 1 else None]
    cased = letters.upper() if word.isupper() else letters.title() if word[0].isupper() else letters
    return f"{stem}{found[1]}{cased}"
