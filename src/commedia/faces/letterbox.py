"""A whole picture in the square MFN reads, and the way back. Unlike a crop, nothing is cut off."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.faces.crop import PADDING_GREY
from commedia.geometry.placement import averaged, opencv_shift
from commedia.structures import Box


@dataclass(frozen=True)
class Letterbox:
    """square_px = scale * image_px + offset_px."""

    scale: float
    offset_px: Float[np.ndarray, "2"]
    size: int


def letterbox_for(height_px: int, width_px: int, size: int) -> Letterbox:
    """Fit the longer side to `size` and centre the rest."""
    scale = size / max(height_px, width_px)
    offset = (size - scale * np.array([width_px, height_px])) / 2
    return Letterbox(scale, offset.astype(np.float32), size)


def letterbox_image(
    image: UInt8[np.ndarray, "h w 3"], letterbox: Letterbox
) -> UInt8[np.ndarray, "{letterbox.size} {letterbox.size} 3"]:
    """Resample the picture into the square, grey around it.

    Averages whole blocks of pixels first, then samples linearly: for 720p 0.6 ms where one area resize takes 3.3, and
    no aliasing. The up to block - 1 last rows or columns that fill no block are left out.
    """
    block = max(1, int(1 / letterbox.scale))
    image = averaged(image, block)
    scale = letterbox.scale * block
    # In the offset's single precision: a sixteenth digit more would change a few of MFN's pixels by 1.
    shift = opencv_shift(letterbox.offset_px, scale)
    square_from_small, size = np.column_stack([scale * np.eye(2), shift]), (letterbox.size, letterbox.size)
    return np.asarray(cv2.warpAffine(image, square_from_small, size, borderValue=(PADDING_GREY,) * 3), dtype=np.uint8)


def boxes_in_image(corners: Float[np.ndarray, "n 4"], letterbox: Letterbox) -> list[Box]:
    """Take boxes (left, top, right, bottom, as fractions of the square) back to the picture's pixels."""
    offset = np.tile(letterbox.offset_px, 2)
    return [Box(*map(float, row)) for row in (corners * letterbox.size - offset) / letterbox.scale]
