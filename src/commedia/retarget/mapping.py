"""Which morph of a rig answers to which of the 52 blendshapes, by name. Never by position: orders differ between tools.

Names are compared in a plain form (see `plain_morph`), first with the blendshapes' own names, then with the tables in
`assets/mappings/morphs`, of which the one that explains most of the rig is taken. A VRM's own expressions count as one
more table: before all others where they are the 52 blendshapes (Perfect Sync), after all others where they are presets.
Names that are nearly a blendshape's are suggested, never used.
"""

import re
from collections.abc import Container
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from jaxtyping import Float

from commedia.characters.character import Character
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES, mirrored_name, plain_morph
from commedia.errors import BadCharacter, nearest
from commedia.retarget.expressions import ExpressionMap, expression_maps, map_of_table
from commedia.retarget.limits import Limits, limits_of_rig
from commedia.retarget.sides import names_are_mirrored
from commedia.retarget.tables import Mapping as Mapping
from commedia.retarget.tables import load_mapping as load_mapping
from commedia.retarget.tables import mapping_names as mapping_names

SHOWN_NAMES = 12
PREFIX_ENDS = re.compile(r"[.:|_\- ]+")
NEAR = 0.8
"""Likeness of two plain names from which one is suggested for the other; a swapped pair of letters costs about 0.1."""


@dataclass(frozen=True)
class MorphMap:
    """How blendshapes become the weights of one rig."""

    morph_from_blendshape: Float[np.ndarray, "m e"]
    """Weight of each morph per weight of each blendshape."""
    missing: tuple[str, ...]
    """Blendshapes that the rig cannot show, or names over a morph that moves nothing."""
    mapping: str
    """The table that was used."""
    bias: Float[np.ndarray, " m"]
    """Added to the weight of each morph that is driven."""
    clamp: Float[np.ndarray, "m 2"]
    """Least and greatest weight of each morph."""
    reasons: tuple[str, ...]
    """Per morph, why it is driven: `exact name`, `table NAME`, `stand-in of table NAME`, an expression, or nothing."""
    expressions: ExpressionMap | None = None
    """Where a VRM's expressions stand between blendshapes and morphs, what they do beyond a matrix."""
    limits: Limits | None = None
    ignored: tuple[str, ...] = ()
    """Morphs that the table knows and leaves alone."""

    def weights(self, blendshapes: Float[np.ndarray, "e"]) -> Float[np.ndarray, " m"]:
        """Weights of all morphs; those that nothing drives get 0."""
        raw = (
            self.morph_from_blendshape @ blendshapes
            if self.expressions is None
            else self.expressions.morphs(blendshapes)
        )
        weights = np.clip(raw + self.bias, self.clamp[:, 0], self.clamp[:, 1])
        return weights if self.limits is None else self.limits.applied(weights)


@dataclass(frozen=True)
class Suggestion:
    """A morph whose name is nearly that of a blendshape nothing else shows."""

    morph: str
    blendshape: str
    similarity: float
    """1 for equal names."""


def map_morphs(character: Character, mapping: str | Mapping | None = None) -> MorphMap:
    """Match a character's morphs with the blendshapes by a table (None: the best shipped one); refuse one without
    any."""
    best = propose_map(character, mapping)
    if not best.morph_from_blendshape.any():
        raise BadCharacter(_no_blendshapes(character))
    return best


def propose_map(character: Character, mapping: str | Mapping | None = None) -> MorphMap:
    """Do the same without refusing anything."""
    if mapping is not None:
        return _map_with(character, load_mapping(mapping) if isinstance(mapping, str) else mapping)
    names = ["arkit", *(name for name in mapping_names() if name != "arkit")]
    here = {plain_morph(name) for name in character.rig.morph_names}
    by_name = [_map_with(character, table) for name in names if (table := load_mapping(name)).needs <= here]
    first, last = (_through(character, found) for found in expression_maps(character))
    # min keeps the first of equals, so a tie goes to Perfect Sync, then to ARKit's own table.
    return min([*first, *by_name, *last], key=lambda found: len(found.missing))


def suggestions(character: Character, found: MorphMap) -> tuple[Suggestion, ...]:
    """For each missing blendshape the unused morph with the nearest name, where one is near."""
    unused = [
        (name, plain_morph(name))
        for name, row, effective in zip(
            character.rig.morph_names, found.morph_from_blendshape, character.rig.effective, strict=True
        )
        if effective and not row.any() and name not in found.ignored
    ]
    result = []
    for blendshape in found.missing:
        wanted, other = plain_morph(blendshape), plain_morph(mirrored_name(blendshape))
        scored = [
            (SequenceMatcher(None, wanted, plain).ratio(), name)
            for name, plain in unused
            # A name that is nearer to the other side's blendshape would put the motion on the wrong half of the face.
            if SequenceMatcher(None, wanted, plain).ratio() >= SequenceMatcher(None, other, plain).ratio()
        ]
        likeness, name = max(scored, default=(0.0, ""))
        if likeness >= NEAR:
            result.append(Suggestion(name, blendshape, round(likeness, 3)))
    return tuple(result)


def _map_with(character: Character, mapping: Mapping) -> MorphMap:
    rig, tabled = character.rig, mapping.morphs
    known = _known_morphs(character, mapping)
    plain = [_known_part(name, known) for name in rig.morph_names]
    matrix = np.zeros((len(plain), EXPRESSION_COUNT))
    reasons = ["" for _ in plain]
    for row, name in enumerate(plain):
        if name is not None and name not in mapping.stand_ins:
            _write(matrix, row, known[name])
            # A table may name a morph only to say that no blendshape drives it.
            reasons[row] = "" if not known[name] else f"table {mapping.name}" if name in tabled else "exact name"
    covered = np.any(matrix[rig.effective], axis=0).reshape(-1)
    for row, name in enumerate(plain):
        if name in mapping.stand_ins and not any(covered[EXPRESSION_INDEX[blendshape]] for blendshape in known[name]):
            _write(matrix, row, known[name])
            reasons[row] = f"stand-in of table {mapping.name}"
    driven = matrix.any(axis=1)
    bias = np.array([mapping.bias.get(name or "", 0.0) for name in plain]).reshape(-1) * driven
    clamp = np.array([mapping.clamp.get(name or "", (0.0, 1.0)) for name in plain]).reshape(-1, 2)
    through, limits = map_of_table(character, mapping.expressions, matrix), limits_of_rig(mapping.limits, plain)
    if through is not None:
        own = through.morph_from_expression @ through.expression_from_blendshape
        matrix, reasons = matrix + own, [_either(pair) for pair in zip(reasons, _through_reasons(through), strict=True)]
    ignored = tuple(
        name
        for name, moved in zip(rig.morph_names, np.any(matrix, axis=1).tolist(), strict=True)
        if not moved and _known_part(name, mapping.ignored) is not None
    )
    missing = _missing(character, matrix)
    return MorphMap(matrix, missing, mapping.name, bias, clamp, tuple(reasons), through, limits, ignored)


def _known_morphs(character: Character, mapping: Mapping) -> dict[str, dict[str, float]]:
    """By plain morph name what a table and the blendshapes' own names say it shows, on the sides where it shows it."""
    known = {plain_morph(name): {name: 1.0} for name in EXPRESSION_NAMES}
    if mapping.sides_by_geometry:
        mirror = names_are_mirrored(character, mapping.morphs)
        return known | (_mirrored(mapping.morphs) if mirror else mapping.morphs)
    known |= mapping.morphs
    return _mirrored(known) if character.rig.sides_exchanged else known


def _mirrored(morphs: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {
        morph: {mirrored_name(blendshape): gain for blendshape, gain in blendshapes.items()}
        for morph, blendshapes in morphs.items()
    }


def _through(character: Character, expressions: ExpressionMap | None) -> list[MorphMap]:
    if expressions is None:
        return []
    matrix = expressions.morph_from_expression @ expressions.expression_from_blendshape
    count = len(matrix)
    clamp = np.tile([0.0, 1.0], (count, 1))
    missing = _missing(character, matrix)
    return [
        MorphMap(matrix, missing, expressions.kind, np.zeros(count), clamp, _through_reasons(expressions), expressions)
    ]


def _through_reasons(expressions: ExpressionMap) -> tuple[str, ...]:
    return tuple(
        f"{expressions.kind} '{expressions.expressions[int(row.argmax())].name}'" if row.any() else ""
        for row in expressions.morph_from_expression * expressions.expression_from_blendshape.any(axis=1)
    )


def _either(reasons: tuple[str, str]) -> str:
    return ", ".join(reason for reason in reasons if reason)


def _missing(character: Character, matrix: np.ndarray) -> tuple[str, ...]:
    shown = np.any(matrix[character.rig.effective], axis=0).reshape(-1)
    return tuple(name for name, here in zip(EXPRESSION_NAMES, shown.tolist(), strict=True) if not here)


def _known_part(name: str, known: Container[str]) -> str | None:
    """The plain name, or what is left of it after a prefix such as `BlendShape.` or `Face_`."""
    starts = [0, *(match.end() for match in PREFIX_ENDS.finditer(name))]
    return next((plain for start in starts if (plain := plain_morph(name[start:])) and plain in known), None)


def _write(matrix: np.ndarray, row: int, blendshapes: dict[str, float]) -> None:
    for blendshape, gain in blendshapes.items():
        matrix[row, EXPRESSION_INDEX[blendshape]] = gain


def _no_blendshapes(character: Character) -> str:
    found = character.rig.morph_names
    listed = ", ".join(f"'{name}'" for name in found[:SHOWN_NAMES])
    more = f" and {len(found) - SHOWN_NAMES} more" if len(found) > SHOWN_NAMES else ""
    close = next((hint for name in EXPRESSION_NAMES if (hint := nearest(name, found)) and hint), "")
    expected = ", ".join(f"'{name}'" for name in ("jawOpen", "eyeBlinkLeft", "mouthSmileLeft"))
    close = f"; {close.replace('did you mean', 'the nearest is').rstrip('? ')}" if close else ""
    return (
        f"{character.name} has {len(found)} morph targets, none named as an ARKit blendshape: found {listed}{more}"
        f"{close}; expected names such as {expected} (tables tried: {', '.join(mapping_names())}); "
        "'commedia rig map' finds by what they move which blendshapes they are"
    )
