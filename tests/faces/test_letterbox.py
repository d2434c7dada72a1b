"""The square picture keeps every place, and boxes come back."""

import numpy as np
import pytest

from commedia.faces.crop import PADDING_GREY
from commedia.faces.letterbox import boxes_in_image, letterbox_for, letterbox_image

SHAPES = [(720, 1280), (1080, 607), (288, 288), (90, 120), (1001, 333)]


@pytest.mark.parametrize("shape", SHAPES)
def test_boxes_round_trip(shape: tuple[int, int], rng: np.random.Generator):
    letterbox = letterbox_for(*shape, 288)
    corners_px = rng.uniform(0, min(shape), (20, 4))
    square = (corners_px * letterbox.scale + np.tile(letterbox.offset_px, 2)) / 288
    boxes = boxes_in_image(square.astype(np.float32), letterbox)
    back = [(box.left_px, box.top_px, box.right_px, box.bottom_px) for box in boxes]
    np.testing.assert_allclose(back, corners_px, atol=0.01)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_disc_lands_where_the_arithmetic_says(shape: tuple[int, int]):
    height, width = shape
    center = np.array([width * 0.3, height * 0.6])
    rows, columns = np.mgrid[:height, :width] + 0.5
    radius = max(shape) * 0.05
    disc = np.hypot(columns - center[0], rows - center[1]) < radius
    image = (disc[..., None] * 255).astype(np.uint8).repeat(3, 2)
    letterbox = letterbox_for(height, width, 288)
    square = letterbox_image(image, letterbox)[..., 0].astype(float)
    square[abs(square - PADDING_GREY) < 1] = 0
    rows, columns = np.mgrid[:288, :288] + 0.5
    inside = np.hypot(*(np.stack([columns, rows], -1) - (center * letterbox.scale + letterbox.offset_px)).T).T < 30
    weights = square * inside
    found = np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()
    np.testing.assert_allclose(found, center * letterbox.scale + letterbox.offset_px, atol=0.15)


def test_the_rest_of_the_square_is_grey():
    square = letterbox_image(np.zeros((100, 200, 3), np.uint8), letterbox_for(100, 200, 288))
    assert (square[:71] == PADDING_GREY).all()
    assert (square[-71:] == PADDING_GREY).all()
    assert (square[73:-73, 1:-1] == 0).all()
