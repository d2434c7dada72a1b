"""Where things stand on a page: the source's picture, and the stage beside it or under it. Whole pixels."""

from dataclasses import dataclass, replace
from math import ceil

PAGE_PX = (1280, 720)
"""Largest width and height of a page."""
HEADER_PX, GAP_PX = 40, 14
MOST_PX = PAGE_PX[1] - HEADER_PX - GAP_PX
"""Greatest height of what stands on a page."""
LEAST_STAGE_PX = 540
"""Height that the stage beside a low picture still has. A picture that is nearly square is no larger, as who is beside
it needs width."""
PICTURE_SHARE = 0.57
"""Of a page's width is at most the picture beside the stage."""
HIGH_PICTURE_PX = 400
"""Greatest height of a picture above the stage, so that those on it can be made out."""
FACES_PX = 168
"""Width of the column of bare faces beside an overlay."""
LEAST_WIDTH = 0.82
"""Width over height above which two heads are larger side by side than one above the other."""


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

    @property
    def used(self) -> float:
        """Share of the page on which something stands."""
        filled = sum(part.width * part.height for part in (self.found, self.stage))
        return filled / (self.width * self.height)


def side_layout(width_px: int, height_px: int) -> Layout:
    """A source's size, 0 x 0 for one without pictures, to its picture and a stage of at least two fifths beside it.

    Under a picture so wide that it would leave more of the page empty beside it.
    """
    across = round(PAGE_PX[0] * PICTURE_SHARE) - GAP_PX
    room = (across, LEAST_STAGE_PX) if width_px > height_px else (LEAST_STAGE_PX, MOST_PX)
    beside = _beside(width_px, height_px, room, LEAST_STAGE_PX)
    below = _below(width_px, height_px)
    return below if beside.found.width and below.used > beside.used else beside


def overlay_layout(width_px: int, height_px: int) -> Layout:
    """A source's size to its picture, as large as a page allows, and a column for faces beside it."""
    page = _beside(width_px, height_px, (PAGE_PX[0] - 3 * GAP_PX - FACES_PX, MOST_PX), 0)
    # An upright picture leaves much of a page empty.
    width = min(PAGE_PX[0], page.found.right + 2 * GAP_PX + FACES_PX)
    return replace(page, width=width // 2 * 2, stage=replace(page.stage, width=FACES_PX))


def _beside(width_px: int, height_px: int, room: tuple[int, int], least_stage_px: int) -> Layout:
    width, height = _fitted(width_px, height_px, room)
    tall = min(MOST_PX, max(height, least_stage_px if width else LEAST_STAGE_PX)) // 2 * 2
    found = Rectangle(GAP_PX, HEADER_PX + (tall - height) // 2, width, height)
    left = found.right + GAP_PX if width else GAP_PX
    stage = Rectangle(left, HEADER_PX, PAGE_PX[0] - GAP_PX - left, tall)
    return Layout(PAGE_PX[0], HEADER_PX + tall + GAP_PX, found, stage)


def _below(width_px: int, height_px: int) -> Layout:
    across = PAGE_PX[0] - 2 * GAP_PX
    width, height = _fitted(width_px, height_px, (across, HIGH_PICTURE_PX))
    found = Rectangle((PAGE_PX[0] - width) // 2, HEADER_PX, width, height)
    top = found.bottom + GAP_PX
    bottom = min(HEADER_PX + MOST_PX, top + LEAST_STAGE_PX) // 2 * 2
    return Layout(PAGE_PX[0], bottom + GAP_PX, found, Rectangle(GAP_PX, top, across, bottom - top))


def _fitted(width_px: int, height_px: int, room: tuple[int, int]) -> tuple[int, int]:
    """The largest size of a picture's shape in some room; 0 x 0 without a picture."""
    if width_px * height_px == 0:
        return 0, 0
    scale = min(room[0] / width_px, room[1] / height_px)
    return max(2, round(width_px * scale)), max(2, round(height_px * scale))


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
    """Divide a cell along its longer side, as heads are higher than wide; the first part gets `share` of it."""
    if cell.width >= LEAST_WIDTH * cell.height:
        first = round(cell.width * share)
        return replace(cell, width=first), replace(cell, left=cell.left + first, width=cell.width - first)
    first = round(cell.height * share)
    return replace(cell, height=first), replace(cell, top=cell.top + first, height=cell.height - first)
