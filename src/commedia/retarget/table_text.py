"""Mapping tables written: what `tables.py` reads back as it was meant."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commedia.conventions import plain_morph
from commedia.retarget.limits import Limit
from commedia.retarget.tables import FULL


@dataclass(frozen=True)
class Row:
    """One morph's line."""

    morph: str
    gains: dict[str, float]
    """By blendshape; empty says that nothing drives the morph, whatever its name."""
    clamp: tuple[float, float] = FULL
    note: str = ""


def table_text(
    name: str,
    rows: Sequence[Row],
    remarks: Sequence[str] = (),
    limits: Sequence[Limit] = (),
    expressions: Mapping[str, Mapping[str, float]] | None = None,
) -> str:
    """Return the table as TOML. Of names that are one name to a table, only the first has a line.

    The factors of `limits` may be by any spelling of the morphs' names.
    """
    lines = [f"# {_line(remark)}" for remark in remarks]
    lines += ["", f"name = {quoted(name)}"]
    lines += ["", "[expressions]"] if expressions else []
    lines += [_morph(Row(one, dict(blendshapes))) for one, blendshapes in (expressions or {}).items()]
    lines += ["", "[morphs]"]
    seen: set[str] = set()
    for row in rows:
        plain = plain_morph(row.morph)
        if plain not in seen:
            lines.append(_morph(row))
        seen.add(plain)
    for limit in limits:
        factors = ", ".join(f"{quoted(morph)} = {factor:g}" for morph, factor in limit.factors.items())
        lines += ["", "[[limits]]", f"sum = {{ {factors} }}", f"most = {limit.most:g}"]
    return "\n".join([*lines, ""])


def quoted(text: str) -> str:
    """Any text as a TOML string: JSON's rules, but that TOML forbids one control character more."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _morph(row: Row) -> str:
    entries = [f"{blendshape} = {gain:g}" for blendshape, gain in row.gains.items()]
    entries += [f"clamp = [{row.clamp[0]:g}, {row.clamp[1]:g}]"] if row.clamp != FULL else []
    note = f"    # {_line(row.note)}" if row.note else ""
    return f"{quoted(row.morph)} = {{ {', '.join(entries)} }}".replace("{  }", "{}") + note


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
