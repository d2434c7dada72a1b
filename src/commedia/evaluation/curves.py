"""Curves of cumulative error as a picture, drawn with the marks of `outputs`: nobody needs a plotting library."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.files import write_file
from commedia.outputs.preview.drawing import draw_text

WIDTH, HEIGHT = 900, 560
LEFT, TOP, RIGHT, BOTTOM = 70, 50, 30, 60
BACKGROUND, GRID, INK = (250, 250, 250), (215, 218, 222), (40, 44, 52)
COLOURS = (
    *((31, 119, 180), (214, 39, 40), (44, 160, 44), (255, 127, 14), (148, 103, 189)),
    *((140, 86, 75), (227, 119, 194), (23, 190, 207), (188, 189, 34)),
)
STEPS = 200


def cumulative_share(
    errors: Float[np.ndarray, " n"], limit: float, steps: int = STEPS
) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " s"]]:
    """Errors from 0 to the limit, and the share of measurements at or below each."""
    places = np.linspace(0, limit, steps + 1)
    return places, np.searchsorted(np.sort(errors), places, side="right") / max(len(errors), 1)


def draw_curves(
    curves: Mapping[str, Float[np.ndarray, " _"]], limit: float, title: str, axis: str
) -> UInt8[np.ndarray, "h w 3"]:
    """Draw one curve per name, with a legend."""
    picture = np.full((HEIGHT, WIDTH, 3), BACKGROUND, dtype=np.uint8)
    draw_text(picture, title, (float(LEFT), TOP / 2), size_px=18, colour=INK)
    draw_text(picture, axis, (WIDTH / 2, HEIGHT - 16.0), size_px=14, colour=INK, anchor="mm")
    for step in range(5):
        share = step / 4
        x, y = _place(share * limit, share, limit)
        cv2.line(picture, (LEFT, y), (WIDTH - RIGHT, y), GRID, 1)
        cv2.line(picture, (x, TOP), (x, HEIGHT - BOTTOM), GRID, 1)
        draw_text(picture, f"{share:.0%}", (LEFT - 8.0, float(y)), size_px=13, colour=INK, anchor="rm")
        draw_text(
            picture, f"{share * limit:.2g}", (float(x), HEIGHT - BOTTOM + 14.0), size_px=13, colour=INK, anchor="mm"
        )
    for index, (name, errors) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        points = [_place(place, share, limit) for place, share in zip(*cumulative_share(errors, limit), strict=True)]
        cv2.polylines(picture, [np.array(points, np.int32)], False, colour, 2, cv2.LINE_AA)
        y = HEIGHT - BOTTOM - 16 - 20 * (len(curves) - 1 - index)
        cv2.line(picture, (WIDTH - 380, y), (WIDTH - 350, y), colour, 2, cv2.LINE_AA)
        draw_text(picture, name, (WIDTH - 340.0, float(y)), size_px=13, colour=INK)
    return picture


def write_curves(
    path: Path, curves: Mapping[str, Float[np.ndarray, " _"]], limit: float, title: str, axis: str
) -> None:
    """Write the drawing as PNG."""
    _, encoded = cv2.imencode(".png", cv2.cvtColor(draw_curves(curves, limit, title, axis), cv2.COLOR_RGB2BGR))
    write_file(path, encoded.tobytes())


def _place(error: float, share: float, limit: float) -> tuple[int, int]:
    across = LEFT + error / limit * (WIDTH - LEFT - RIGHT)
    down = HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    return round(across), round(down)
