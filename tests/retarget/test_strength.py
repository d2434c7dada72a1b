"""Strength plays expressions louder without losing any: laws of the curve, and its place among the other edits."""

import numpy as np
import pytest
from fakes import fake_params

from commedia.cli.main import main
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_MIRROR, EXPRESSION_NAMES
from commedia.errors import CommediaError
from commedia.face_model.calibration import calibration_from
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.retarget.strength import STAYS, strengthened

WEIGHTS = np.linspace(0, 1, 11)[:, None].repeat(EXPRESSION_COUNT, 1).astype(np.float32)
SMILE, BLINK = EXPRESSION_INDEX["mouthSmileLeft"], EXPRESSION_INDEX["eyeBlinkLeft"]


@pytest.mark.parametrize("strength", [0.5, 1.0, 1.3, 3.0])
def test_nothing_and_everything_stay_and_order_stays(strength: float) -> None:
    played = strengthened(WEIGHTS, strength)
    np.testing.assert_array_equal(played[[0, -1]], WEIGHTS[[0, -1]])
    assert (np.diff(played, axis=0) > 0).all()


def test_stronger_parts_what_is_strong_from_what_rests() -> None:
    """Odds by hand: of a half 1, of .15 .176; their ratio of 5.67, squared, is 32.1 times .176: odds of 5.67, .85."""
    played = strengthened(np.full(EXPRESSION_COUNT, 0.5), 2.0)
    assert played[SMILE] == pytest.approx(0.85, abs=1e-4)
    assert strengthened(np.full(EXPRESSION_COUNT, STAYS), 3.0)[SMILE] == pytest.approx(STAYS)
    played, below = strengthened(WEIGHTS, 1.5)[:, SMILE], WEIGHTS[:, SMILE] < STAYS
    assert (played[below][1:] < WEIGHTS[below, SMILE][1:]).all()
    assert (played[~below][:-1] > WEIGHTS[~below, SMILE][:-1]).all()


def test_weaker_makes_all_weights_smaller() -> None:
    assert (strengthened(WEIGHTS, 0.5)[1:-1, SMILE] < WEIGHTS[1:-1, SMILE]).all()
    assert strengthened(np.full(EXPRESSION_COUNT, 0.75), 0.5)[SMILE] == pytest.approx(0.5)


@pytest.mark.parametrize(("first", "second"), [(1.5, 2.0), (0.5, 0.4)])
def test_twice_is_the_product(first: float, second: float) -> None:
    twice = strengthened(strengthened(WEIGHTS, first), second)
    np.testing.assert_allclose(twice, strengthened(WEIGHTS, first * second), atol=1e-6)


def test_blinks_and_gaze_are_as_read_and_both_sides_alike() -> None:
    expression = np.random.default_rng(0).random(EXPRESSION_COUNT).astype(np.float32)
    played = strengthened(expression, 1.7)
    as_read = [name for name, one, other in zip(EXPRESSION_NAMES, expression, played, strict=True) if one == other]
    assert as_read == [name for name in EXPRESSION_NAMES if name.startswith(("eyeBlink", "eyeLook"))]
    mirror = list(EXPRESSION_MIRROR)
    np.testing.assert_array_equal(strengthened(expression[mirror], 1.7), played[mirror])


def test_rest_is_taken_away_before_what_is_left_is_played_stronger() -> None:
    expression = np.zeros(EXPRESSION_COUNT, np.float32)
    expression[SMILE] = 0.5
    params = fake_params(np.array([5.0, 6.0]), 20.0, expression)
    shown = PerformanceEdit(calibration_from([expression]), strength=3.0).applied(params).expression
    assert shown[SMILE] == 0
    shown = PerformanceEdit(strength=3.0).applied(params).expression
    assert shown[SMILE] == pytest.approx(0.9698, abs=1e-4)


@pytest.mark.parametrize("strength", [0.0, -1.0, 9.0, float("nan")])
def test_what_nobody_can_mean_is_one_sentence(strength: float, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommediaError, match=r"not between 0\.2 and 5"):
        PerformanceEdit(strength=strength)
    assert main(["stream", "--bench", "nowhere.csv", "--strength", str(strength)]) == 2
    assert "not between 0.2 and 5; 1 is as read\n" in capsys.readouterr().err
