"""A VRM's expressions in place of the shapes that a table moves, for files that can name only expressions.

A table says what morphs do; a `.vrma` holds no morphs. Of the avatar's expressions those are taken that the table
names, then those that move just what its shapes would, then for what is left those that the avatar has for the same
blendshapes. The table's gains, bias and clamps come along, its `[[limits]]` between shapes do not.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from commedia.characters.character import Character
from commedia.characters.vrm import Expression, read_vrm
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.retarget.expressions import SAME, expression_maps, morph_weights, through_expressions
from commedia.retarget.mapping import MorphMap


@dataclass(frozen=True)
class Equivalents:
    """Which expressions play a table, and by how much."""

    expressions: tuple[Expression, ...]
    value_from_blendshape: Float[np.ndarray, "x e"]
    bias: Float[np.ndarray, " x"]
    clamp: Float[np.ndarray, "x 2"]


def equivalents(character: Character, table: MorphMap) -> Equivalents | None:
    """Find them; None where no expression of the avatar does anything that the table does."""
    vrm, through = read_vrm(character.document), table.expressions
    if vrm is None:
        return None
    gains = table.morph_from_blendshape if through is None else through.beside
    gains = np.zeros_like(table.morph_from_blendshape) if gains is None else gains * character.rig.effective[:, None]
    rows = {one.name: np.zeros(EXPRESSION_COUNT) for one in vrm.expressions}
    for one, own in (
        () if through is None else zip(through.expressions, through.expression_from_blendshape, strict=True)
    ):
        rows[one.name] += own
    by_shape: set[str] = set()
    full = _reaching(character, table, vrm.expressions)
    # What takes its shapes only part of the way comes after all that take them as far as the table does.
    for tried in (full, vrm.expressions):
        shown, gains = through_expressions(character, gains, tried, most=np.inf)
        by_shape |= shown.keys()
        for name, blendshapes in shown.items():
            rows[name][[EXPRESSION_INDEX[blendshape] for blendshape in blendshapes]] += list(blendshapes.values())
    _fill(character, rows, gains)
    # Of two of one name the first, as everywhere.
    first = {one.name: one for one in reversed(vrm.expressions)}
    driven = [one for one in vrm.expressions if first[one.name] is one and rows[one.name].any()]
    if not driven:
        return None
    bounds = [_bounds(character, table, one) if one.name in by_shape else (0.0, 0.0, 1.0) for one in driven]
    bias, low, high = np.array(bounds).T
    return Equivalents(tuple(driven), np.stack([rows[one.name] for one in driven]), bias, np.stack([low, high], axis=1))


def _fill(character: Character, rows: dict[str, np.ndarray], left: Float[np.ndarray, "m e"]) -> None:
    """Give blendshapes whose shapes no expression moves alone to those that the avatar has for just such
    blendshapes."""
    _, own = expression_maps(character)
    for one, blendshapes in () if own is None else zip(own.expressions, own.expression_from_blendshape, strict=True):
        if not rows[one.name].any() and left[:, blendshapes != 0].any(axis=0).all():
            rows[one.name] = blendshapes.copy()


def _reaching(character: Character, table: MorphMap, expressions: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """Those that at 1 take each of their shapes as far as the table ever does."""
    farthest = np.minimum(np.maximum(table.morph_from_blendshape, 0).sum(axis=1) + table.bias, table.clamp[:, 1])
    moved = [(one, morph_weights(character, one) * character.rig.effective) for one in expressions]
    return tuple(one for one, own in moved if (own >= farthest - SAME)[own > 0].all())


def _bounds(character: Character, table: MorphMap, one: Expression) -> tuple[float, float, float]:
    """Bias, least and greatest value of an expression, from those of the shapes that it moves."""
    own = morph_weights(character, one) * character.rig.effective
    moved = own > 0
    bias = float(own @ table.bias / (own @ own))
    low, high = table.clamp[moved].T / own[moved]
    return bias, float(low.max(initial=0.0)), float(high.min(initial=1.0))
