"""Calibration makes a person's rest 0 and their most 1; the mirror exchanges sides, and twice is nothing."""

import numpy as np
import pytest
from fakes import fake_params

from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import CommediaError
from commedia.face_model.calibration import MOST_GAIN, MOST_REST, calibration_from
from commedia.retarget.performance_edit import PerformanceEdit, mirrored

SMILE_L, SMILE_R, JAW, BROW = (
    EXPRESSION_INDEX[name] for name in ("mouthSmileLeft", "mouthSmileRight", "jawOpen", "browInnerUp")
)


def face(**blendshapes: float) -> np.ndarray:
    expression = np.zeros(52, np.float32)
    for name, value in blendshapes.items():
        expression[EXPRESSION_INDEX[name]] = value
    return expression


def recording() -> list[np.ndarray]:
    """Rests with raised brows, smiles little and more on the left, opens the jaw wide, never puffs a cheek."""
    rests = [face(browInnerUp=0.2, mouthSmileLeft=0.05, cheekPuff=0.02 * (index % 3)) for index in range(80)]
    smiles = [face(browInnerUp=0.2, mouthSmileLeft=0.55, mouthSmileRight=0.4) for _ in range(20)]
    return rests + smiles + [face(browInnerUp=0.2, mouthSmileLeft=0.05, jawOpen=0.95) for _ in range(20)]


def test_a_neutral_photo_becomes_zero_and_full_stays_full() -> None:
    calibration = calibration_from([face(browInnerUp=0.3, jawOpen=0.1)])
    np.testing.assert_allclose(calibration.applied(face(browInnerUp=0.3, jawOpen=0.1)), 0, atol=1e-6)
    np.testing.assert_allclose(calibration.applied(np.ones(52, np.float32)), 1, atol=1e-6)
    assert calibration.applied(face(browInnerUp=0.65))[BROW] == pytest.approx(0.5)


def test_a_recording_gives_rest_and_range_and_both_sides_the_same() -> None:
    calibration = calibration_from(recording())
    np.testing.assert_allclose(calibration.applied(recording()[0])[[SMILE_L, JAW, BROW]], 0, atol=1e-6)
    acted = calibration.applied(recording()[80])
    assert acted[SMILE_L] == pytest.approx(1)
    assert acted[SMILE_R] == pytest.approx(0.8), "the right side smiles less than the left, and still does"


def test_what_was_never_used_is_not_blown_up() -> None:
    calibration = calibration_from(recording())
    assert calibration.applied(face(cheekPuff=0.3))[EXPRESSION_INDEX["cheekPuff"]] <= 0.31


@pytest.mark.parametrize(
    "read", [[face(jawOpen=0.9)], [face(jawOpen=0.9)] * 100, [face(jawOpen=0.26 * (k % 4 == 0)) for k in range(99)]]
)
def test_no_recording_takes_away_or_adds_more_than_it_may(read: list[np.ndarray]) -> None:
    calibration = calibration_from(read)
    assert (calibration.rest <= MOST_REST).all()
    assert (calibration.gain <= MOST_GAIN).all()
    assert (calibration.gain >= 1).all()


def test_nobody_to_calibrate_by_is_said() -> None:
    with pytest.raises(CommediaError, match="no face"):
        calibration_from([])


def test_the_mirror_exchanges_sides_and_twice_is_nothing() -> None:
    params = fake_params(np.array([5.0, 6.0]), 20.0, face(mouthSmileLeft=0.7, jawLeft=0.4, jawOpen=0.2))
    seen = mirrored(params)
    assert seen.expression[SMILE_R] == pytest.approx(0.7)
    assert seen.expression[EXPRESSION_INDEX["jawRight"]] == pytest.approx(0.4)
    assert seen.expression[SMILE_L] == 0
    assert seen.expression[JAW] == pytest.approx(0.2)
    again = mirrored(seen)
    np.testing.assert_allclose(again.expression, params.expression)
    np.testing.assert_allclose(again.pose.wxyz, params.pose.wxyz, atol=1e-6)


def test_acting_that_changes_nothing_changes_nothing() -> None:
    params = fake_params(np.array([5.0, 6.0]), 20.0, face(jawOpen=0.4))
    assert PerformanceEdit().applied(params) is params
    both = PerformanceEdit(calibration_from([face(jawOpen=0.2)]), mirror=True).applied(params)
    assert both.expression[JAW] == pytest.approx(0.25)
