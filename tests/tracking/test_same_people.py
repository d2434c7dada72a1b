"""Ids of a whole take that are one person become one; those seen together never do."""

import numpy as np

from commedia.tracking.same_people import Seen, same_people
from commedia.tracking.track import Likeness


def seen(direction: list[float], frames: range, looks: int = 1) -> Seen:
    return Seen(Likeness(looks * np.array(direction, np.float32), looks, 0.0, True), set(frames))


def test_one_person_under_three_ids_gets_the_lowest() -> None:
    people = {
        2: seen([1, 0, 0], range(10)),
        5: seen([0.9, 0.43, 0], range(20, 30)),
        7: seen([1, 0.1, 0], range(40, 50)),
        8: seen([0, 0, 1], range(60, 70)),
    }
    assert same_people(people, 0.8) == {5: 2, 7: 2}


def test_two_in_one_frame_stay_two_and_the_better_match_wins() -> None:
    people = {
        1: seen([1, 0.3, 0], range(10)),
        2: seen([1, 0, 0], range(5, 15)),
        3: seen([1, 0.05, 0], range(30, 40)),
    }
    assert same_people(people, 0.8) == {3: 2}
    assert same_people({name: people[name] for name in (1, 2)}, 0.8) == {}


def test_what_joins_is_judged_by_all_its_looks() -> None:
    # 1 and 3 are too unlike; through 2, which is like both, they become one.
    people = {
        1: seen([1, 0], range(10)),
        2: seen([0.8, 0.6], range(20, 30), looks=9),
        3: seen([0.35, 0.94], range(40, 50)),
    }
    assert same_people({name: people[name] for name in (1, 3)}, 0.75) == {}
    assert same_people(people, 0.75) == {2: 1, 3: 1}


def test_nobody_and_one_person_need_no_other_name() -> None:
    assert same_people({}, 0.5) == same_people({4: seen([1, 0], range(3))}, 0.5) == {}
