"""MFN's grid: decoding inverts encoding, suppression equals a slow oracle, the threshold comes first."""

import numpy as np
import pytest
from crop_params import encode_corners

from commedia.faces.grid import ROW_COUNT, decode_grid, sigmoid
from commedia.geometry.boxes import intersection_over_union, pairwise_iou, suppress
from commedia.structures import Box

ANCHORS = np.array([[0.35, 0.45], [0.8, 1.05], [1.5, 2.0], [2.7, 3.5], [4.8, 6.0]], dtype=np.float32)
CELLS = 9


def empty_grid() -> np.ndarray:
    grid = np.zeros((CELLS * CELLS * len(ANCHORS), ROW_COUNT), dtype=np.float32)
    grid[:, 4] = -8
    return grid


def random_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    center, size = rng.uniform(0.2, 0.8, (count, 2)), rng.uniform(0.05, 0.3, (count, 2))
    return np.concatenate([center - size / 2, center + size / 2], axis=1).astype(np.float32)


def test_decode_inverts_encode(rng: np.random.Generator):
    corners = random_boxes(rng, 4)
    # Moved apart, so that none is suppressed.
    corners[:, [0, 2]] = corners[:, [0, 2]] * 0.1 + np.array([[0], [0.25], [0.5], [0.75]])
    cell = np.floor((corners[:, :2] + corners[:, 2:]) / 2 * CELLS).astype(int)
    index = (cell[:, 1] * CELLS + cell[:, 0]) * len(ANCHORS) + np.array([0, 1, 2, 3])
    grid = empty_grid()
    grid[index] = rng.normal(size=(4, ROW_COUNT)).astype(np.float32)
    grid[index, 4] = [4, 3, 2, 1]
    grid[index, :4] = encode_corners(corners, index, ANCHORS, CELLS)
    found = decode_grid(grid, ANCHORS)
    np.testing.assert_allclose(found.corners, corners, atol=1e-5)
    np.testing.assert_allclose(found.confidence, sigmoid(np.array([4.0, 3, 2, 1])), atol=1e-6)
    np.testing.assert_allclose(found.identity, grid[index, 5:55])
    np.testing.assert_allclose(found.expression, 1 / (1 + np.exp(-grid[index, 55:107])), atol=1e-6)
    np.testing.assert_allclose(found.wxyz, grid[index, 107:111])
    np.testing.assert_allclose(found.translation, grid[index, 111:114])
    np.testing.assert_allclose(found.scale, 1 / (1 + np.exp(-grid[index, 114])), atol=1e-6)


def test_rows_are_cell_major():
    grid = empty_grid()
    # Row 3, column 7, anchor 2; zeros put the box at the cell's centre.
    grid[(3 * CELLS + 7) * len(ANCHORS) + 2, 4] = 5
    left, top, right, bottom = decode_grid(grid, ANCHORS).corners[0] * CELLS
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((7.5, 3.5))
    assert (right - left, bottom - top) == pytest.approx((1.5, 2.0))


def test_nothing_above_the_threshold_is_no_face():
    found = decode_grid(empty_grid(), ANCHORS)
    assert found.corners.shape == (0, 4)
    assert found.expression.shape == (0, 52)


def test_a_lower_threshold_finds_more():
    grid = empty_grid()
    grid[2, 4], grid[402, 4] = 3, -1
    assert len(decode_grid(grid, ANCHORS).confidence) == 1
    assert len(decode_grid(grid, ANCHORS, threshold=0.2).confidence) == 2


def slow_suppress(corners: np.ndarray, limit: float) -> list[int]:
    kept: list[int] = []
    for row, corner in enumerate(corners):
        if all(intersection_over_union(Box(*map(float, corner)), Box(*map(float, corners[k]))) <= limit for k in kept):
            kept.append(row)
    return kept


@pytest.mark.parametrize("count", [0, 1, 2, 40])
@pytest.mark.parametrize("limit", [0.1, 0.45, 0.8])
def test_suppression_equals_the_slow_oracle(rng: np.random.Generator, count: int, limit: float):
    corners = random_boxes(rng, count)
    assert suppress(corners, limit).tolist() == slow_suppress(corners, limit)


def test_pairwise_overlap_equals_the_overlap_of_two(rng: np.random.Generator):
    first, second = random_boxes(rng, 7), random_boxes(rng, 5)
    expected = [[intersection_over_union(Box(*map(float, a)), Box(*map(float, b))) for b in second] for a in first]
    np.testing.assert_allclose(pairwise_iou(first, second), expected, atol=1e-5)
