"""Decoys: painted beside the labelled faces, never into them, the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest

from commedia.training import decoys
from commedia.training.decoys import add_decoys
from commedia.training.pictures import FaceCrops, load_face_crops

BOXES = np.array([[30.3, 40.7, 110.2, 150.9], [180, -20, 260, 60], [200.5, 200.5, 330, 400]], dtype=np.float32)
NO_BOXES = np.zeros((0, 4), dtype=np.float32)
SEEDS = range(60)


@pytest.fixture(scope="module")
def face_crops(shards: Path) -> FaceCrops:
    return load_face_crops([shards / "singles.tar"])


def changed(face_crops: FaceCrops, boxes: np.ndarray, seed: int) -> np.ndarray:
    """Draw on a colour that no shaded skin has exactly and return which pixels are others now."""
    canvas = np.full((288, 288, 3), (1, 254, 3), dtype=np.uint8)
    add_decoys(canvas, boxes, face_crops, np.random.default_rng(seed))
    return (canvas != (1, 254, 3)).any(-1)


def test_no_pixel_of_a_box_changes(face_crops: FaceCrops) -> None:
    touched = sum(changed(face_crops, BOXES, seed).astype(int) for seed in SEEDS)
    for left, top, right, bottom in BOXES:
        columns, rows = slice(max(0, int(left)), int(np.ceil(right))), slice(max(0, int(top)), int(np.ceil(bottom)))
        assert not touched[rows, columns].any()
    assert (touched > 0).mean() > 0.2


def test_half_of_the_pictures_stay_as_they_are(face_crops: FaceCrops) -> None:
    share = np.mean([changed(face_crops, NO_BOXES, seed).any() for seed in SEEDS])
    assert 0.3 < share < 0.7


def test_a_picture_that_is_all_face_stays_as_it_is(face_crops: FaceCrops) -> None:
    whole = np.array([[0, 0, 288, 288]], dtype=np.float32)
    assert not any(changed(face_crops, whole, seed).any() for seed in SEEDS)


def test_the_same_seed_draws_the_same(face_crops: FaceCrops) -> None:
    first, again, other = (np.full((288, 320, 3), 90, dtype=np.uint8) for _ in range(3))
    seeds = [seed for seed in SEEDS if changed(face_crops, BOXES, seed).any()][:2]
    for canvas, seed in ((first, seeds[0]), (again, seeds[0]), (other, seeds[1])):
        add_decoys(canvas, BOXES, face_crops, np.random.default_rng(seed))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_drawing_leaves_the_singles_alone(face_crops: FaceCrops) -> None:
    before = face_crops.images.copy()
    for seed in SEEDS:
        changed(face_crops, NO_BOXES, seed)
    assert np.array_equal(face_crops.images, before)


@pytest.mark.parametrize("kind", decoys._KINDS)
def test_every_kind_survives_faces_at_the_edge(kind: decoys._Kind, rng: np.random.Generator) -> None:
    """Landmarks may lie outside the stored picture, or all on one spot."""
    image = rng.integers(0, 256, (176, 176, 3), dtype=np.uint8)
    for points in (rng.uniform(-60, 240, (68, 2)), np.full((68, 2), 5.0), np.full((68, 2), -500.0)):
        pixels, mask = kind(image, points, rng)
        assert np.isfinite(pixels).all()
        assert set(np.unique(mask)) <= {0, 255}


def test_no_scrap_shows_an_eye(face_crops: FaceCrops) -> None:
    """On a picture that is black but for the eyes, scraps are black."""
    points = face_crops.faces.landmarks[0].astype(np.float64)
    angle = np.linspace(0, np.pi, 17)
    points[:17] = np.stack([88 - 45 * np.cos(angle), 78 + 55 * np.sin(angle)], axis=1)
    points[27:36] = np.stack([np.full(9, 88.0), np.linspace(75, 102, 9)], axis=1)
    points[33], points[57] = (88, 102), (88, 118)
    image = np.zeros((176, 176, 3), dtype=np.uint8)
    for x in (69, 107):
        image[73:81, x - 10 : x + 10] = 255
    for seed in SEEDS:
        pixels, mask = decoys._scrap(image, points, np.random.default_rng(seed))
        assert mask.any()
        assert pixels[mask > 0].max() == 0
