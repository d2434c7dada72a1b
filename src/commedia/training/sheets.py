"""Pictures to look at while training: predictions on validation pictures, and curves of the log."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.conventions import EXPRESSION_NAMES
from commedia.files import named_aside, write_file

COLUMNS = 6
_GREEN, _YELLOW, _WHITE, _BLACK = (60, 230, 90), (255, 205, 60), (255, 255, 255), (0, 0, 0)


def faces_sheet(
    images: UInt8[np.ndarray, "n h w 3"],
    predicted: Float[np.ndarray, "n 68 2"],
    truth: Float[np.ndarray, "n 68 2"],
    expression: Float[np.ndarray, "n e"],
    truth_expression: Float[np.ndarray, "n e"],
) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Draw truth (yellow) and prediction (green) on enlarged crops, with the three units predicted strongest."""
    tiles = [_face_tile(*parts) for parts in zip(images, predicted, truth, expression, truth_expression, strict=True)]
    return grid_of(tiles)


def scenes_sheet(
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
    blank = np.zeros_like(tiles[0])
    filled = [*tiles, *([blank] * (-len(tiles) % columns))]
    rows = [np.concatenate(filled[start : start + columns], axis=1) for start in range(0, len(filled), columns)]
    return np.concatenate(rows)


def write_picture(path: Path, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write a picture in the format its name says."""
    _, encoded = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    write_file(path, encoded.tobytes())


def write_curves(path: Path, columns: Sequence[str], rows: Sequence[Sequence[float]]) -> None:
    """Plot every column of a log against its first, one small chart each."""
    from matplotlib.figure import Figure

    values = np.array(rows, dtype=float)
    across = 4
    down = -(-(len(columns) - 1) // across)
    figure = Figure(figsize=(4 * across, 2.4 * down), layout="constrained")
    for index, name in enumerate(columns[1:]):
        axes = figure.add_subplot(down, across, index + 1)
        axes.plot(values[:, 0], values[:, index + 1], marker="." if len(values) < 30 else None)
        axes.set_title(name, fontsize=9)
        axes.grid(alpha=0.3)
    with named_aside(path, path.suffix) as aside:
        figure.savefig(aside, dpi=80)


def _face_tile(
    image: np.ndarray, predicted: np.ndarray, truth: np.ndarray, expression: np.ndarray, known: np.ndarray
) -> np.ndarray:
    tile = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    _dots(tile, truth * 2, _YELLOW)
    _dots(tile, predicted * 2, _GREEN)
    strongest = np.argsort(-expression)[:3]
    for line, unit in enumerate(strongest):
        text = f"{EXPRESSION_NAMES[unit]} {expression[unit]:.2f} ({known[unit]:.2f})"
        for colour, width in ((_BLACK, 2), (_WHITE, 1)):
            cv2.putText(tile, text, (4, 12 + 12 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.35, colour, width, cv2.LINE_AA)
    return tile


def _dots(tile: np.ndarray, points: np.ndarray, colour: tuple[int, int, int]) -> None:
    for x, y in np.nan_to_num(points):
        cv2.circle(tile, (round(float(x)), round(float(y))), 1, colour, -1, cv2.LINE_AA)
