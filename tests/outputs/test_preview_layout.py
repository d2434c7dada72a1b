"""How a preview's page is divided: the picture, the stage, a cell for each person."""

import numpy as np
import pytest

from commedia.outputs.preview.layout import PAGE_PX, Rectangle, cells, overlay_layout, side_layout


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
