"""What closes on the source closes on the character: how much further a shape must go until nothing shows behind it.

A shape that closes already, however far it goes beyond, stays as it is; one that cannot close is named and stays too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float

from commedia.conventions import EXPRESSION_INDEX
from commedia.retarget.limits import Limit
from commedia.rigging.contact import LEAST_PX, Opening
from commedia.rigging.sculpt import Sculpt, morph_displacements

CLOSED = 0.01
"""Of what is seen of an open eye or mouth: with less it counts as closed, and is left as it is."""
SEALED = 0.002
"""What is corrected is closed to this."""
MOST_GAIN = 2.0
STEP = 0.01
JAW = (0.5, 1.0)
"""Weights of `jawOpen` at which lips must meet again."""


@dataclass(frozen=True)
class Closure:
    """One pair of lids or lips."""

    blendshape: str
    """`eyeBlinkLeft`, `eyeBlinkRight` or `mouthClose`."""
    open_before: float
    """Share that is still seen where the source is closed."""
    gain: float
    """By which the blendshape's shapes are multiplied; 1 where they close, and where nothing closes them."""
    open_after: float


def find_closures(
    sculpt: Sculpt, openings: Mapping[str, Opening], gains: Float[np.ndarray, "m e"]
) -> tuple[Closure, ...]:
    """Look at eyes and mouth while the mapped shapes close them; `gains`: each morph's weight by each blendshape."""
    found = []
    for name, opening in openings.items():
        morphs = morph_displacements(sculpt, opening.rows)
        moved = partial(_moved, morphs, gains)
        if name == "mouth":
            jaw, close = moved("jawOpen"), moved("mouthClose")
            found.append(_of_mouth(opening, jaw, close, _range(gains, "mouthClose")))
        else:
            blendshape = f"eyeBlink{name}"
            found.append(_of_eye(opening, moved(blendshape), blendshape, _range(gains, blendshape)))
    return tuple(closure for closure in found if closure is not None)


def _moved(
    morphs: Float[np.ndarray, "m n 3"], gains: Float[np.ndarray, "m e"], blendshape: str
) -> Float[np.ndarray, "n 3"]:
    column = gains[:, EXPRESSION_INDEX[blendshape]]
    rows = column.nonzero()[0]
    return np.tensordot(column[rows], morphs[rows].astype(np.float64), axes=1)


def closed_gains(gains: Float[np.ndarray, "m e"], closures: tuple[Closure, ...]) -> Float[np.ndarray, "m e"]:
    """Return the gains with which everything closes that can."""
    corrected = gains.copy()
    for closure in closures:
        corrected[:, EXPRESSION_INDEX[closure.blendshape]] *= closure.gain
    return corrected


def lip_limits(
    names: tuple[str, ...], gains: Float[np.ndarray, "m e"], closures: tuple[Closure, ...]
) -> tuple[Limit, ...]:
    """Lips that meet over an open jaw pass each other over a shut one: they close as far as the jaw is open."""
    jaw, close = (np.flatnonzero(gains[:, EXPRESSION_INDEX[blendshape]]) for blendshape in ("jawOpen", "mouthClose"))
    if len(jaw) != 1 or len(close) != 1 or not any(closure.blendshape == "mouthClose" for closure in closures):
        return ()
    share = gains[close[0], EXPRESSION_INDEX["mouthClose"]] / gains[jaw[0], EXPRESSION_INDEX["jawOpen"]]
    return (Limit({names[close[0]]: 1.0, names[jaw[0]]: -round(float(share), 3)}, 0.0),)


def _range(gains: np.ndarray, blendshape: str) -> float:
    """Up to which gain: shapes are made for weights of 1, and few look well far beyond."""
    most = float(gains[:, EXPRESSION_INDEX[blendshape]].max(initial=0))
    return MOST_GAIN / most if most > 0 else 1.0


def _of_eye(opening: Opening, blink: np.ndarray, blendshape: str, limit: float) -> Closure | None:
    whole = opening.seen(np.zeros_like(blink))
    if whole < LEAST_PX or not blink.any():
        return None
    return _closure(blendshape, lambda gain: opening.seen(gain * blink) / whole, limit)


def _of_mouth(opening: Opening, jaw: np.ndarray, close: np.ndarray, limit: float) -> Closure | None:
    rest = opening.seen(np.zeros_like(jaw))
    opened = {weight: opening.seen(weight * jaw) - rest for weight in JAW}
    # A mouth that is open at rest says nothing of sealed lips.
    if min(opened.values()) < max(LEAST_PX, rest) or not close.any():
        return None

    def still_open(gain: float) -> float:
        return max((opening.seen(w * (jaw + gain * close)) - rest) / opened[w] for w in JAW)

    return _closure("mouthClose", still_open, limit)


def _closure(blendshape: str, still_open: Callable[[float], float], limit: float) -> Closure:
    """Find the least gain from 1 up with which it closes."""
    before = max(still_open(1.0), 0.0)
    low, high = 1.0, limit
    if before <= CLOSED or high <= 1 or still_open(high) > SEALED:
        return Closure(blendshape, before, 1.0, before)
    while high - low > STEP:
        middle = (low + high) / 2
        low, high = (low, middle) if still_open(middle) <= SEALED else (middle, high)
    return Closure(blendshape, before, round(high, 3), max(still_open(high), 0.0))
