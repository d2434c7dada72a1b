"""Which morph of a rig answers to which of the 52 units, by name. Never by position: orders differ between tools.

Names are compared in a plain form (see `plain_morph`), first with the units' own names, then with the tables in
`assets/mappings/morphs`, of which the one that explains most of the rig is taken.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.characters.character import Character, Rig
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import BadCharacter, UnknownName, nearest

MAPPINGS = Path(__file__).resolve().parents[1] / "assets" / "mappings" / "morphs"
SHOWN_NAMES = 12


@dataclass(frozen=True)
class Mapping:
    """A table of morph names beyond the units' own."""

    name: str
    morphs: dict[str, dict[str, float]]
    """By plain morph name: how much of which unit it shows."""
    stand_ins: frozenset[str]
    """Plain names of morphs that are used only where the rig has no morph of the units they show."""


@dataclass(frozen=True)
class MorphMap:
    """How units become the weights of one rig."""

    morph_from_unit: Float[np.ndarray, "m e"]
    """Weight of each morph per weight of each unit."""
    missing: tuple[str, ...]
    """Units that the rig cannot show, or names over a morph that moves nothing."""
    mapping: str
    """The table that was used."""


def mapping_names() -> tuple[str, ...]:
    """The tables that exist."""
    return tuple(sorted(path.stem for path in MAPPINGS.glob("*.toml")))


@cache
def load_mapping(name: str) -> Mapping:
    """Read one table; every unit it names must exist."""
    if name not in mapping_names():
        raise UnknownName("mapping", name, mapping_names())
    with (MAPPINGS / f"{name}.toml").open("rb") as file:
        table = tomllib.load(file)
    for units in table["morphs"].values():
        for unit in units:
            if unit not in EXPRESSION_INDEX:
                raise UnknownName(f"unit in mapping {name}", unit, EXPRESSION_NAMES)
    stand_ins = frozenset(map(plain_morph, table.get("stand_ins", {}).get("names", ())))
    return Mapping(name, {plain_morph(morph): units for morph, units in table["morphs"].items()}, stand_ins)


def plain_morph(name: str) -> str:
    """Reduce a morph's name to what is compared: no case or separators, sides written out.

    `Eye_Blink_L`, `eyeBlink.L` and `EyeBlinkLeft` all become `eyeblinkleft`.
    """
    side = re.search(r"[._\- ]([LR])$", name, re.IGNORECASE)
    stem = re.sub(r"[^a-z0-9]", "", (name[: side.start()] if side else name).lower())
    return stem + {"l": "left", "r": "right"}[side[1].lower()] if side else stem


def map_morphs(character: Character, mapping: str | None = None) -> MorphMap:
    """Match a character's morphs with the units; refuse a character that has none of them.

    Args:
        mapping: a table to use; None takes the one that leaves the fewest units missing.
    """
    names = [mapping] if mapping is not None else ["arkit", *(name for name in mapping_names() if name != "arkit")]
    maps = [_map_with(character.rig, load_mapping(name)) for name in names]
    # min keeps the first of equals, so ARKit's own table wins a tie.
    best = min(maps, key=lambda found: len(found.missing))
    if not best.morph_from_unit.any():
        raise BadCharacter(_no_units(character))
    return best


def _map_with(rig: Rig, mapping: Mapping) -> MorphMap:
    known = {plain_morph(name): {name: 1.0} for name in EXPRESSION_NAMES} | mapping.morphs
    plain = [_known_part(name, known) for name in rig.morph_names]
    matrix = np.zeros((len(plain), EXPRESSION_COUNT))
    for row, name in enumerate(plain):
        if name is not None and name not in mapping.stand_ins:
            _write(matrix, row, known[name])
    covered = np.any(matrix[rig.effective], axis=0).reshape(-1)
    for row, name in enumerate(plain):
        if name in mapping.stand_ins and not any(covered[EXPRESSION_INDEX[unit]] for unit in known[name]):
            _write(matrix, row, known[name])
    shown = np.any(matrix[rig.effective], axis=0).reshape(-1)
    missing = tuple(name for name, here in zip(EXPRESSION_NAMES, shown.tolist(), strict=True) if not here)
    return MorphMap(matrix, missing, mapping.name)


def _known_part(name: str, known: dict[str, dict[str, float]]) -> str | None:
    """The plain name, or what is left of it after a prefix such as `BlendShape.` or `Face_`."""
    starts = [0, *(match.end() for match in re.finditer(r"[.:|_\- ]+", name))]
    return next((plain for start in starts if (plain := plain_morph(name[start:])) in known), None)


def _write(matrix: np.ndarray, row: int, units: dict[str, float]) -> None:
    for unit, gain in units.items():
        matrix[row, EXPRESSION_INDEX[unit]] = gain


def _no_units(character: Character) -> str:
    found = character.rig.morph_names
    listed = ", ".join(f"'{name}'" for name in found[:SHOWN_NAMES])
    more = f" and {len(found) - SHOWN_NAMES} more" if len(found) > SHOWN_NAMES else ""
    close = next((hint for name in EXPRESSION_NAMES if (hint := nearest(name, found)) and hint), "")
    expected = ", ".join(f"'{name}'" for name in ("jawOpen", "eyeBlinkLeft", "mouthSmileLeft"))
    close = f"; {close.replace('did you mean', 'the nearest is').rstrip('? ')}" if close else ""
    return (
        f"{character.name} has {len(found)} morph targets, but none has the name of an ARKit unit: found {listed}{more}"
        f"{close}; expected names such as {expected} (tables tried: {', '.join(mapping_names())})"
    )
