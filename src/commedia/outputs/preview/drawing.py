"""Marks on an RGB picture: smooth text, rounded plates, lines with transparency. Knows nothing of faces."""

import re
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, ImageDraw, ImageFont

from commedia.geometry.placement import fixed_point

Colour = tuple[int, int, int]


def draw_text(
    picture: UInt8[np.ndarray, "h w 3"],
    text: str,
    place_px: tuple[float, float],
    *,
    size_px: int = 14,
    colour: Colour = (230, 232, 236),
    anchor: str = "lm",
    opacity: float = 1.0,
) -> None:
    """Write one line. `anchor` is Pillow's: l, m, r for left, middle, right; then t, m, b for top, middle, bottom."""
    cover = _text_cover(text, size_px)
    height, width = cover.shape
    left = place_px[0] - {"l": 0, "m": width / 2, "r": width}[anchor[0]]
    top = place_px[1] - {"t": 0, "m": height / 2, "b": height}[anchor[1]]
    _blend(picture, cover * opacity, colour, round(left), round(top))


def text_width(text: str, size_px: int) -> int:
    """Width in pixels of what `draw_text` would write."""
    return _text_cover(text, size_px).shape[1]


def draw_plate(
    picture: UInt8[np.ndarray, "h w 3"],
    corners_px: tuple[float, float, float, float],
    colour: Colour,
    *,
    radius_px: int = 8,
    opacity: float = 1.0,
) -> None:
    """Fill a rectangle (left, top, right, bottom) with round corners."""
    left, top, right, bottom = (round(value) for value in corners_px)
    if right <= left or bottom <= top:
        return
    _blend(picture, _plate_cover(right - left, bottom - top, radius_px) * opacity, colour, left, top)


def draw_brackets(
    picture: UInt8[np.ndarray, "h w 3"],
    corners_px: tuple[float, float, float, float],
    colour: Colour,
    *,
    thickness_px: int = 2,
    share: float = 0.22,
) -> None:
    """Mark a rectangle by its four corners."""
    left, top, right, bottom = corners_px
    reach = max(6.0, share * min(right - left, bottom - top))
    for x, inward in ((left, reach), (right, -reach)):
        for y, down in ((top, reach), (bottom, -reach)):
            _polyline(picture, np.array([[x + inward, y], [x, y], [x, y + down]]), colour, thickness_px)


def draw_dots(
    picture: UInt8[np.ndarray, "h w 3"], points_px: np.ndarray, colour: Colour, *, radius_px: float = 1.3
) -> None:
    """Mark points, with sub-pixel placement."""
    for center in fixed_point(points_px, 4).tolist():
        cv2.circle(picture, center, round(radius_px * 16), colour, -1, cv2.LINE_AA, shift=4)


def _polyline(picture: np.ndarray, chain: np.ndarray, colour: Colour, thickness_px: int) -> None:
    cv2.polylines(picture, [fixed_point(chain, 4)], False, colour, thickness_px, cv2.LINE_AA, shift=4)


def _blend(picture: np.ndarray, cover: np.ndarray, colour: Colour, left: int, top: int) -> None:
    """Lay a colour over the picture where `cover` says so, clipped to the picture."""
    height, width = picture.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + cover.shape[1], width), min(top + cover.shape[0], height)
    if x1 <= x0 or y1 <= y0:
        return
    share = cover[y0 - top : y1 - top, x0 - left : x1 - left, None]
    part = picture[y0:y1, x0:x1]
    part[...] = (part + (np.array(colour, dtype=np.float32) - part) * share + 0.5).astype(np.uint8)


@lru_cache(maxsize=512)
def _text_cover(text: str, size_px: int) -> Float32[np.ndarray, "h w"]:
    # Digits one by one, which are all equally wide: a clock is another text in every frame.
    parts = [_part_cover(part, size_px) for part in re.findall(r"\d|\D+", text)]
    ends = np.cumsum([0] + [part.shape[1] - 1 for part in parts])
    cover = np.zeros((round(size_px * 1.3), ends[-1] + 1), dtype=np.float32)
    for part, left in zip(parts, ends[:-1], strict=True):
        cover[:, left : left + part.shape[1]] += part * (1 - cover[:, left : left + part.shape[1]])
    return cover


@lru_cache(maxsize=512)
def _part_cover(text: str, size_px: int) -> Float32[np.ndarray, "h w"]:
    """A part of a text, and one column more, into which a letter may lean."""
    font = ImageFont.load_default(size_px)
    # One height for all texts of a size, so that lines sit on one base line.
    canvas = Image.new("L", (max(1, round(font.getlength(text)) + 1), round(size_px * 1.3)), 0)
    ImageDraw.Draw(canvas).text((0, round(size_px * 1.02)), text, fill=255, font=font, anchor="ls")
    return np.asarray(canvas, dtype=np.float32) / 255


@lru_cache(maxsize=128)
def _plate_cover(width: int, height: int, radius_px: int) -> Float32[np.ndarray, "h w"]:
    radius = min(radius_px, width // 2, height // 2)
    x = np.maximum(np.abs(np.arange(width) + 0.5 - width / 2) - (width / 2 - radius), 0)
    y = np.maximum(np.abs(np.arange(height) + 0.5 - height / 2) - (height / 2 - radius), 0)
    return np.clip(radius - np.hypot(x[None], y[:, None]) + 0.5, 0, 1).astype(np.float32)
