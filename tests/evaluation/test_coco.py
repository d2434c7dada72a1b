"""COCO's average precision by hand, and against COCO's own program."""

import contextlib
import io

import numpy as np
import pytest

from commedia.evaluation.metrics import PictureBoxes, coco_precision, diagonal_error
from commedia.structures import Box


def box(left: float, top: float, width: float = 10, height: float = 10) -> Box:
    return Box(float(left), float(top), float(left + width), float(top + height))


def test_ap_counts_the_overlaps_that_a_box_reaches() -> None:
    # Shifted by 2 of 10: 80 / 120 = 0.667, which reaches .50, .55, .60 and .65.
    one = PictureBoxes([box(2, 0)], [0.9], [box(0, 0)], [])
    assert coco_precision([one]) == pytest.approx((0.4, 1.0, 0.0))


def test_a_doubtful_false_alarm_costs_nothing_and_a_sure_one_half() -> None:
    right = PictureBoxes([box(0, 0)], [0.8], [box(0, 0)], [])
    doubtful, sure = (PictureBoxes([box(50, 0)], [score], [], []) for score in (0.1, 0.9))
    assert coco_precision([right, doubtful]) == pytest.approx((1, 1, 1))
    assert coco_precision([right, sure]) == pytest.approx((0.5, 0.5, 0.5))


def test_finding_what_is_optional_is_neither_right_nor_wrong() -> None:
    one = PictureBoxes([box(50, 0), box(0, 0)], [0.9, 0.8], [box(0, 0)], [box(50, 0)])
    assert coco_precision([one]).ap == pytest.approx(1)


def test_nothing_to_find_has_no_precision() -> None:
    assert np.isnan(coco_precision([PictureBoxes([box(0, 0)], [0.9], [], [])]).ap)


def test_the_diagonal_is_that_of_the_true_points() -> None:
    truth = np.array([[0.0, 0.0], [30.0, 40.0]])
    assert diagonal_error(truth + np.array([3.0, 4.0]), truth) == pytest.approx(5 / 50)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_as_pycocotools(seed: int) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    pictures = random_pictures(np.random.default_rng(seed))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = as_coco(pictures)
        truth.createIndex()
        judge = cocoeval.COCOeval(truth, truth.loadRes(as_results(pictures)), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    ours = coco_precision(pictures)
    assert 0.05 < ours.ap < ours.ap50 < 1, "a case that tells right from wrong"
    assert ours == pytest.approx(tuple(judge.stats[:3]), abs=1e-9)


def random_pictures(rng: np.random.Generator) -> list[PictureBoxes]:
    """Faces, found more or less exactly, sometimes twice, sometimes not, and false alarms; confidences with ties."""
    pictures = []
    for _ in range(12):
        required = [box(*rng.uniform(0, 200, 2), *rng.uniform(20, 60, 2)) for _ in range(rng.integers(0, 6))]
        found = []
        for one in required:
            for _ in range(rng.integers(0, 3)):
                x, y, width, height = one.left_px, one.top_px, one.width_px, one.height_px
                dx, dy, grow = rng.normal(0, 0.1, 3) * width
                found.append(box(x + dx, y + dy, max(width + grow, 5), height))
        found += [box(*rng.uniform(0, 200, 2), 30, 30) for _ in range(rng.integers(0, 3))]
        confidence = (rng.integers(1, 40, len(found)) / 40).tolist()
        pictures.append(PictureBoxes(found, confidence, required, []))
    return pictures


def as_coco(pictures: list[PictureBoxes]) -> dict:
    faces = [
        {"image_id": index, "category_id": 1, "bbox": xywh(one), "area": one.width_px * one.height_px, "iscrowd": 0}
        for index, picture in enumerate(pictures)
        for one in picture.required
    ]
    return {
        "info": {},
        "images": [{"id": index} for index in range(len(pictures))],
        "categories": [{"id": 1, "name": "face"}],
        "annotations": [{"id": number, **face} for number, face in enumerate(faces, 1)],
    }


def as_results(pictures: list[PictureBoxes]) -> list[dict]:
    return [
        {"image_id": index, "category_id": 1, "bbox": xywh(one), "score": score}
        for index, picture in enumerate(pictures)
        for one, score in zip(picture.found, picture.confidence, strict=True)
    ]


def xywh(one: Box) -> list[float]:
    return [one.left_px, one.top_px, one.width_px, one.height_px]
