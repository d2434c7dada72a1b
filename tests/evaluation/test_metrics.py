"""Every metric against values worked out by hand; each case is one where a plausible slip gives another number."""

import numpy as np
import pytest

from commedia.evaluation.metrics import (
    active_error,
    area_under_curve,
    average_precision,
    blendshape_scores,
    correlation,
    geodesic_deg,
    id_switches,
    match_boxes,
    mean_per_yaw_bin,
    normalised_mean_error,
    ranking_quality,
)
from commedia.structures import Box


def test_nme_divides_by_the_root_of_the_true_box() -> None:
    truth = np.array([[0.0, 0.0], [16.0, 0.0], [16.0, 4.0], [0.0, 4.0]])
    moved = truth + np.array([3.0, 4.0])
    # The mean distance is 5, not the root mean square over axes; the box is 16 x 4, of the truth alone.
    assert normalised_mean_error(moved, truth) == pytest.approx(5 / 8)
    one_off = truth.copy()
    one_off[2] += [0, 400.0]
    assert normalised_mean_error(one_off, truth) == pytest.approx(100 / 8)


def test_area_under_the_error_curve() -> None:
    assert area_under_curve(np.array([0.0, 0.04, 0.08, 0.5]), 0.08) == pytest.approx((1 + 0.5 + 0 + 0) / 4)


def test_yaw_bins_are_closed_above_and_blind_to_the_side() -> None:
    means = mean_per_yaw_bin(np.array([1.0, 3.0, 10.0, 20.0]), np.array([0.0, -30.0, 30.1, -60.0]))
    np.testing.assert_allclose(means, [2.0, 15.0, np.nan])


def test_geodesic_is_the_whole_angle_and_ignores_the_sign_of_a_quaternion() -> None:
    half = np.sqrt(0.5)
    quarter_turn = np.array([half, 0, half, 0])
    identity = np.array([1.0, 0, 0, 0])
    first = np.stack([identity, identity, quarter_turn])
    second = np.stack([quarter_turn, -quarter_turn, [half, 0, -half, 0]])
    np.testing.assert_allclose(geodesic_deg(first, second), [90, 90, 180], atol=1e-4)


def test_correlation_is_blind_to_gain_and_offset_but_not_to_sign() -> None:
    wave = np.array([0.0, 1.0, 2.0, 1.0])
    assert correlation(wave, 0.1 * wave + 5) == pytest.approx(1)
    assert correlation(wave, -wave) == pytest.approx(-1)
    assert correlation(wave, np.array([0.0, 1.0, 0.0, -1.0])) == pytest.approx(0)
    assert correlation(wave, np.full(4, 0.3)) == 0


def test_ranking_quality_counts_pairs() -> None:
    # Pairs (positive, negative): .9>.1, .9>.5, .5=.5 counts half, .5>.1.
    scores, positive = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])
    assert ranking_quality(scores, positive) == pytest.approx(3.5 / 4)
    assert ranking_quality(-scores, positive) == pytest.approx(0.5 / 4)
    assert np.isnan(ranking_quality(scores, np.ones(4, dtype=bool)))


def test_unit_scores_by_hand() -> None:
    truth = np.array([[0.0, 0.0], [0.8, 0.0], [0.4, 0.0], [1.0, 0.5]])
    predicted = np.array([[0.3, 0.1], [0.6, 0.0], [0.2, 0.2], [0.2, 0.5]])
    first, second = blendshape_scores(predicted, truth)
    assert first.active_error == pytest.approx((0.2 + 0.8) / 2)
    assert first.error == pytest.approx((0.3 + 0.2 + 0.2 + 0.8) / 4)
    assert first.false_activation == pytest.approx(0.3)
    assert first.ranking == pytest.approx(0.5)
    assert first.active_count == 2
    assert np.isnan(second.active_error), "0.5 itself is not above 0.5"
    assert second.false_activation == pytest.approx(0.1)
    assert active_error(predicted, truth) == pytest.approx(0.5)


def box(left: float, top: float, side: float = 10) -> Box:
    return Box(float(left), float(top), float(left + side), float(top + side))


def test_matching_gives_each_face_to_one_prediction() -> None:
    matches = match_boxes([box(1, 0), box(0, 0), box(50, 50)], [0.6, 0.9, 0.8], [box(0, 0), box(100, 100)], [])
    assert matches.found == (0,)
    assert matches.missed == (1,)
    assert matches.right == (1,), "the more confident of two predictions gets the face"
    assert matches.false == (0, 2), "the second on one face is a false alarm"


def test_optional_faces_are_neither_asked_for_nor_held_against() -> None:
    predictions = [box(0, 0), box(1, 0), box(40, 40)]
    matches = match_boxes(predictions, [0.9, 0.8, 0.7], [], [box(0, 0)])
    assert (matches.found, matches.missed, matches.right, matches.false) == ((), (), (), (2,))


def test_an_overlap_below_the_bar_is_a_miss_and_a_false_alarm() -> None:
    # Shifted by 4 of 10: intersection 60, union 140, so 0.43.
    matches = match_boxes([box(4, 0)], [0.9], [box(0, 0)], [])
    assert (matches.missed, matches.false) == ((0,), (0,))
    assert match_boxes([box(4, 0)], [0.9], [box(0, 0)], [], overlap=0.4).found == (0,)


def test_average_precision_by_hand() -> None:
    confidence = np.array([0.9, 0.8, 0.7])
    # Recall 1/2 at precision 1; recall 1 at 2/3: 51 recalls of the first kind, 50 of the second.
    value = average_precision(confidence, np.array([True, False, True]), 2)
    assert value == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)
    assert average_precision(confidence, np.array([True, False, False]), 2) == pytest.approx(51 / 101)
    assert average_precision(np.zeros(0), np.zeros(0, dtype=bool), 2) == 0


def test_id_switches_follow_places() -> None:
    left, right = [10.0, 0.0], [90.0, 0.0]
    places = [np.array([left, right]), np.array([right, left]), np.array([left, right])]
    same = [np.array([1, 2]), np.array([2, 1]), np.array([1, 2])]
    swapped = [np.array([1, 2]), np.array([1, 2]), np.array([1, 2])]
    assert id_switches(same, places) == 0, "the order of faces in a frame says nothing"
    assert id_switches(swapped, places) == 4
    assert id_switches([same[0], np.zeros(0, int), same[2]], [places[0], np.zeros((0, 2)), places[2]]) == 0
