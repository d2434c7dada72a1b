"""Laws of the rest that is found by itself: it becomes 0, full stays full, smiles and speech stay."""

import numpy as np
import pytest
from readings import BLINKS, BROW, FPS, JAW, LEFT, LIDS_OF, NOISE, SMILE, acted, times

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.tracking.neutral import FULL, GAZE, LIDS, MOST_REST, LearntNeutral, Neutral, neutral_of_take
from commedia.tracking.zero_phase import EXPRESSION, zero_phase


def test_rest_is_found_by_itself_and_becomes_zero_while_full_stays_full(rng: np.random.Generator):
    rest = np.where(GAZE, 0, 0.9 * MOST_REST)
    truth, read = acted(300, rest, rng)
    steady = zero_phase(read, times(300), EXPRESSION)
    neutral = neutral_of_take(steady, times(300), np.ones(300))
    shown = neutral.applied(steady)
    resting = truth == 0
    assert shown[resting].mean() < 0.03 < 0.1 < steady[resting].mean()
    for middle in BLINKS:
        assert (shown[middle, LIDS_OF] >= 0.9).all()
    assert shown[-35, SMILE] > 0.7
    np.testing.assert_array_equal(neutral.applied(np.ones(EXPRESSION_COUNT)), 1)
    assert (neutral.applied(np.zeros(EXPRESSION_COUNT)) == 0).all()


def test_taking_rest_away_keeps_the_order_of_values_and_what_a_blink_needs(rng: np.random.Generator):
    neutral = Neutral(rng.uniform(0, MOST_REST))
    rising = np.linspace(0, 1, 101)[:, None] * np.ones(EXPRESSION_COUNT)
    shown = neutral.applied(rising)
    assert (np.diff(shown, axis=0) >= -1e-12).all()
    assert np.diff(shown, axis=0).max() < 0.02
    deep = rising >= FULL
    np.testing.assert_array_equal(shown[deep], rising[deep])
    assert LIDS.sum() == 2
    assert (rising[deep[:, LEFT], LEFT] >= 0.59).all()


@pytest.mark.parametrize("name", ["browInnerUp", "browOuterUpLeft", "jawOpen", "mouthLowerDownRight"])
def test_brows_that_hang_high_and_a_mouth_slightly_open_are_how_a_face_rests(rng: np.random.Generator, name: str):
    channel, rest = EXPRESSION_INDEX[name], np.zeros(EXPRESSION_COUNT)
    rest[channel] = 0.2
    truth, read = acted(300, rest, rng)
    steady = zero_phase(read, times(300), EXPRESSION)
    neutral = neutral_of_take(steady, times(300), np.ones(300))
    assert neutral.rest[channel] == pytest.approx(0.2, abs=0.03)
    assert neutral.applied(steady)[truth[:, channel] == 0, channel].mean() < 0.03


@pytest.mark.parametrize("held", [0.25, 0.35, 0.5, 0.8])
def test_a_smile_that_never_ends_stays_a_smile(rng: np.random.Generator, held: float):
    read = np.zeros((300, EXPRESSION_COUNT))
    read[:, SMILE] = held + NOISE * rng.normal(size=300)
    neutral = neutral_of_take(read, times(300), np.ones(300))
    assert neutral.applied(read)[:, SMILE].mean() > 0.7 * held
    assert neutral.rest[SMILE] <= MOST_REST[SMILE]


def test_who_talks_all_the_time_keeps_the_swing_of_the_jaw(rng: np.random.Generator):
    read = np.zeros((300, EXPRESSION_COUNT))
    read[:, JAW] = 0.3 + 0.2 * np.sin(2 * np.pi * 3 * times(300)) + NOISE * rng.normal(size=300)
    steady = zero_phase(read, times(300), EXPRESSION)
    shown = neutral_of_take(steady, times(300), np.ones(300)).applied(steady)[:, JAW]
    assert np.ptp(shown) > 0.9 * np.ptp(steady[:, JAW])
    assert shown.max() > 0.75 * 0.5


def test_where_somebody_looks_is_not_taken_away():
    read = np.full((300, EXPRESSION_COUNT), 0.05)
    taken = neutral_of_take(read, times(300), np.ones(300)).rest
    assert (taken[GAZE] == 0).all()
    np.testing.assert_allclose(taken[~GAZE], 0.05)


def test_whoever_is_seen_briefly_has_no_rest_yet():
    read = np.full((40, EXPRESSION_COUNT), 0.2)
    assert not neutral_of_take(read, times(40), np.ones(40)).rest.any()
    assert not neutral_of_take(read[:1], times(1), np.ones(1)).rest.any()


def test_rest_is_read_from_the_front():
    read = np.full((300, EXPRESSION_COUNT), 0.05)
    read[:200, BROW] = 0.2
    frontal = np.where(np.arange(300) < 200, 0.5, 1.0)
    assert neutral_of_take(read, times(300), frontal).rest[BROW] == pytest.approx(0.05)


def test_a_stream_learns_the_same_as_it_goes(rng: np.random.Generator):
    rest = np.where(GAZE, 0, rng.uniform(0, MOST_REST))
    truth, read = acted(900, rest, rng)
    learnt, shown = LearntNeutral(), []
    for row in read:
        learnt = learnt.after(row, 1 / FPS)
        shown.append(learnt.neutral.applied(row))
    resting = truth[450:] == 0
    assert np.array(shown)[450:][resting].mean() < 0.03
    assert np.abs(learnt.neutral.rest - rest).mean() < 0.03
    # A smile of five seconds, minutes later, is not taken for rest.
    for _ in range(150):
        learnt = learnt.after(np.where(np.arange(EXPRESSION_COUNT) == SMILE, 0.9, read[-1]), 1 / FPS)
    assert learnt.neutral.rest[SMILE] < rest[SMILE] + 0.1
