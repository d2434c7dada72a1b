"""Who of a whole take is one person under several ids: the looks at everybody are compared when all have been taken."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np

from commedia.tracking.likeness import joined, likenesses_alike
from commedia.tracking.track import Likeness


@dataclass(frozen=True)
class Seen:
    """One id of a take."""

    likeness: Likeness
    frames: Set[int]
    """In which it is tracked."""


def same_people(people: Mapping[int, Seen], least: float) -> dict[int, int]:
    """Everybody of a take, by id, to the id that each should have: the lowest of those who are one person.

    The two most alike become one first, whose looks are then those of both, and so on until no cosine reaches `least`.
    Two who are seen in one frame are two, however alike. Who is not named keeps their id.
    """
    groups = {frozenset([name]): seen for name, seen in people.items()}
    while (pair := _most_alike(groups, least)) is not None:
        first, second = (groups.pop(names) for names in pair)
        groups[pair[0] | pair[1]] = Seen(joined(first.likeness, second.likeness), first.frames | second.frames)
    return {name: min(names) for names in groups for name in names if name != min(names)}


def _most_alike(groups: Mapping[frozenset[int], Seen], least: float) -> tuple[frozenset[int], frozenset[int]] | None:
    """The two groups that are most alike and never seen together; None where no two are alike enough."""
    names = list(groups)
    if len(names) < 2:
        return None
    looks = [groups[name].likeness for name in names]
    cosine = likenesses_alike(looks, looks)
    cosine[np.tril_indices(len(names))] = -np.inf
    for place in np.argsort(-cosine, axis=None):
        first, second = (names[index] for index in np.unravel_index(place, cosine.shape))
        if cosine.flat[place] < least:
            return None
        if not groups[first].frames & groups[second].frames:
            return first, second
    return None
