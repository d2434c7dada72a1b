"""What a page shows of one person: a dark card, the actor's bare face, a name."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float32, UInt8

from commedia.outputs.preview.drawing import Colour, draw_plate, draw_text
from commedia.outputs.preview.found import INK, person_colour, resized
from commedia.outputs.preview.layout import Rectangle
from commedia.structures import TrackedFace

BACKDROP, CARD, FAINT = (17, 18, 22), (30, 32, 38), (128, 133, 144)
RADIUS_PX = 10
FACE_ROOM = 1.45
"""Height of what is shown of a frame over that of the face's box, so that there is hair and chin around it."""


def draw_card(page: UInt8[np.ndarray, "h w 3"], place: Rectangle, colour: Colour) -> UInt8[np.ndarray, "a b 3"]:
    """Lay an empty card; returns its part of the page, to draw on."""
    cell = page[place.rows_columns]
    cell[...] = _card(place.height, place.width, colour)
    return cell


def round_corners(cell: UInt8[np.ndarray, "h w 3"]) -> None:
    """Cut the corners of what was drawn on a card."""
    rows, columns, cover = _cut_corners(*cell.shape[:2])
    kept = cell[rows, columns] - np.float32(BACKDROP)
    cell[rows, columns] = (BACKDROP + kept * cover + 0.5).astype(np.uint8)


def draw_bare_face(cell: UInt8[np.ndarray, "h w 3"], image: UInt8[np.ndarray, "fh fw 3"], face: TrackedFace) -> None:
    """Fill a cell with the actor's face as filmed; what lies beyond the frame stays as it was."""
    height, width = cell.shape[:2]
    center_x, center_y = face.box.center_px
    high = max(FACE_ROOM * max(face.box.height_px, face.box.width_px * height / width), 2.0)
    scale = height / high
    left, top = center_x - width / scale / 2, center_y - high / 2
    x0, x1 = (_limited(at, image.shape[1]) for at in (left, left + width / scale))
    y0, y1 = (_limited(at, image.shape[0]) for at in (top, top + high))
    to_x = [_limited((at - left) * scale, width) for at in (x0, x1)]
    to_y = [_limited((at - top) * scale, height) for at in (y0, y1)]
    if x1 > x0 and y1 > y0 and to_x[1] > to_x[0] and to_y[1] > to_y[0]:
        part = resized(image[y0:y1, x0:x1], to_x[1] - to_x[0], to_y[1] - to_y[0])
        cell[to_y[0] : to_y[1], to_x[0] : to_x[1]] = part


def draw_name(picture: UInt8[np.ndarray, "h w 3"], face: TrackedFace) -> None:
    """Write who it is in the upper left corner, and in the right one how they are seen where that is not plainly."""
    colour = person_colour(face.id)
    small = min(picture.shape[:2]) < 130
    size = 12 if small else 15
    name = str(face.id) if small else f"person {face.id}"
    draw_plate(picture, (6.0, 6.0, 25.0 + (8 if small else 66), 16.0 + size), (17, 18, 22), radius_px=5, opacity=0.55)
    draw_plate(picture, (10.0, 11.0, 15.0, 11.0 + size), colour, radius_px=2)
    draw_text(picture, name, (21.0, 11 + size / 2), size_px=size, colour=INK)
    if face.status != "tracked":
        right = picture.shape[1] - 12
        draw_text(picture, face.status, (float(right), 11 + size / 2), size_px=size - 2, colour=colour, anchor="rm")


def _limited(at_px: float, end: int) -> int:
    return min(max(round(at_px), 0), end)


@lru_cache(maxsize=64)
def _card(height: int, width: int, colour: Colour) -> UInt8[np.ndarray, "h w 3"]:
    """A dark card, a little lighter behind the head and with a breath of the person's colour below."""
    y, x = np.mgrid[:height, :width]
    glow = np.exp(-(((x - width / 2) / (0.5 * width)) ** 2 + ((y - 0.45 * height) / (0.5 * height)) ** 2))
    low = np.clip((y - 0.6 * height) / (0.4 * height), 0, 1) * 0.10
    base = np.array(CARD) * (0.85 + 0.75 * glow[..., None])
    return (base + (np.array(colour) - base) * low[..., None]).astype(np.uint8)


@lru_cache(maxsize=64)
def _cut_corners(height: int, width: int) -> tuple[np.ndarray, np.ndarray, Float32[np.ndarray, "n 1"]]:
    """Row and column of each pixel that a card does not fill, and how much of it the card does."""
    mask = np.zeros((height, width, 3), dtype=np.uint8)
    draw_plate(mask, (0.0, 0.0, float(width), float(height)), (255, 255, 255), radius_px=RADIUS_PX)
    rows, columns = np.nonzero(mask[:, :, 0] < 255)
    return rows, columns, mask[rows, columns, :1].astype(np.float32) / 255
