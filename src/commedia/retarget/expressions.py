"""From blendshapes to a VRM's own expressions, and from those to morphs, by VRM's rules of ranges and overrides.

The author of a VRM decides what an expression looks like, so a file that brings all blendshapes as expressions (Perfect
Sync) is driven through them. For the few presets the table `expressions/vrm.toml` says which blendshapes each shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from commedia.characters.character import Character
from commedia.characters.look_at import LookAt, gaze_weights
from commedia.characters.vrm import Expression, Vrm, applied, read_vrm
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES, plain_morph
from commedia.geometry.gaze import gaze_yaw_pitch
from commedia.retarget.tables import load_expression_table

SAME = 0.002
"""Of a blendshape's weights: tables are written to three digits."""


@dataclass(frozen=True)
class ExpressionMap:
    """How blendshapes become values of expressions, and those the weights of one rig."""

    kind: str
    """`Perfect Sync expression`, `VRM expression`, or `expression` where a table names it."""
    expressions: tuple[Expression, ...]
    expression_from_blendshape: Float[np.ndarray, "x e"]
    morph_from_expression: Float[np.ndarray, "m x"]
    look_at: LookAt | None = None
    """By whose ranges the four look presets turn the eyes; without one they follow the matrix as all others do."""
    beside: Float[np.ndarray, "m e"] | None = None
    """What blendshapes move without any expression."""

    def morphs(self, blendshapes: Float[np.ndarray, "e"]) -> Float[np.ndarray, " m"]:
        """Weights of all morphs, not yet limited to 1."""
        values = self.expression_from_blendshape @ blendshapes
        if self.look_at is not None:
            # One expression turns both eyes, so they share one gaze.
            looks = gaze_weights(self.look_at, *np.rad2deg(gaze_yaw_pitch(blendshapes).mean(axis=0)).tolist())
            for row, one in enumerate(self.expressions):
                values[row] = looks.get(one.name, values[row]) if one.preset else values[row]
        shown = self.morph_from_expression @ applied(self.expressions, values)
        return shown if self.beside is None else shown + self.beside @ blendshapes


def expression_maps(character: Character) -> tuple[ExpressionMap | None, ExpressionMap | None]:
    """The way through expressions named after blendshapes alone, and the way that fills the rest with presets."""
    vrm = read_vrm(character.document)
    if vrm is None:
        return None, None
    own = {plain_morph(name): {name: 1.0} for name in EXPRESSION_NAMES} | load_expression_table("perfect-sync").morphs
    columns = [morph_weights(character, expression) for expression in vrm.expressions]
    moves = [bool(column[character.rig.effective].any()) for column in columns]
    blendshapes = [
        own.get(plain_morph(one.name), {}) if moved else {} for one, moved in zip(vrm.expressions, moves, strict=True)
    ]
    perfect = _map("Perfect Sync expression", vrm.expressions, columns, blendshapes)
    table = load_expression_table("vrm")
    covered = {blendshape for shown in blendshapes for blendshape in shown}
    # Presets only for what no expression of its own shows, and one for both eyes only after those for either.
    for stand_ins in (False, True):
        added = []
        for row, (expression, moved) in enumerate(zip(vrm.expressions, moves, strict=True)):
            plain = plain_morph(expression.name)
            shown = table.morphs.get(plain, {}) if moved and expression.preset else {}
            if (plain in table.stand_ins) == stand_ins and shown and not covered & shown.keys():
                added.append((row, shown))
        for row, shown in added:
            blendshapes[row] = shown
            covered |= shown.keys()
    return perfect, _map("VRM expression", vrm.expressions, columns, blendshapes, _look_at(vrm))


def map_of_table(
    character: Character, table: Mapping[str, Mapping[str, float]], beside: Float[np.ndarray, "m e"]
) -> ExpressionMap | None:
    """The way through the expressions that a table names, in plain form; None where the character has none of them."""
    vrm = read_vrm(character.document) if table else None
    if vrm is None:
        return None
    plain = [plain_morph(one.name) for one in vrm.expressions]
    # Of names that are one to a table, the first is driven, which is a preset where there is one.
    blendshapes = [dict(table.get(name, {})) if name not in plain[:row] else {} for row, name in enumerate(plain)]
    columns = [morph_weights(character, one) for one in vrm.expressions]
    found = _map("expression", vrm.expressions, columns, blendshapes, _look_at(vrm))
    return None if found is None else replace(found, beside=beside)


def through_expressions(
    character: Character,
    gains: Float[np.ndarray, "m e"],
    expressions: Sequence[Expression] | None = None,
    *,
    most: float = 1.0,
) -> tuple[dict[str, dict[str, float]], Float[np.ndarray, "m e"]]:
    """Find the blendshapes whose shapes are exactly those of one of a VRM's expressions; also return what they leave.

    An expression cannot go beyond 1: what asks for more than `most` of it stays with its shapes. Without
    `expressions` all that the character has are tried.
    """
    vrm, left = read_vrm(character.document), gains.copy()
    tried = expressions if expressions is not None else vrm.expressions if vrm is not None else ()
    shown: dict[str, dict[str, float]] = {}
    seen: set[str] = set()
    for one in sorted(tried, key=lambda one: not one.preset):
        own = morph_weights(character, one) * character.rig.effective
        known = plain_morph(one.name) in seen
        seen.add(plain_morph(one.name))
        if known or not own.any():
            continue
        share = own @ left / (own @ own)
        same = np.linalg.norm(left - np.outer(own, share), axis=0) < SAME * np.linalg.norm(left, axis=0)
        blendshapes = np.flatnonzero(same & (share > 0) & (share <= most + SAME))
        if len(blendshapes):
            shown[one.name] = {
                EXPRESSION_NAMES[blendshape]: round(float(share[blendshape]), 3) for blendshape in blendshapes
            }
            left[:, blendshapes] = 0
    return shown, left


def _look_at(vrm: Vrm) -> LookAt | None:
    return vrm.look_at if vrm.look_at is not None and vrm.look_at.kind == "expression" else None


def morph_weights(character: Character, expression: Expression) -> Float[np.ndarray, " m"]:
    """Weight of each morph of the rig where an expression is 1."""
    column = np.zeros(len(character.rig.morph_names))
    for bind in expression.morphs:
        names = character.meshes[bind.mesh].rig_index
        if bind.target < len(names):
            # Pieces of one face bind the same morph each; together they are one control.
            row = names[bind.target]
            column[row] = max(column[row], bind.weight)
    return column


def _map(
    kind: str,
    expressions: tuple[Expression, ...],
    columns: list[np.ndarray],
    blendshapes: list[dict[str, float]],
    look_at: LookAt | None = None,
) -> ExpressionMap | None:
    driven = [row for row, shown in enumerate(blendshapes) if shown]
    if not driven:
        return None
    matrix = np.zeros((len(driven), EXPRESSION_COUNT))
    for row, source in enumerate(driven):
        for blendshape, gain in blendshapes[source].items():
            matrix[row, EXPRESSION_INDEX[blendshape]] = gain
    chosen = tuple(expressions[row] for row in driven)
    return ExpressionMap(kind, chosen, matrix, np.stack([columns[row] for row in driven], axis=1), look_at)
