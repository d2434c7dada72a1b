"""Everything that was watched to the cuts that a rig is made of and judged by."""

from collections.abc import Mapping, Sequence

import numpy as np

from commedia.looks.portraits import Portrait
from commedia.personal.frames import Sighting, cover, features_of, kept_unseen, missing, worth_of
from commedia.personal.make import Cuts
from commedia.personal.watch import BETWEEN_TAKES_S, NobodySeen, Tell, Watched, cut_out, sightings_of

MADE_OF, JUDGED_BY = 16, 6
MORE = 2
"""So many times as many frames are cut out as are wanted: those that are not sharp are left."""
BLURRED = 0.6
"""Of the median sharpness and light of the cuts: what shows less is left, if enough others are there."""

Key = tuple[int, int]


def chosen_cuts(
    takes: Sequence[Watched], meant: Mapping[int, int], tell: Tell, *, judged_by: int = JUDGED_BY
) -> tuple[Cuts, list[str]]:
    """Choose sharp, varied frames of the person who is meant, and keep some aside; also says what was not seen."""
    seen = sightings_of(takes, meant)
    worth = worth_of(seen)
    if not (worth > 0).any():
        raise NobodySeen("every face of the person is too small: at least 30 pixels from ear to ear are needed")
    seen = [one for one, value in zip(seen, worth, strict=True) if value > 0]
    aside = kept_unseen(seen)
    groups = [[one for one, kept in zip(seen, aside, strict=True) if kept == wanted] for wanted in (False, True)]
    counts = (MADE_OF, judged_by)
    wanted = {
        (one.take, one.frame): one
        for group, count in zip(groups, counts, strict=True)
        for one in _varied(group, MORE * count)
    }
    cuts, skin = cut_out(takes, wanted, groups[0], tell)
    shown = {round(portrait.time_s, 6) for portrait in skin}
    others = {key: one for key, one in wanted.items() if round(one.take * BETWEEN_TAKES_S + one.time_s, 6) not in shown}
    made_of, unseen = (
        _sharp([one for one in group if (one.take, one.frame) in others], cuts, count)
        for group, count in zip(groups, (MADE_OF - len(skin), judged_by), strict=True)
    )
    return Cuts([*skin, *made_of], unseen, skin, _identity(seen)), missing(seen)


def _varied(group: Sequence[Sighting], count: int) -> list[Sighting]:
    return [group[row] for row in cover(features_of(group), worth_of(group), count)] if group else []


def _sharp(group: list[Sighting], cuts: Mapping[Key, Portrait], count: int) -> list[Portrait]:
    """Of those that were cut out the most varied that are sharp and well lit."""
    group = [one for one in group if (one.take, one.frame) in cuts]
    clear = np.array([cuts[one.take, one.frame].worth for one in group])
    if len(group) > count:
        least = BLURRED * float(np.median(clear))
        group = [one for one, value in zip(group, clear, strict=True) if value >= least]
    return [cuts[one.take, one.frame] for one in _varied(group, count)]


def _identity(seen: Sequence[Sighting]) -> np.ndarray:
    """Who it is by all frames: a take that is read as a whole says the same in each."""
    return np.mean([one.face.params.identity for one in seen], axis=0).astype(np.float32)
