"""Who has which number in a stream, and what is sent of people who are not there."""

from fractions import Fraction

import numpy as np
import pytest
from faces_to_send import any_params, face_params, frame_of, tracked

from commedia.outputs.streams.people import FADE_S, HOLD_S, MOST_PEOPLE, StreamedPeople


def jaws(people: StreamedPeople, time_s: float, *seen: tuple[int, float]) -> list[tuple[int, str, float]]:
    faces = [tracked(face_params(jawOpen=jaw), person) for person, jaw in seen]
    shown = people.update(frame_of(Fraction(time_s), faces))
    return [(face.id, face.status, round(float(face.params.expression[17]), 3)) for face in shown]


def test_before_anybody_comes_number_one_is_at_rest() -> None:
    assert jaws(StreamedPeople(), 0.0) == [(1, "fading", 0)]


def test_out_of_view_is_held_then_fades_then_rests_for_ever() -> None:
    people = StreamedPeople()
    assert jaws(people, 1.0, (1, 0.8)) == [(1, "tracked", 0.8)]
    assert jaws(people, 1.0 + HOLD_S / 2) == [(1, "held", 0.8)]
    assert jaws(people, 1.0 + HOLD_S + FADE_S / 2) == [(1, "fading", 0.4)]
    assert jaws(people, 1.0 + HOLD_S + FADE_S) == [(1, "fading", 0)]
    assert jaws(people, 9000.0) == [(1, "fading", 0)]


def test_whoever_returns_under_a_new_id_has_the_number_again() -> None:
    people = StreamedPeople()
    jaws(people, 0.0, (1, 0.1), (2, 0.2))
    jaws(people, 1.0, (2, 0.2))
    assert jaws(people, 2.0, (2, 0.2), (7, 0.7)) == [(1, "tracked", 0.7), (2, "tracked", 0.2)]


def test_who_is_only_held_keeps_the_number() -> None:
    people = StreamedPeople()
    jaws(people, 0.0, (1, 0.1))
    assert jaws(people, 0.2, (2, 0.2)) == [(1, "held", 0.1), (2, "tracked", 0.2)]


def test_numbers_are_bounded() -> None:
    people = StreamedPeople()
    assert len(jaws(people, 0.0, *((person, 0.5) for person in range(1, 2 * MOST_PEOPLE)))) == MOST_PEOPLE
    for second in range(1, 50):
        shown = jaws(people, float(second), (1000 + second, 0.5))
    assert len(shown) == MOST_PEOPLE
    assert [one for one in shown if one[1] == "tracked"] == [(1, "tracked", 0.5)]


def test_weights_are_limited_and_what_is_not_finite_is_not_seen(rng: np.random.Generator) -> None:
    people = StreamedPeople()
    (shown,) = people.update(frame_of(Fraction(0), [tracked(face_params(jawOpen=1.4, mouthClose=-0.2))]))
    assert (shown.params.expression.min(), shown.params.expression.max()) == (0, 1)
    broken = any_params(rng)
    broken.expression[3] = np.nan
    (shown,) = people.update(frame_of(Fraction(1, 10), [tracked(broken)]))
    assert shown.status == "held"
    assert shown.params.expression.max() == 1


def test_at_the_end_everyone_rests() -> None:
    people = StreamedPeople()
    jaws(people, 0.0, (1, 0.5), (2, 0.5))
    assert [(face.id, float(face.params.expression.max())) for face in people.at_rest()] == [(1, 0.0), (2, 0.0)]


def test_heads_turn_back_too() -> None:
    people = StreamedPeople()
    people.update(frame_of(Fraction(0), [tracked(face_params(yaw_deg=40))]))
    (shown,) = people.update(frame_of(Fraction(1), []))
    assert shown.params.pose.wxyz == pytest.approx([1, 0, 0, 0], abs=1e-6)


def test_it_is_known_who_has_which_number() -> None:
    people = StreamedPeople()
    assert people.persons() == (0,)
    jaws(people, 0.0, (4, 0.1), (7, 0.2))
    assert people.persons() == (4, 7)
    jaws(people, 5.0, (9, 0.1), (7, 0.2))
    assert people.persons() == (9, 7)
