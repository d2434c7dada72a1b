"""MFN's raw grid to the boxes that are faces: threshold, decode, non-maximum suppression.

Everything but a comparison of the 405 objectness numbers happens only for the few predictions above the threshold, so
that the cost does not grow with the number of cells, and hardly with the number of faces.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.geometry.boxes import suppress

NMS_IOU = 0.45
DEFAULT_THRESHOLD = 0.64
"""Where precision passes 0.9 on group photographs and recall still has it (`docs/evaluation/mfn-groups.md`)."""
BOX_COUNT = 5
ROW_COUNT = BOX_COUNT + IDENTITY_COUNT + EXPRESSION_COUNT + 8
"""tx, ty, tw, th, to | identity | expression | wxyz | translation | scale."""
_ENDS = np.cumsum([BOX_COUNT, IDENTITY_COUNT, EXPRESSION_COUNT, 4, 3]).tolist()

RESTING_LOGIT = -12.0
"""Of a blendshape that does nothing."""

LARGEST_GROWTH = 6.0
"""Bound of tw and th, as in training: a wild logit must not overflow `exp`."""


class GridFaces(NamedTuple):
    """Faces found in one square picture, most confident first; parameters relative to their box."""

    corners: Float[np.ndarray, "f 4"]
    """left, top, right, bottom as fractions of the square."""
    confidence: Float[np.ndarray, "f"]
    identity: Float[np.ndarray, "f i"]
    expression: Float[np.ndarray, "f e"]
    wxyz: Float[np.ndarray, "f 4"]
    translation: Float[np.ndarray, "f 3"]
    scale: Float[np.ndarray, "f"]


def sigmoid(logits: Float[np.ndarray, "*b"]) -> Float[np.ndarray, "*b"]:
    """The logistic function, without overflow at either end."""
    return 0.5 * (1 + np.tanh(0.5 * logits))


def decode_grid(
    grid: Float[np.ndarray, "n k"],
    anchors: Float[np.ndarray, "a 2"],
    *,
    threshold: float = DEFAULT_THRESHOLD,
    nms_iou: float = NMS_IOU,
) -> GridFaces:
    """Read the faces out of MFN's answer for one picture (Chaudhuri et al. 2019, section 7.2).

    Rows are cell-major: row = (cell_row * cells + cell_column) * len(anchors) + anchor; b_xy = sigmoid(t_xy) + cell,
    b_wh = anchor * exp(t_wh), in cells.
    """
    assert grid.shape[1] == ROW_COUNT, grid.shape
    candidates = np.flatnonzero(grid[:, 4] > np.log(threshold / (1 - threshold)))
    candidates = candidates[np.argsort(-grid[candidates, 4], kind="stable")]
    corners = decode_corners(grid, candidates, anchors)
    kept = suppress(corners, nms_iou)
    return _faces(grid[candidates[kept]], corners[kept])


def with_predictions(grid: Float[np.ndarray, "b n k"]) -> Float[np.ndarray, "b n r"]:
    """Fill up the grid of a network that predicts boxes alone: whoever it finds is at rest and faces the camera."""
    missing = ROW_COUNT - grid.shape[-1]
    if missing <= 0:
        return grid
    rest = np.zeros((*grid.shape[:-1], missing), grid.dtype)
    expression = IDENTITY_COUNT + np.arange(EXPRESSION_COUNT)
    rest[..., expression] = RESTING_LOGIT
    rest[..., IDENTITY_COUNT + EXPRESSION_COUNT] = 1  # w of the quaternion
    return np.concatenate([grid, rest], axis=-1)


def read_rows(
    grid: Float[np.ndarray, "n k"], index: Int[np.ndarray, "m"], anchors: Float[np.ndarray, "a 2"]
) -> GridFaces:
    """Read the faces of chosen rows, whatever their confidence."""
    return _faces(grid[index], decode_corners(grid, index, anchors))


def _faces(rows: Float[np.ndarray, "m k"], corners: Float[np.ndarray, "m 4"]) -> GridFaces:
    _, identity, expression, wxyz, translation, scale = np.split(rows, _ENDS, axis=1)
    return GridFaces(
        corners,
        sigmoid(rows[:, 4]),
        identity,
        sigmoid(expression),
        wxyz,
        translation,
        sigmoid(scale[:, 0]),
    )


def decode_corners(
    grid: Float[np.ndarray, "n k"], index: Int[np.ndarray, "m"], anchors: Float[np.ndarray, "a 2"]
) -> Float[np.ndarray, "m 4"]:
    """Place the boxes of chosen rows, as fractions of the square."""
    count = len(anchors)
    cells = round((len(grid) / count) ** 0.5)
    cell = np.stack([index // count % cells, index // count // cells], axis=1)
    center = (sigmoid(grid[index, 0:2]) + cell) / cells
    growth = np.exp(grid[index, 2:4].clip(-LARGEST_GROWTH, LARGEST_GROWTH))
    half = anchors[index % count] * growth / cells / 2
    return np.concatenate([center - half, center + half], axis=1).astype(grid.dtype)
