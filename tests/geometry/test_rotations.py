"""Rotations obey the laws of their group, and the signs are those `conventions.py` promises."""

import numpy as np
import pytest

from commedia.geometry import rotations as rot


@pytest.fixture
def some_wxyz(rng: np.random.Generator) -> np.ndarray:
    """Random rotations, plus the corners where formulas break: identity, half turns, almost nothing."""
    corners = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1e-9, 0, 0]], dtype=np.float64)
    return rot.canonical_wxyz(np.concatenate([rng.normal(size=(500, 4)), corners]))


def test_matrix_and_quaternion_are_inverse(some_wxyz: np.ndarray) -> None:
    matrix = rot.matrix_from_wxyz(some_wxyz)
    back = rot.matrix_from_wxyz(rot.wxyz_from_matrix(matrix))
    np.testing.assert_allclose(back, matrix, atol=1e-12)
    np.testing.assert_allclose(matrix @ matrix.swapaxes(-1, -2), np.broadcast_to(np.eye(3), matrix.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(matrix), 1)


def test_product_of_quaternions_is_product_of_matrices(some_wxyz: np.ndarray) -> None:
    other = some_wxyz[::-1]
    composed = rot.matrix_from_wxyz(rot.multiply_wxyz(some_wxyz, other))
    np.testing.assert_allclose(composed, rot.matrix_from_wxyz(some_wxyz) @ rot.matrix_from_wxyz(other), atol=1e-12)


def test_inverse_undoes(some_wxyz: np.ndarray) -> None:
    nothing = rot.canonical_wxyz(rot.multiply_wxyz(some_wxyz, rot.inverse_wxyz(some_wxyz)))
    np.testing.assert_allclose(nothing, np.broadcast_to([1, 0, 0, 0], nothing.shape), atol=1e-12)


def test_axis_angle_round_trip(some_wxyz: np.ndarray) -> None:
    back = rot.wxyz_from_axis_angle(rot.axis_angle_from_wxyz(some_wxyz))
    np.testing.assert_allclose(rot.matrix_from_wxyz(back), rot.matrix_from_wxyz(some_wxyz), atol=1e-9)


def test_euler_round_trip(rng: np.random.Generator) -> None:
    angles = rng.uniform(-1, 1, (500, 3)) * [np.pi, np.pi / 2 - 1e-3, np.pi]
    np.testing.assert_allclose(rot.yaw_pitch_roll_from_wxyz(rot.wxyz_from_yaw_pitch_roll(angles)), angles, atol=1e-9)


@pytest.mark.parametrize(
    ("angles", "moved", "direction"),
    [
        # Positive yaw turns the nose (+z) to the subject's left (+x); positive pitch lowers it; positive roll lifts the
        # subject's left side (+x) towards +y.
        ([0.3, 0, 0], [0, 0, 1], [np.sin(0.3), 0, np.cos(0.3)]),
        ([0, 0.3, 0], [0, 0, 1], [0, -np.sin(0.3), np.cos(0.3)]),
        ([0, 0, 0.3], [1, 0, 0], [np.cos(0.3), np.sin(0.3), 0]),
    ],
)
def test_signs_of_yaw_pitch_roll(angles: list[float], moved: list[float], direction: list[float]) -> None:
    matrix = rot.matrix_from_wxyz(rot.wxyz_from_yaw_pitch_roll(np.array(angles, dtype=np.float64)))
    np.testing.assert_allclose(matrix @ np.array(moved, dtype=np.float64), direction, atol=1e-12)


def test_mirror_conjugates_by_the_reflection(some_wxyz: np.ndarray) -> None:
    reflection = np.diag([-1.0, 1.0, 1.0])
    mirrored = rot.matrix_from_wxyz(rot.mirrored_wxyz(some_wxyz))
    np.testing.assert_allclose(mirrored, reflection @ rot.matrix_from_wxyz(some_wxyz) @ reflection, atol=1e-12)
