"""Folds that somebody drawn has only when they smile are found where they are; where there are none, none stay."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from commedia.face_model.model import load_head
from commedia.face_model.person import Person
from commedia.face_model.wrinkles import WrinkleMap, doublings
from commedia.looks.portraits import Portrait
from commedia.looks.skin import CHART_PX, face_chart
from commedia.personal.wrinkles import MAP_PX, SkinSights, found_wrinkles, kept_wrinkles, skin_error, skin_sights

from .drawn import FOLD, Drawn, drawn_person


@pytest.fixture(scope="module")
def folded() -> Drawn:
    return drawn_person(folds=True)


def found_of(drawn: Drawn) -> dict[str, WrinkleMap]:
    maps, _ = found_wrinkles(sights(drawn.cuts.made_of, drawn), rest_of(drawn), load_head())
    return {one.name: one for one in maps}


def sights(portraits: Sequence[Portrait], drawn: Drawn) -> SkinSights:
    head = Person("mara", neutral=drawn.neutral.astype(np.float32), template=load_head()).head
    return skin_sights(portraits, drawn.cuts.identity, head)


def rest_of(drawn: Drawn) -> np.ndarray:
    """The skin as it is in the frames that are at rest."""
    seen = sights(drawn.cuts.made_of, drawn)
    weight = seen.weight * (seen.expression.max(axis=1) < 0.3)[:, None, None]
    return (weight[..., None] * seen.skin).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-3)[..., None]


def near(place: tuple[float, float, float], reach_m: float) -> np.ndarray:
    """Texels of a map around a place on the mean face."""
    step = CHART_PX // MAP_PX
    away = np.linalg.norm(face_chart(load_head()).place[::step, ::step] - np.array(place), axis=-1)
    return away < reach_m


def test_a_fold_is_found_on_its_side_and_with_its_blendshape(folded: Drawn) -> None:
    found = found_of(folded)
    assert {"smile left", "smile right", "open mouth"} == set(found)
    left, right, jaw = (
        doublings(found[name].change).mean(axis=2) for name in ("smile left", "smile right", "open mouth")
    )
    here, there = (near((side * FOLD[0], FOLD[1], FOLD[2]), 0.006) for side in (1, -1))
    assert left[here].mean() < -0.2
    assert right[there].mean() < -0.2
    assert abs(left[there].mean()) < 0.03
    assert abs(jaw[here].mean()) < 0.1


def test_without_folds_none_is_found() -> None:
    plain = drawn_person()
    left = doublings(found_of(plain)["smile left"].change).mean(axis=2)
    assert abs(left[near(FOLD, 0.006)].mean()) < 0.1


def test_what_all_frames_show_alike_is_no_wrinkle() -> None:
    """A texture that is wrong beside the mouth is put right for all expressions, and a smile is not blamed for it."""
    plain, spot = drawn_person(), near(FOLD, 0.006)
    wrong = rest_of(plain) + 0.4 * spot[..., None].astype(np.float32)
    maps, rest = found_wrinkles(sights(plain.cuts.made_of, plain), wrong, load_head())
    left = next(doublings(one.change) for one in maps if one.name == "smile left")
    assert abs(left[spot].mean()) < 0.1
    assert abs((rest - rest_of(plain))[spot].mean()) < 0.1


def test_of_a_face_that_does_one_thing_only_nothing_is_said(folded: Drawn) -> None:
    still = [one for one in folded.cuts.made_of if one.params.expression.max() < 0.3]
    cuts = replace(folded.cuts, made_of=still)
    assert found_of(replace(folded, cuts=cuts)) == {}


def test_what_unseen_frames_show_too_is_kept_and_what_they_contradict_is_not(folded: Drawn) -> None:
    found, unseen, rest = found_of(folded), sights(folded.cuts.unseen, folded), rest_of(folded)
    wrong = [replace(one, change=255 - one.change) for one in found.values()]
    kept = kept_wrinkles([*wrong, *found.values()], unseen, rest, load_head())
    assert {"smile left", "smile right"} <= {one.name for one in kept if one in found.values()}
    assert not {"smile left", "smile right"} & {one.name for one in kept if one in wrong}
    assert skin_error(kept, unseen, rest, load_head()) < 0.97 * skin_error((), unseen, rest, load_head())
