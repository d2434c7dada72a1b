"""What the morphs of a mesh are called: `targetNames` by convention, or where some exporters put names instead."""

import re
from collections.abc import Sequence

from commedia.characters.container import entries

_ENDING = re.compile(r"[ ._-]?(?:POSITIONS?|position)$")


def morph_names(
    mesh: dict, primitives: Sequence[dict], count: int, tree: dict, file: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A mesh's entry to the names of its `count` morphs, numbers where there is none, and what to know of that."""
    title = f"the mesh '{mesh.get('name', '')}'"
    for holder in (mesh, *primitives):
        listed = _listed(holder)
        if listed is None:
            continue
        if len(listed) == count:
            return tuple(listed), ()
        said = f"{title} has {len(listed)} names for {count} morphs, so the names went to the first"
        named = listed[:count] + _by_accessors(primitives, count, tree, file)[len(listed) :]
        return _numbered(named), (said,) if count else ()
    named = _by_accessors(primitives, count, tree, file)
    known = [name for name in named if name]
    if len(known) < 2 and count > 1:
        return _numbered([""] * count), ()
    if len(set(known)) < len(known):
        return _numbered([""] * count), (f"{title} calls several morphs alike in its accessors, so they are numbers",)
    said = f"{title} has no targetNames; its morphs are called as their accessors are"
    return _numbered(named), (said,) if known else ()


def _listed(holder: dict) -> list[str] | None:
    extras = holder.get("extras")
    listed = extras.get("targetNames") if isinstance(extras, dict) else None
    if isinstance(listed, dict):
        # Some write an object with numbers for keys.
        listed = [listed.get(str(place), "") for place in range(len(listed))]
    return [str(name) for name in listed] if isinstance(listed, list) else None


def _by_accessors(primitives: Sequence[dict], count: int, tree: dict, file: str) -> list[str]:
    """What the accessors of positions are called, without what all end in; empty where they have no names."""
    accessors = entries(tree, "accessors", file)
    targets = primitives[0].get("targets") if primitives else None
    names = []
    for target in targets or []:
        extras = target.get("extras")
        name = extras.get("name") if isinstance(extras, dict) else None
        place = target.get("POSITION")
        if name is None and isinstance(place, int) and 0 <= place < len(accessors):
            name = accessors[place].get("name")
        names.append(_ENDING.sub("", name) if isinstance(name, str) else "")
    return (names + [""] * count)[:count]


def _numbered(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name or str(number) for number, name in enumerate(names))
