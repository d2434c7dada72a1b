"""Who has no character before a camera gets a head of their own: soon, seldom, and never over what somebody chose."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from faces_to_send import face_params, frame_of, tracked
from rigs import small_builder
from served import moments, numbers_of, serving

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.outputs.live.own_heads import MADE_AT_S, MOST_HEADS, OwnHeads
from commedia.retarget.cast import DEFAULT_HEAD, MASKED, PAINTED, Cast
from commedia.retarget.performance_edit import PerformanceEdit

CHARACTER = 71
"""Where a moment of one person says which character it is."""
WEIGHTS = slice(CHARACTER + 3, CHARACTER + 3 + len(EXPRESSION_NAMES))


def small(name: str) -> Character:
    return character_from_bytes(small_builder(("jawOpen",)).to_bytes(), name)


class Wardrobe(Cast):
    """Heads that take no time, with the number of each in their name."""

    def __init__(self, **options) -> None:
        super().__init__(**{"look": PAINTED, **options})
        self.made: list[int] = []
        self.plain_head = small(DEFAULT_HEAD)

    def own_head(self, person, identity) -> Character:
        self.made.append(person)
        return small(f"head {len(self.made)} of {person}")


def seen(heads: OwnHeads, time_s: float, *people: int, status: str = "tracked") -> None:
    faces = [tracked(face_params(), person, status) for person in people]
    heads.frame_done(frame_of(Fraction(time_s), faces))
    heads.wait()


def test_a_head_comes_after_a_second_in_view_and_a_better_one_later_and_then_no_more() -> None:
    cast, told = Wardrobe(), []
    heads = OwnHeads(cast, lambda: told.append(1))
    for tick in range(300):
        seen(heads, tick / 10, 7)
        assert len(cast.made) == sum(tick / 10 >= at_s for at_s in MADE_AT_S)
    assert cast.role(7).name == f"head {len(MADE_AT_S)} of 7"
    assert len(told) == len(MADE_AT_S)


def test_who_is_held_or_comes_later_waits_for_a_second_of_their_own() -> None:
    cast = Wardrobe()
    heads = OwnHeads(cast, lambda: None)
    seen(heads, 0, 1)
    seen(heads, 2, 1, status="held")
    assert cast.made == []
    seen(heads, 2.5, 1, 2)
    seen(heads, 2.6, 1, 2)
    assert cast.made == [1]
    seen(heads, 3.6, 2)
    assert cast.made == [1, 2]


def test_nobody_loses_what_was_chosen_for_them() -> None:
    cast = Wardrobe(people={3: small("hero")})
    heads = OwnHeads(cast, lambda: None)
    for time_s in (0, 2, 8):
        seen(heads, time_s, 3, 4)
    assert 3 not in cast.made
    assert cast.role(3).name == "hero"
    cast.give(4, small("other"))
    seen(heads, 60, 4)
    assert cast.role(4).name == "other"


def test_there_is_an_end_to_heads() -> None:
    cast = Wardrobe()
    heads = OwnHeads(cast, lambda: None)
    people = list(range(1, MOST_HEADS + 10))
    seen(heads, 0, *people)
    for _ in people:
        seen(heads, 2, *people)
    assert len(cast.made) == MOST_HEADS


def test_a_mask_is_everybodys_and_is_made_for_nobody() -> None:
    cast = Wardrobe(look=MASKED)
    heads = OwnHeads(cast, lambda: None)
    for time_s in (0, 2, 8):
        seen(heads, time_s, 1, 2)
    assert cast.made == []


def test_ones_own_head_does_what_a_mirror_would_show(tmp_path: Path) -> None:
    """The plain head and the one that is given later are told the same: a left smile is a right one."""
    cast = Cast(look=PAINTED, edit=PerformanceEdit(mirror=True))
    with serving(tmp_path, cast=cast) as served, served.page() as page:
        served.show.characters.shown(cast.plain_head)  # Takes its time before anybody waits for it.
        told, shown = moments(page), {}
        for number in (0, 40, 41):
            served.said(number, mouthSmileLeft=0.7)
            row = numbers_of(next(told))
            shown[int(row[CHARACTER])] = row[WEIGHTS]
            served.show.heads.wait()
    assert len(shown) == 2, "a plain head, then one's own"
    for weights in shown.values():
        assert weights[EXPRESSION_INDEX["mouthSmileRight"]] == np.float32(0.7)
        assert weights[EXPRESSION_INDEX["mouthSmileLeft"]] == 0


def test_a_page_sees_the_plain_head_first_and_then_ones_own(tmp_path: Path) -> None:
    with serving(tmp_path, cast=Wardrobe()) as served, served.page() as page:
        served.said(0)
        told = moments(page)
        first = numbers_of(next(told))[CHARACTER]
        served.said(40)
        served.show.heads.wait()
        served.said(41)
        later = next(number for message in told if (number := numbers_of(message)[CHARACTER]) != first)
        names = {one.number: one.name for one in served.show.characters.all()}
    assert (names[int(first)], names[int(later)]) == (DEFAULT_HEAD, "head 1 of 7")
