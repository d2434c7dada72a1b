"""A fixed rate neither invents nor loses motion."""

from fractions import Fraction

import numpy as np
import pytest
from rigs import params

from commedia.geometry.rotations import between_wxyz, wxyz_from_yaw_pitch_roll
from commedia.outputs.files.resampling import between_params, resampled
from commedia.outputs.people import fixed_rate

NTSC = Fraction(30000, 1001)


def test_motion_of_the_rate_comes_through_untouched() -> None:
    motion = [(index / NTSC, params((0.1 * index, 0, 0), jawOpen=index / 50)) for index in range(50)]
    for (time_s, face), (expected_s, expected) in zip(resampled(motion, NTSC), motion, strict=True):
        assert time_s == expected_s
        assert face is expected


def test_uneven_frames_are_blended_where_they_are_missing() -> None:
    """Yaw and an open jaw grow evenly in time, so blending must give the even motion back at every sample."""
    times = [Fraction(0), Fraction(1, 50), Fraction(1, 3), Fraction(2, 5), Fraction(1)]
    motion = [(time_s, params((float(time_s), 0, 0), jawOpen=float(time_s))) for time_s in times]
    samples = list(resampled(motion, Fraction(25)))
    assert [time_s for time_s, _ in samples] == [Fraction(index, 25) for index in range(26)]
    for time_s, face in samples:
        expected = params((float(time_s), 0, 0), jawOpen=float(time_s))
        np.testing.assert_allclose(face.pose.wxyz, expected.pose.wxyz, atol=1e-12)
        np.testing.assert_allclose(face.expression, expected.expression, atol=1e-12)


@pytest.mark.parametrize(("last", "samples"), [("1", 25), ("99/100", 25), ("97/100", 24), ("0", 1)])
def test_the_last_sample_is_the_nearest_to_the_end(last: str, samples: int) -> None:
    motion = [(Fraction(0), params()), (Fraction(last), params(jawOpen=1.0))]
    found = list(resampled(motion, Fraction(24)))
    assert len(found) == samples
    # Nothing is extrapolated beyond what was seen.
    assert max(face.expression.max() for _, face in found) <= 1


def test_nothing_gives_nothing() -> None:
    assert list(resampled([], NTSC)) == []


def test_a_late_start_stands_still_before() -> None:
    motion = [(Fraction(1, 10), params(jawOpen=0.3)), (Fraction(2, 10), params(jawOpen=0.5))]
    jaws = [face.expression.max() for _, face in resampled(motion, Fraction(20))]
    np.testing.assert_allclose(jaws, [0.3, 0.3, 0.3, 0.4, 0.5])


def test_half_way_is_the_same_from_both_sides() -> None:
    first, second = params((1.2, 0.3, -0.4), jawOpen=0.2), params((-1.0, 0.1, 0.9), mouthPucker=1.0)
    there, back = between_params(first, second, 0.25), between_params(second, first, 0.75)
    np.testing.assert_allclose(there.pose.wxyz, back.pose.wxyz, atol=1e-12)
    np.testing.assert_allclose(there.expression, back.expression)


def test_the_shorter_way_is_taken_whatever_the_sign() -> None:
    first, second = (wxyz_from_yaw_pitch_roll(np.array([yaw, 0.0, 0.0])) for yaw in (-0.2, 0.4))
    for sign in (1, -1):
        middle = between_wxyz(first, sign * second, 0.5)
        np.testing.assert_allclose(middle, wxyz_from_yaw_pitch_roll(np.array([0.1, 0.0, 0.0])), atol=1e-12)


def test_a_rate_that_is_nearly_usual_becomes_usual_and_others_stay() -> None:
    assert fixed_rate(Fraction(2997, 100)) == NTSC
    assert fixed_rate(Fraction(15)) == 15
