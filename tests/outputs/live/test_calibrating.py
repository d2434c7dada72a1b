"""Two seconds of rest, six of everything: what is learnt of a person in front of the camera."""

from fractions import Fraction

import numpy as np
from faces_to_send import face_params, frame_of, tracked

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.face_model.calibration import calibration_read_back
from commedia.outputs.live.calibrating import Calibrating
from commedia.outputs.live.show import Settings
from commedia.structures import TrackedFrame

BLINK, SMILE, LOOK = (EXPRESSION_INDEX[name] for name in ("eyeBlinkLeft", "mouthSmileLeft", "eyeLookDownLeft"))


def frame(number: int, person: int = 3, **weights: float) -> TrackedFrame:
    return frame_of(Fraction(number, 30), [tracked(face_params(**weights), person), tracked(face_params(), 4)], number)


def acted(number: int) -> dict[str, float]:
    """Lids that hang a little and blink once while at rest; then a smile of half the range, and eyes shut."""
    blinking = 20 <= number < 25 or (number % 40 < 6 and number > 70)
    smile = 0.1 if number < 70 else 0.1 + 0.4 * (number % 30) / 29
    return {"eyeBlinkLeft": 0.95 if blinking else 0.2, "mouthSmileLeft": smile, "mouthSmileRight": smile,
            "eyeLookDownLeft": 0.3}  # fmt: skip


def test_rest_becomes_none_and_the_most_becomes_full_and_blinks_survive() -> None:
    calibrating, phases = Calibrating(3), []
    for number in range(300):
        if calibrating.add(frame(number, **acted(number))):
            phases.append((number, calibrating.phase))
    assert [phase for _, phase in phases] == ["range", "done"]
    assert 58 <= phases[0][0] <= 62
    assert 238 <= phases[1][0] <= 244
    own = calibrating.calibration
    rest, full = (face_params(eyeBlinkLeft=blink, mouthSmileLeft=smile, eyeLookDownLeft=0.3).expression
                  for blink, smile in ((0.2, 0.1), (0.95, 0.5)))  # fmt: skip
    assert np.allclose(own.applied(rest)[[BLINK, SMILE]], 0, atol=1e-6)
    assert own.applied(full)[BLINK] >= 0.93
    assert own.applied(full)[SMILE] >= 0.95
    assert own.knows_range
    assert np.isclose(own.applied(rest)[LOOK], 0.3), "gaze is where somebody looks, and no habit of the face"


def test_time_counts_only_while_the_face_is_seen() -> None:
    calibrating = Calibrating(3)
    for number in range(100):
        calibrating.add(frame(number, 3 if number % 2 else 5))
    assert calibrating.phase == "range"
    for number in range(100, 700, 50):
        calibrating.add(frame(number, 5))
    assert calibrating.phase == "given up"
    assert calibrating.calibration is None


def test_a_slider_is_no_range_that_somebody_showed() -> None:
    """Else moving one would play all other blendshapes weaker, as those of a face whose range is known."""
    rest = np.full(EXPRESSION_COUNT, 0.1)
    neutral, ranged = (calibration_read_back(rest, np.full(EXPRESSION_COUNT, gain)) for gain in (1 / 0.9, 2.0))
    for own, known in ((None, False), (neutral, False), (ranged, True)):
        combined = Settings(own, {"mouthSmileLeft": 2.0}).combined()
        assert combined is not None
        assert combined.knows_range == known
        assert combined.gain[SMILE] == 2 * (1.0 if own is None else own.gain[SMILE])
