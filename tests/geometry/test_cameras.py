"""The camera puts the subject's left on image right and up at the top, and boxes overlap as areas do."""

import numpy as np
import pytest

from commedia.geometry.boxes import intersection_over_union, tight_box
from commedia.geometry.cameras import image_from_head
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.structures import Box, HeadPose


def pose(yaw_pitch_roll: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> HeadPose:
    angles = np.array(yaw_pitch_roll, dtype=np.float64)
    return HeadPose(wxyz_from_yaw_pitch_roll(angles), np.array([320.0, 240.0]), px_per_m=1000.0)


def box(*corners_px: int) -> Box:
    return Box(*map(float, corners_px))


def test_frontal_face_is_seen_from_the_front() -> None:
    left_ear, crown = [0.1, 0.0, 0.0], [0.0, 0.1, 0.0]
    points = image_from_head(np.array([left_ear, crown, [0.0, 0.0, 0.1]]), pose())
    np.testing.assert_allclose(points, [[420, 240], [320, 140], [320, 240]])


def test_positive_yaw_moves_the_nose_to_image_right() -> None:
    nose = image_from_head(np.array([[0.0, 0.0, 0.1]]), pose((np.pi / 6, 0, 0)))
    np.testing.assert_allclose(nose, [[370, 240]])


def test_tight_box_touches_its_points() -> None:
    assert tight_box(np.array([[3.0, 9.0], [1.0, 4.0], [2.0, 12.0]])) == box(1, 4, 3, 12)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (box(0, 0, 2, 2), 1.0),
        (box(1, 0, 3, 2), 1 / 3),
        (box(2, 0, 4, 2), 0.0),
        (box(5, 5, 6, 6), 0.0),
        (box(1, 1, 1, 1), 0.0),
    ],
)
def test_overlap(other: Box, expected: float) -> None:
    assert intersection_over_union(box(0, 0, 2, 2), other) == pytest.approx(expected)
