"""A shut eye is a blink of 1, whatever shut it; open eyes stay as they were read."""

import numpy as np
import pytest
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.face_model.landmarks import load_scheme, reduced_model
from commedia.face_model.model import load_head
from commedia.faces.lids import BLINK_CLOSES, LOOK_DOWN_CLOSES, with_closed_lids

UPPER, LOWER = {"Left": [43, 44], "Right": [37, 38]}, {"Left": [47, 46], "Right": [41, 40]}


def face(**crop_params: float) -> Float[np.ndarray, "52"]:
    expression = np.zeros(EXPRESSION_COUNT, np.float32)
    for name, weight in crop_params.items():
        expression[EXPRESSION_INDEX[name]] = weight
    return expression


@pytest.mark.parametrize("side", ["Left", "Right"])
@pytest.mark.parametrize(("blink", "down"), [(0.5, 0.0), (0.0, 1.0), (0.5, 0.8), (0.7, 0.2)])
def test_the_head_closes_as_said(side: str, blink: float, down: float) -> None:
    marks = reduced_model(load_head().model, load_scheme("ibug68"))

    def opening(expression: Float[np.ndarray, "52"]) -> float:
        points = marks.mean + np.tensordot(expression, marks.expression_basis, 1)
        return float((points[UPPER[side], 1] - points[LOWER[side], 1]).mean())

    share = opening(face(**{f"eyeBlink{side}": blink, f"eyeLookDown{side}": down})) / opening(face())
    assert share == pytest.approx(1 - BLINK_CLOSES * blink - LOOK_DOWN_CLOSES * down, abs=0.03)


def test_a_shut_eye_blinks() -> None:
    for shut in ({"eyeBlinkLeft": 0.79}, {"eyeBlinkLeft": 0.5, "eyeLookDownLeft": 0.92}):
        closed = with_closed_lids(face(**shut))
        assert closed[EXPRESSION_INDEX["eyeBlinkLeft"]] == pytest.approx(1.0, abs=1e-3)
        others = np.arange(EXPRESSION_COUNT) != EXPRESSION_INDEX["eyeBlinkLeft"]
        np.testing.assert_array_equal(closed[others], face(**shut)[others])


def test_an_open_eye_stays_as_it_is() -> None:
    for seen in ({}, {"eyeBlinkRight": 0.5}, {"eyeLookDownRight": 1.0, "eyeLookDownLeft": 1.0, "eyeBlinkLeft": 0.2}):
        np.testing.assert_array_equal(with_closed_lids(face(**seen)), face(**seen))


def test_lids_that_close_never_turn_back() -> None:
    for down in (0.0, 0.4, 0.9):
        read = np.linspace(0, 1, 200)
        faces = np.stack([face(eyeBlinkLeft=blink, eyeLookDownLeft=down) for blink in read])
        blinks = with_closed_lids(faces)[:, EXPRESSION_INDEX["eyeBlinkLeft"]]
        assert (np.diff(blinks) >= -1e-6).all()
        assert (blinks >= faces[:, EXPRESSION_INDEX["eyeBlinkLeft"]] - 1e-6).all()
        assert np.diff(blinks).max() < 0.04
