"""Points of the points network: they and how sure they are follow the crop into the picture."""

from dataclasses import dataclass

import numpy as np
import pytest

from commedia.errors import WeightsMismatch
from commedia.faces.crop import Crop
from commedia.faces.points import TOGETHER, PointsPredictor, together_of, together_to_text
from commedia.faces.session import OnnxSession

CROPS = [Crop(np.array([80, 60], np.float32), 90.0, 0.5), Crop(np.array([40, 70], np.float32), 30.0, -0.2)]


@dataclass
class Says:
    """A network that says what it was given."""

    points: np.ndarray
    sure: np.ndarray

    def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        (pixels,) = inputs.values()
        return [self.points[: len(pixels)], self.sure[: len(pixels)]]


def predictor(points: np.ndarray, sure: np.ndarray) -> PointsPredictor:
    return PointsPredictor(OnnxSession(Says(points, sure), "pixels", ("points", "sure"), 192, {}))


def test_points_lie_in_the_picture_as_in_the_crop() -> None:
    chance = np.random.default_rng(0)
    points = chance.uniform(-0.5, 0.5, (2, 68, 2)).astype(np.float32)
    sure = chance.normal(size=(2, 68, 3)).astype(np.float32)
    seen = predictor(points, sure).find(np.zeros((120, 160, 3), np.uint8), CROPS)
    off = np.array([2.0, -1.0])
    for crop, placed, weighed, theirs, three in zip(CROPS, seen.points_px, seen.sure, points, sure, strict=True):
        back = (placed - crop.center_px) @ crop.image_from_crop / crop.side_px
        np.testing.assert_allclose(back, theirs, atol=1e-5)
        # An error is as long as it would be in the crop.
        across, down = (off @ crop.image_from_crop) / crop.side_px
        first, last = np.exp(three[:, 0]), np.exp(three[:, 2])
        expected = np.hypot(first * across, three[:, 1] * first * across + last * down)
        np.testing.assert_allclose(np.linalg.norm(weighed @ off, axis=1), expected, rtol=1e-4)


def test_no_crop_has_no_points() -> None:
    nothing = predictor(np.zeros((0, 68, 2), np.float32), np.zeros((0, 68, 3), np.float32))
    seen = nothing.find(np.zeros((9, 9, 3), np.uint8), [])
    assert seen.points_px.shape == (0, 68, 2)
    assert seen.sure.shape == (0, 68, 2, 2)


def test_how_errors_go_together_is_read_back_from_a_file_or_is_one_sentence() -> None:
    half = np.random.default_rng(3).normal(size=(136, 136))
    together = half @ half.T / 136
    read = together_of("x.onnx", {TOGETHER: together_to_text(together)})
    np.testing.assert_allclose(read, together, atol=6e-4)
    assert together_of("x.onnx", {}) is None
    for text in ("[1, 2]", "nothing", '{"a": 1}'):
        with pytest.raises(WeightsMismatch, match=r"^x\.onnx does not say readably how its errors go together"):
            together_of("x.onnx", {TOGETHER: text})
