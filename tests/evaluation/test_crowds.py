"""The crowd table counts: everybody found exactly, nobody found, somebody beside the face, points that are off."""

import numpy as np
import pytest
from fakes import fake_box, fake_params

from commedia.data.sample import FaceSample
from commedia.evaluation.crowds import Tally, count, errors_percent
from commedia.evaluation.metrics import coco_precision
from commedia.faces.crop import Crop
from commedia.faces.landmarks import landmarks_of_faces
from commedia.structures import Face, FaceParams

IMAGE = np.zeros((200, 400, 3), np.uint8)


def somebody(x_px: float, size_px: float) -> tuple[FaceSample, Face]:
    params = fake_params(np.array([x_px, 100.0]), size_px)
    points, box = landmarks_of_faces([params])[0], fake_box(params)
    weight = np.ones(52, np.float32)
    sample = FaceSample(box, points, "synthetic", params.pose, params.identity, params.expression, weight, None)
    return sample, Face(box, 0.9, params, points)


class Finder:
    def __init__(self, faces: list[Face]):
        self.faces = faces

    def detect(self, image: np.ndarray) -> list[Face]:
        return self.faces


class Rereader:
    """Reads back whom it was told of, whatever the crop."""

    def __init__(self, params: list[FaceParams]):
        self.params = params

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        return self.params[: len(crops)]


def counted(truth: list[FaceSample], faces: list[Face], *, smallest: float = 0.02) -> Tally:
    tally = Tally()
    count(tally, IMAGE, truth, Finder(faces), Rereader([face.params for face in faces]), smallest)
    return tally


def test_everybody_found_exactly() -> None:
    pairs = [somebody(100, 60), somebody(300, 60)]
    tally = counted([sample for sample, _ in pairs], [face for _, face in pairs])
    assert coco_precision(tally.boxes) == pytest.approx((1, 1, 1))
    assert [len(errors) for errors in tally.errors.values()] == [2, 2]
    assert np.allclose(list(tally.errors.values()), 0, atol=1e-2)


def test_one_of_two_found_and_one_that_is_nobody() -> None:
    (first, found), (second, _), (_, nobody) = somebody(100, 60), somebody(300, 60), somebody(200, 60)
    tally = counted([first, second], [found, nobody])
    assert coco_precision(tally.boxes).ap50 == pytest.approx(51 / 101)
    assert len(tally.errors["MFN"]) == 1


def test_who_is_too_small_is_not_asked_for() -> None:
    large, small = somebody(100, 60), somebody(300, 6)
    found = counted([large[0], small[0]], [large[1], small[1]], smallest=0.1)
    overlooked = counted([large[0], small[0]], [large[1]], smallest=0.1)
    assert coco_precision(found.boxes).ap == coco_precision(overlooked.boxes).ap == pytest.approx(1)


def test_doubtful_faces_count_for_the_curve_only() -> None:
    sample, face = somebody(100, 60)
    doubtful = Face(face.box, 0.1, face.params, face.landmarks_px)
    tally = counted([sample], [doubtful])
    assert len(tally.boxes[0].found) == 1
    assert tally.sure[0].found == []


def test_errors_are_in_percent_of_the_box_and_eyes_are_counted_apart() -> None:
    real = np.random.default_rng(0).uniform(0, 100, (68, 2))
    real[0], real[1] = (0, 0), (100, 25)
    real[:, 1] *= 0.25 / max(1, real[2:, 1].max() / 25)
    real[1, 1] = 25
    found = real.copy()
    found[36:48, 0] += 5
    # The root of 100 x 25 is 50.
    assert errors_percent(found, real) == pytest.approx((10 * 12 / 68, 10.0))
