"""A tiled detection finds who is too small in the whole picture, everybody once, and where they are."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from commedia.faces.tiled import TiledDetector, squares
from commedia.structures import Box, Face
from tests.fakes import fake_params


@dataclass
class DotDetector:
    """Finds coloured rectangles at least `least` of the picture's longer side wide: the smaller, the less it sees."""

    least: float = 0.05
    sizes: list[tuple[int, int]] = field(default_factory=list)

    def detect(self, image: np.ndarray) -> list[Face]:
        self.sizes.append(image.shape[:2])
        found = []
        for value in np.unique(image[..., 0])[1:]:
            rows, columns = np.nonzero(image[..., 0] == value)
            box = Box(float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
            if box.width_px >= self.least * max(image.shape[:2]):
                center = np.array(box.center_px, dtype=np.float32)
                found.append(Face(box, 0.9, fake_params(center, 1.0), np.tile(center, (68, 1))))
        return found


def picture(*boxes: tuple[int, int, int]) -> np.ndarray:
    """Black 1280 x 720 with squares: left, top, side."""
    image = np.zeros((720, 1280, 3), np.uint8)
    for value, (left, top, side) in enumerate(boxes, start=50):
        image[top : top + side, left : left + side] = value
    return image


def lefts(faces: list[Face]) -> list[float]:
    return sorted(face.box.left_px for face in faces)


def test_small_faces_are_found_where_they_are():
    image = picture((100, 300, 40), (1200, 50, 40), (600, 200, 200))
    assert lefts(DotDetector().detect(image)) == [600]
    found = TiledDetector(DotDetector()).detect(image)
    assert lefts(found) == [100, 600, 1200]
    for face in found:
        np.testing.assert_allclose(face.params.pose.origin_px, face.box.center_px)
        np.testing.assert_allclose(face.landmarks_px[0], face.box.center_px)


@pytest.mark.parametrize("left", range(380, 860, 20))
def test_a_face_at_a_seam_is_found_once_and_whole(left: int):
    found = TiledDetector(DotDetector()).detect(picture((left, 300, 44)))
    assert [(face.box.left_px, face.box.width_px) for face in found] == [(left, 44)]


def test_half_a_large_face_is_not_a_small_one():
    """What a square cuts off belongs to the whole picture's look, even when that misses it."""
    found = TiledDetector(DotDetector(least=0.3)).detect(picture((480, 100, 350)))
    assert lefts(found) in ([], [480])
    assert all(face.box.width_px == 350 for face in found)


@pytest.mark.parametrize("shape", [(720, 1280), (1280, 720), (500, 500), (300, 4000), (480, 640), (1, 1)])
def test_squares_cover_the_picture_and_overlap(shape: tuple[int, int]):
    height, width = shape
    covered = np.zeros(shape, bool)
    found = list(squares(height, width))
    for left, top, side in found:
        assert left >= 0
        assert top >= 0
        covered[top : top + side, left : left + side] = True
    assert covered.all()
    assert len(found) <= 4


def test_16_to_9_costs_three_looks():
    detector = DotDetector()
    TiledDetector(detector).detect(picture())
    assert detector.sizes == [(720, 1280), (720, 720), (720, 720)]
