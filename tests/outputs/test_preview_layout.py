"""How a preview's page is divided: the picture, the stage, a cell for each person."""

import numpy as np
import pytest

from commedia.outputs.preview.layout import PAGE_PX, Rectangle, cells, halves, overlay_layout, side_layout
from commedia.outputs.preview.page import FACE_SHARE
from commedia.outputs.preview.player import BUST


def test_cells_do_not_overlap_and_stay_on_the_stage() -> None:
    stage = Rectangle(100, 50, 500, 400)
    for count, aspect in zip(range(1, 13), np.linspace(0.5, 2, 12), strict=True):
        used = np.zeros((500, 700), dtype=int)
        places = cells(stage, count, aspect)
        assert len(places) == count
        for cell in places:
            used[cell.top : cell.top + cell.height, cell.left : cell.left + cell.width] += 1
        assert used.max() == 1
        assert used[50:450, 100:600].sum() == used.sum()
        assert used.sum() > 0.5 * 500 * 400, "most of the stage is used"


def test_the_source_keeps_its_shape_and_leaves_room_beside_it() -> None:
    for width, height in ((1920, 1080), (1080, 1920), (500, 500)):
        for layout in (side_layout(width, height), overlay_layout(width, height)):
            place = layout.found
            assert place.width / place.height == pytest.approx(width / height, rel=0.01)
            assert place.right < layout.stage.left < layout.stage.right <= layout.width
            assert max(place.bottom, layout.stage.bottom) <= layout.height <= PAGE_PX[1]
        assert side_layout(width, height).stage.width > 0.38 * PAGE_PX[0]
        assert overlay_layout(width, height).found.width >= side_layout(width, height).found.width


@pytest.mark.parametrize("people", [1, 2])
def test_a_page_is_filled_and_heads_are_seen_beside_a_picture_of_any_shape(people: int) -> None:
    for aspect in np.geomspace(0.4, 4, 40):
        layout = side_layout(round(800 * aspect), 800)
        overlap = np.zeros((layout.height, layout.width), dtype=int)
        for part in (layout.found, layout.stage):
            overlap[part.rows_columns] += 1
        assert overlap.max() == 1
        assert (overlap > 0).mean() > 0.7, f"much of the page is empty at {aspect:.2f}"
        for cell in cells(layout.stage, people, 0.85 / (1 - FACE_SHARE)):
            bare, played = halves(cell, FACE_SHARE)
            assert bare.width * bare.height > 0.4 * cell.width * cell.height
            head_px = min(played.height / BUST[0], played.width / BUST[1])
            assert head_px > (0.42, 0.32)[people - 1] * layout.found.height, f"a small head at {aspect:.2f}"
