"""Upright boxes: bounds, overlap, and of boxes that overlap the best. Corners are rows of left, top, right, bottom.

Numpy only; the losses have a twin with gradients, which a test holds against this.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Int

from commedia.structures import Box


def tight_box(points_px: Float[np.ndarray, "l 2"]) -> Box:
    """Bound points by the smallest upright box."""
    return Box(*points_px.min(axis=0).tolist(), *points_px.max(axis=0).tolist())


def intersection_over_union(first: Box, second: Box) -> float:
    """Overlap of two boxes, 0 to 1; boxes without area overlap nothing."""
    width = min(first.right_px, second.right_px) - max(first.left_px, second.left_px)
    height = min(first.bottom_px, second.bottom_px) - max(first.top_px, second.top_px)
    shared = max(width, 0.0) * max(height, 0.0)
    union = first.width_px * first.height_px + second.width_px * second.height_px - shared
    return shared / union if union > 0 else 0.0


def corners_of(boxes: Iterable[Box]) -> Float[np.ndarray, "n 4"]:
    """Boxes as rows of an array."""
    rows = [(box.left_px, box.top_px, box.right_px, box.bottom_px) for box in boxes]
    return np.array(rows, dtype=float).reshape(-1, 4)


def pairwise_iou(first: Float[np.ndarray, "n 4"], second: Float[np.ndarray, "m 4"]) -> Float[np.ndarray, "n m"]:
    """Overlap of every box of one list with every box of another."""
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    extent = np.maximum(bottom_right - top_left, 0)
    shared = extent[..., 0] * extent[..., 1]
    area_first, area_second = ((b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in (first, second))
    return shared / np.maximum(area_first[:, None] + area_second[None, :] - shared, np.finfo(shared.dtype).tiny)


def suppress(corners: Float[np.ndarray, "m 4"], limit: float) -> Int[np.ndarray, "f"]:
    """Keep each box that overlaps no better kept one by more than `limit`; boxes come best first."""
    overlap = pairwise_iou(corners, corners) > limit
    suppressed = np.zeros(len(corners), dtype=bool)
    kept = []
    for row in range(len(corners)):
        if not suppressed[row]:
            kept.append(row)
            suppressed |= overlap[row]
    return np.array(kept, dtype=np.int64)
