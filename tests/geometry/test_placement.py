"""Where a pixel is: a picture whose values are its own places says after any move where they came from."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from commedia.geometry.placement import (
    affine_between,
    fixed_point,
    inverse_affine,
    look_up,
    moved_points,
    opencv_from_ours,
    ours_from_opencv,
    read_at,
    warp,
)

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "commedia"
SIZE = 64
DYADIC = (
    np.array([[1, 0, 0], [0, 1, 0]], dtype=float),
    np.array([[1, 0, 2.25], [0, 1, -1.5]]),
    np.array([[0.5, 0, 8], [0, 0.5, 4.125]]),
    np.array([[0.5, 0.25, 4.5], [-0.25, 0.5, 12.25]]),
    np.array([[0, -1, 40], [1, 0, 3]], dtype=float),
)
"""Sources from targets whose every place is a multiple of the 1 / 32 pixel that OpenCV can tell apart."""


def places(height: int = SIZE, width: int = SIZE) -> np.ndarray:
    """Every pixel's own centre, as a picture of three channels: x, y, 0."""
    y, x = np.mgrid[:height, :width].astype(np.float32) + 0.5
    return np.stack([x, y, np.zeros_like(x)], axis=-1)


def within(values: np.ndarray) -> np.ndarray:
    """Which places lie between the centres of the outer pixels, where no border is blended in."""
    return ((values >= 0.5) & (values <= SIZE - 0.5)).all(-1)


@pytest.mark.parametrize("source_from_target", DYADIC)
def test_a_warp_shows_exactly_what_lies_at_the_place(source_from_target: np.ndarray) -> None:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shown = warp(places(), source_from_target, (40, 24), flags=flags)[..., :2]
    expected = moved_points(places(24, 40)[..., :2].astype(float), source_from_target)
    seen = within(expected)
    assert seen.mean() > 0.5
    np.testing.assert_allclose(shown[seen], expected[seen], atol=1e-5)


def test_both_directions_of_a_warp_are_one_map(rng: np.random.Generator) -> None:
    turn = np.array([[0.9, 0.2], [-0.2, 0.9]])
    for _ in range(5):
        target_from_source = affine_between(turn, rng.uniform(20, 40, 2), rng.uniform(20, 40, 2))
        there = warp(places(), target_from_source, (SIZE, SIZE))
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        back = warp(places(), inverse_affine(target_from_source), (SIZE, SIZE), flags=flags)
        inner = (slice(16, 48), slice(16, 48))
        np.testing.assert_allclose(there[inner], back[inner], atol=2 / 32)


def test_outside_is_grey() -> None:
    shown = warp(np.zeros((4, 4, 3), np.uint8), np.array([[1, 0, 2], [0, 1, 0]], dtype=float), (8, 4), grey=128)
    assert shown.dtype == np.uint8
    assert (shown[:, [0, 1, 6, 7]] == 128).all()
    assert (shown[:, 2:6] == 0).all()


def test_looking_up_gives_the_place_itself(rng: np.random.Generator) -> None:
    at = np.round(rng.uniform(1, SIZE - 1, (2, 30, 20)) * 32) / 32
    shown = look_up(places(), *at, border=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(np.moveaxis(shown[..., :2], -1, 0), at, atol=1e-5)


def test_maps_and_points_return(rng: np.random.Generator) -> None:
    points = rng.uniform(-10, 80, (5, 7, 2))
    for _ in range(5):
        affine = np.column_stack([rng.normal(size=(2, 2)) + 2 * np.eye(2), rng.uniform(-9, 9, 2)])
        np.testing.assert_allclose(ours_from_opencv(opencv_from_ours(affine)), affine, atol=1e-12)
        np.testing.assert_allclose(moved_points(moved_points(points, affine), inverse_affine(affine)), points)
        # The same map said in OpenCV's pixels, which are half a pixel lower.
        np.testing.assert_allclose(
            moved_points(points - 0.5, opencv_from_ours(affine)), moved_points(points, affine) - 0.5, atol=1e-12
        )
        source, target = rng.uniform(0, 9, (2, 2))
        np.testing.assert_allclose(moved_points(source, affine_between(affine[:, :2], source, target)), target)


def test_a_flip_is_a_flip() -> None:
    image = np.random.default_rng(0).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    mirror = np.array([[-1, 0, 12], [0, 1, 0]], dtype=float)
    np.testing.assert_array_equal(warp(image, mirror, (12, 10)), image[:, ::-1])
    np.testing.assert_array_equal(warp(image, np.array([[-1.0, 0, 12], [0, -1, 10]]), (12, 10)), image[::-1, ::-1])


def test_the_middle_of_a_pixel_is_drawn_in_that_pixel() -> None:
    canvas = np.zeros((9, 9), np.uint8)
    start, end = fixed_point(np.array([[2.5, 4.5], [6.5, 4.5]]), 4).tolist()
    cv2.line(canvas, start, end, 255, 1, shift=4)
    np.testing.assert_array_equal(np.argwhere(canvas), [[4, column] for column in range(2, 7)])


def test_opencv_warps_from_nowhere_else() -> None:
    free = {
        "geometry/placement.py",
        "faces/letterbox.py",
        "demo/portraits.py",
        "training/decoys.py",
        "synthetic/degradations.py",
    }
    calls = re.compile(r"cv2\.(warpAffine|warpPerspective|remap)\(")
    found = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if calls.search(path.read_text())}
    assert found <= free, f"{found - free} should call geometry/placement.py"


def test_a_picture_is_read_at_the_middle_of_its_pixels_and_between_them() -> None:
    image = np.repeat(np.arange(12, dtype=np.float32).reshape(3, 4, 1), 2, axis=2)
    found = read_at(image, np.array([[0.5, 0.5], [3.5, 2.5], [1.0, 0.5], [-5.0, 1.5]]))
    assert found[:, 0].tolist() == [0.0, 11.0, 0.5, 4.0]
