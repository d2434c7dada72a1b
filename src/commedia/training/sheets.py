"""Pictures to look at while training: predictions on validation pictures, and curves of the log."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from commedia.conventions import EXPRESSION_NAMES
from commedia.files import write_file
from commedia.losses.faces import FaceTargets

COLUMNS = 6
_GREEN, _YELLOW, _WHITE, _BLACK = (60, 230, 90), (255, 205, 60), (255, 255, 255), (0, 0, 0)


def faces_sheet(
    crops: UInt8[Tensor, "n s s 3"],
    points: Float[Tensor, "n 68 2"],
    expression: Float[Tensor, "n e"] | None,
    truth: FaceTargets,
) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Draw truth (yellow) and prediction (green) on enlarged crops, with the three blendshapes predicted strongest.

    `expression` is None where it is not that of our blendshapes.
    """
    predicted, marked = ((places + 0.5) * crops.shape[1] for places in (points, truth.landmarks))
    told = [None] * len(crops) if expression is None else list(expression.numpy())
    columns = (part.numpy() for part in (crops, predicted, marked))
    return grid_of([_face_tile(*parts) for parts in zip(*columns, told, truth.expression.numpy(), strict=True)])


def pictures_sheet(
    images: UInt8[np.ndarray, "n h w 3"],
    truth: Sequence[Float[np.ndarray, "_ 4"]],
    boxes: Sequence[Float[np.ndarray, "_ 4"]],
    landmarks: Sequence[Float[np.ndarray, "_ 68 2"]],
) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Draw true boxes (yellow), predicted boxes and landmarks (green)."""
    tiles: list[np.ndarray] = []
    for image, known, found, points in zip(images, truth, boxes, landmarks, strict=True):
        tile = image.copy()
        for colour, rectangles in ((_YELLOW, known), (_GREEN, found)):
            for left, top, right, bottom in rectangles:
                cv2.rectangle(tile, (round(left), round(top)), (round(right), round(bottom)), colour, 1)
        _dots(tile, points.reshape(-1, 2), _GREEN)
        tiles.append(tile)
    return grid_of(tiles, columns=4)


def grid_of(tiles: Sequence[UInt8[np.ndarray, "h w 3"]], columns: int = COLUMNS) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Lay tiles of one size in rows."""
    filled = [*tiles, *([np.zeros_like(tiles[0])] * (-len(tiles) % columns))]
    rows = [np.concatenate(filled[start : start + columns], axis=1) for start in range(0, len(filled), columns)]
    return np.concatenate(rows)


def write_picture(path: Path, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write a picture in the format its name says."""
    _, encoded = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    write_file(path, encoded.tobytes())


def write_curves(path: Path, columns: Sequence[str], rows: Sequence[Sequence[float]]) -> None:
    """Plot every column of a log against its first, one small chart each."""
    values = np.array(rows, dtype=float)
    charts = [_chart(name, values[:, 0], values[:, index]) for index, name in enumerate(columns) if index > 0]
    write_picture(path, grid_of(charts, columns=4))


def _chart(name: str, x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "h w 3"]:
    """Draw one curve between its least and its largest value, which stand beside its name."""
    chart = np.full((180, 320, 3), 255, np.uint8)
    cv2.rectangle(chart, (8, 24), (311, 171), (200, 200, 200), 1)
    known = np.isfinite(y)
    span = f"{y[known].min():.4g} to {y[known].max():.4g}" if known.any() else "unknown"
    cv2.putText(chart, f"{name}: {span}", (8, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _BLACK, 1, cv2.LINE_AA)
    across, up = (axis[known] - axis[known].min() if known.any() else axis[known] for axis in (x, y))
    points = [8 + 303 * across / max(across.max(initial=0), 1e-12), 171 - 147 * up / max(up.max(initial=0), 1e-12)]
    line = np.stack(points, axis=1).round().astype(np.int32)
    cv2.polylines(chart, [line], False, (40, 90, 200), 1, cv2.LINE_AA)
    for point in line if len(line) < 30 else ():
        cv2.circle(chart, point.tolist(), 2, (40, 90, 200), -1, cv2.LINE_AA)
    return chart


def _face_tile(
    image: np.ndarray, predicted: np.ndarray, truth: np.ndarray, expression: np.ndarray | None, known: np.ndarray
) -> np.ndarray:
    tile = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    _dots(tile, truth * 2, _YELLOW)
    _dots(tile, predicted * 2, _GREEN)
    for line, blendshape in enumerate([] if expression is None else np.argsort(-expression)[:3]):
        assert expression is not None
        text = f"{EXPRESSION_NAMES[blendshape]} {expression[blendshape]:.2f} ({known[blendshape]:.2f})"
        for colour, width in ((_BLACK, 2), (_WHITE, 1)):
            cv2.putText(tile, text, (4, 12 + 12 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.35, colour, width, cv2.LINE_AA)
    return tile


def _dots(tile: np.ndarray, points: np.ndarray, colour: tuple[int, int, int]) -> None:
    for x, y in np.nan_to_num(points):
        cv2.circle(tile, (round(float(x)), round(float(y))), 1, colour, -1, cv2.LINE_AA)
