"""The z-buffer as one would explain it: per triangle and pixel, keep the nearest. The oracle of `rasterize.py`."""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from commedia.render.rasterize import EDGE_TOLERANCE, Raster


def rasterize(
    points: Float[Tensor, "b v 3"], triangles: Int64[Tensor, "t 3"], size: tuple[int, int], *, cull: bool = True
) -> Raster:
    """Find the nearest triangle at each pixel centre, as `rasterize.rasterize` does, without gradients."""
    height, width = size
    batch = points.shape[0]
    nearest = np.full((batch, height, width), np.inf)
    seen = np.full((batch, height, width), -1)
    weights = np.zeros((batch, height, width, 3))
    for picture, vertices in enumerate(points.detach().double().cpu().numpy()):
        for number, corners in enumerate(triangles.cpu().numpy()):
            _draw(vertices[corners], number, nearest[picture], seen[picture], weights[picture], cull)
    picture, row, column = np.nonzero(seen >= 0)
    return Raster(
        torch.from_numpy(picture),
        torch.from_numpy(row * width + column),
        torch.from_numpy(seen[picture, row, column]),
        torch.from_numpy(weights[picture, row, column]).to(points.dtype),
    )


def _draw(
    corners: np.ndarray, number: int, nearest: np.ndarray, seen: np.ndarray, weights: np.ndarray, cull: bool
) -> None:
    (x0, y0, _), (x1, y1, _), (x2, y2, _) = corners
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if area >= -1e-12 if cull else abs(area) <= 1e-12:
        return
    for row in range(nearest.shape[0]):
        for column in range(nearest.shape[1]):
            x, y = column + 0.5, row + 0.5
            weight_1 = ((x - x0) * (y2 - y0) - (y - y0) * (x2 - x0)) / area
            weight_2 = ((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / area
            weight = np.array([1 - weight_1 - weight_2, weight_1, weight_2])
            depth = float(weight @ corners[:, 2])
            if weight.min() >= -EDGE_TOLERANCE and depth < nearest[row, column]:
                nearest[row, column], seen[row, column], weights[row, column] = depth, number, weight
