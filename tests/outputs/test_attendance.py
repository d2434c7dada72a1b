"""What is said about each person of a take: how long, how wide, how often they blink."""

from fractions import Fraction

import numpy as np
import pytest
from fakes import fake_box, fake_landmarks, fake_params

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.outputs.attendance import Attendance
from commedia.structures import TrackedFace, TrackedFrame

FPS = 25
SECONDS = 20
COUNT = FPS * SECONDS + 1
JAW, LEFT, RIGHT = (EXPRESSION_INDEX[name] for name in ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight"))


def performance(rng: np.random.Generator) -> np.ndarray:
    """Five blinks, one wink, one look down of a second, and a jaw that takes every value alike."""
    expression = np.zeros((COUNT, EXPRESSION_COUNT), np.float32)
    expression[:, JAW] = rng.permutation(np.linspace(0, 0.8, COUNT))
    for start in (20, 70, 160, 300, 420):
        expression[start : start + 3, [LEFT, RIGHT]] = [[0.4], [1.0], [0.6]]
    expression[200:204, LEFT] = 1.0
    expression[240 : 240 + FPS, [LEFT, RIGHT]] = 0.9
    return expression


def attended(expression: np.ndarray, status: str = "tracked", start_s: int = 0) -> Attendance:
    seen = Attendance()
    for index, row in enumerate(expression):
        params = fake_params(np.array([100, 100]), 50, row)
        face = TrackedFace(1, status, fake_box(params), params, fake_landmarks([params])[0], 0.9)
        seen.add(TrackedFrame(index, start_s + Fraction(index, FPS), (face,)))
    return seen


@pytest.mark.parametrize("start_s", [0, 7])
def test_blinks_of_both_eyes_are_counted_winks_and_closed_eyes_are_not(rng, start_s: int):
    facts = attended(performance(rng), start_s=start_s).facts(1)
    assert facts.seen_s == pytest.approx(SECONDS)
    assert facts.filled_s == 0
    assert facts.blinks_per_minute == pytest.approx(5 * 60 / SECONDS)


def test_the_range_is_that_of_nine_in_ten_frames(rng):
    expression = performance(rng)
    facts = attended(expression).facts(1)
    assert tuple(facts.range) == EXPRESSION_NAMES
    expected = np.percentile(expression, [5, 95], axis=0).T
    for name, said in facts.range.items():
        np.testing.assert_allclose(said, expected[EXPRESSION_INDEX[name]], atol=0.02)


def test_what_was_not_seen_is_filled_and_says_nothing_of_the_face(rng):
    facts = attended(performance(rng), status="held").facts(1)
    assert (facts.seen_s, facts.filled_s, facts.blinks_per_minute) == (0, pytest.approx(SECONDS), None)


def test_everyone_has_facts_of_their_own_and_the_neutral_they_were_found_to_have(rng):
    seen = attended(performance(rng))
    seen.neutral = {1: {"jawOpen": 0.1}}
    params = fake_params(np.zeros(2), 50)
    late = TrackedFace(2, "tracked", fake_box(params), params, fake_landmarks([params])[0], 0.9)
    for index in range(2):
        seen.add(TrackedFrame(COUNT + index, Fraction(COUNT + index, FPS), (late,)))
    assert seen.facts(1).neutral == {"jawOpen": 0.1}
    assert seen.facts(1).seen_s == pytest.approx(SECONDS)
    assert seen.facts(2).seen_s == pytest.approx(2 / FPS)
    assert (seen.facts(2).neutral, seen.facts(2).blinks_per_minute) == ({}, 0)


def test_a_photo_has_no_blinks_per_minute(rng):
    facts = attended(performance(rng)[:1]).facts(1)
    assert (facts.seen_s, facts.blinks_per_minute) == (0, None)
    assert facts.range["eyeBlinkLeft"] == (0, 0)
