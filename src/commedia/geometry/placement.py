"""Where a pixel is: the centre of the first one is (0.5, 0.5), while OpenCV calls it (0, 0). Half a pixel, said once.

Maps between pictures are 2 x 3 matrices `target_from_source` in our pixels.
"""

import math

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int32

Affine = Float[np.ndarray, "2 3"]


LONGEST_STEP_PX = 1.5
"""Between the samples of a large crop, at most."""


def affine_between(linear: Float[np.ndarray, "2 2"], source_px: np.ndarray, target_px: np.ndarray) -> Affine:
    """The map with this linear part that takes one point to another."""
    return np.concatenate([linear, (target_px - linear @ source_px)[:, None]], axis=1)


def moved_points(points_px: Float[np.ndarray, "*n 2"], target_from_source: Affine) -> Float[np.ndarray, "*n 2"]:
    """Take points through a map."""
    return points_px @ target_from_source[:, :2].T + target_from_source[:, 2]


def inverse_affine(target_from_source: Affine) -> Affine:
    """The way back."""
    back = np.linalg.inv(target_from_source[:, :2])
    return np.concatenate([back, -back @ target_from_source[:, 2:]], axis=1)


def opencv_from_ours(target_from_source: Affine) -> Affine:
    """The same map between OpenCV's pixels."""
    linear, shift = target_from_source[:, :2], target_from_source[:, 2]
    return np.concatenate([linear, opencv_shift(shift, linear.sum(1))[:, None]], axis=1)


def opencv_shift(shift_px: Float[np.ndarray, "2"], row_sums: Float[np.ndarray, "2"] | float) -> Float[np.ndarray, "2"]:
    """The last column of a map between OpenCV's pixels, from that between ours and the row sums of the linear part."""
    return shift_px + row_sums / 2 - 0.5


def ours_from_opencv(target_from_source: Affine) -> Affine:
    """The same map between our pixels: the inverse of `opencv_from_ours`."""
    linear, shift = target_from_source[:, :2], target_from_source[:, 2:]
    return np.concatenate([linear, shift - linear.sum(1, keepdims=True) / 2 + 0.5], axis=1)


def read_at(image: Float32[np.ndarray, "h w c"], points_px: Float[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n c"]:
    """Read a picture between its pixels; beyond its edge lie the outermost."""
    x, y = (points_px.astype(np.float32) - 0.5).T.reshape(2, 1, -1)
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]


def warp(
    image: np.ndarray,
    target_from_source: Affine,
    size: tuple[int, int],
    *,
    border: int = cv2.BORDER_CONSTANT,
    grey: int = 0,
    flags: int = cv2.INTER_LINEAR,
) -> np.ndarray:
    """Redraw a picture at `size` (width, height); `border` is one of OpenCV's, `grey` what its constant one shows.

    With `cv2.WARP_INVERSE_MAP` among the flags the map is the other one, `source_from_target`.
    """
    matrix = opencv_from_ours(target_from_source)
    drawn = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=border, borderValue=(grey,) * 3)
    return np.asarray(drawn, dtype=image.dtype)


def cut_square(
    image: np.ndarray,
    image_from_square: Float[np.ndarray, "2 2"],
    center_px: np.ndarray,
    side_px: float,
    size: int,
    *,
    grey: int = 0,
) -> np.ndarray:
    """Resample a square, which may be turned, to size x size pixels; `grey` where it leaves the picture.

    Keeps sub-pixel placement. The picture around a square twice as large as the output is halved first; one that is
    still larger is sampled at a whole multiple of the output and then averaged, because bilinear sampling alone would
    alias: it sees two pixels, so that steps of 1.5 miss none.
    """
    if side_px >= 2 * size and min(image.shape[:2]) > 1:
        part, start_px = _part_around(image, center_px, abs(image_from_square).sum(1) * side_px / 2)
        image, center_px, side_px = averaged(part, 2), (center_px - start_px) / 2, side_px / 2
    multiple = max(1, math.ceil(side_px / (LONGEST_STEP_PX * size)))
    sampled = size * multiple
    image_from_sample = affine_between(side_px / sampled * image_from_square, np.full(2, sampled / 2), center_px)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = warp(image, image_from_sample, (sampled, sampled), grey=grey, flags=flags)
    return warped if multiple == 1 else cv2.resize(warped, (size, size), interpolation=cv2.INTER_AREA)


def averaged(image: np.ndarray, block: int) -> np.ndarray:
    """Average a picture's blocks of pixels; what fills no block at its right and lower edge is left out.

    By halves as far as that goes: for these OpenCV has vector instructions, and a quarter takes half of the time.
    """
    height, width = (side // block for side in image.shape[:2])
    image = image[: height * block, : width * block]
    while block > 1:
        factor = 2 if block % 2 == 0 else block
        block //= factor
        size = width * block, height * block
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=image.dtype)
    return image


def _part_around(image: np.ndarray, center_px: np.ndarray, reach_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of a picture so far around a point and a little farther, and where it begins: two pixels at least."""
    size = np.array(image.shape[1::-1])
    start = np.clip(np.floor(center_px - reach_px - 2), 0, size - 2).astype(int) // 2 * 2
    end = np.clip(np.ceil(center_px + reach_px + 2), start + 2, size).astype(int)
    return image[start[1] : end[1], start[0] : end[0]], start


def look_up(image: np.ndarray, x_px: np.ndarray, y_px: np.ndarray, *, border: int) -> np.ndarray:
    """Draw a picture whose every pixel shows what lies at a place of another, between pixels if need be."""
    maps = (np.asarray(axis - np.float32(0.5), dtype=np.float32) for axis in (x_px, y_px))
    return np.asarray(cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=border), dtype=image.dtype)


def fixed_point(points_px: Float[np.ndarray, "*n 2"], bits: int) -> Int32[np.ndarray, "*n 2"]:
    """Say points as OpenCV's drawing functions take them with `shift=bits`."""
    return np.round((points_px - 0.5) * (1 << bits)).astype(np.int32)
