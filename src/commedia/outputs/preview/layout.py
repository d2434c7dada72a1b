"""Where things stand on a page: the source's picture, and the stage beside it. Whole pixels."""

from dataclasses import dataclass, replace
from math import ceil

PAGE_PX = (1280, 720)
"""Largest width and height of a page."""
HEADER_PX, GAP_PX = 40, 14
LEAST_STAGE_PX = 540
"""Height that the stage of a low picture still has."""
FACES_PX = 168
"""Width of the column of bare faces beside an overlay."""


@dataclass(frozen=True)
class Rectangle:
    """Whole pixels of the page."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def rows_columns(self) -> tuple[slice, slice]:
        """The part of a page that it is."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def corners(self) -> tuple[float, float, float, float]:
        return float(self.left), float(self.top), float(self.right), float(self.bottom)


@dataclass(frozen=True)
class Layout:
    """Of all pages of a take."""

    width: int
    height: int
    found: Rectangle
    """The source's picture with what was found in it; without width where there are no pictures."""
    stage: Rectangle
    """What is shown of each person."""


def side_layout(width_px: int, height_px: int) -> Layout:
    """A source's size, 0 x 0 for one without pictures, to its picture and a stage of at least two fifths beside it."""
    return _beside(width_px, height_px, PAGE_PX[0] * 0.57 - GAP_PX, LEAST_STAGE_PX)


def overlay_layout(width_px: int, height_px: int) -> Layout:
    """A source's size to its picture, as large as a page allows, and a column for faces beside it."""
    page = _beside(width_px, height_px, float(PAGE_PX[0] - 3 * GAP_PX - FACES_PX), 0)
    # An upright picture leaves much of a page empty.
    width = min(PAGE_PX[0], page.found.right + 2 * GAP_PX + FACES_PX)
    return replace(page, width=width // 2 * 2, stage=replace(page.stage, width=FACES_PX))


def _beside(width_px: int, height_px: int, room_px: float, least_stage_px: int) -> Layout:
    most = PAGE_PX[1] - HEADER_PX - GAP_PX
    width = height = 0
    if width_px * height_px:
        scale = min(room_px / width_px, most / height_px)
        width, height = (max(2, round(side * scale)) for side in (width_px, height_px))
    tall = min(most, max(height, least_stage_px if width else LEAST_STAGE_PX)) // 2 * 2
    found = Rectangle(GAP_PX, HEADER_PX + (tall - height) // 2, width, height)
    left = found.right + GAP_PX if width else GAP_PX
    stage = Rectangle(left, HEADER_PX, PAGE_PX[0] - GAP_PX - left, tall)
    return Layout(PAGE_PX[0], HEADER_PX + tall + GAP_PX, found, stage)


def cells(stage: Rectangle, count: int, aspect: float) -> list[Rectangle]:
    """Split the stage into `count` equal cells in rows, of the grid that has room for the largest content.

    `aspect` is the content's width over its height.
    """

    def largest(columns: int) -> float:
        return min(stage.width / columns, aspect * stage.height / ceil(count / columns))

    columns = max(range(1, count + 1), key=largest)
    rows = ceil(count / columns)
    width = (stage.width - GAP_PX * (columns - 1)) // columns
    height = (stage.height - GAP_PX * (rows - 1)) // rows
    places = [divmod(index, columns) for index in range(count)]
    return [
        Rectangle(stage.left + column * (width + GAP_PX), stage.top + row * (height + GAP_PX), width, height)
        for row, column in places
    ]


def halves(cell: Rectangle, share: float) -> tuple[Rectangle, Rectangle]:
    """Divide a cell along its longer side; the first part gets `share` of it."""
    if cell.width >= 0.95 * cell.height:
        first = round(cell.width * share)
        return replace(cell, width=first), replace(cell, left=cell.left + first, width=cell.width - first)
    first = round(cell.height * share)
    return replace(cell, height=first), replace(cell, top=cell.top + first, height=cell.height - first)
