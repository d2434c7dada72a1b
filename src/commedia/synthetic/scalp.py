"""A grid of directions around the skull, bound to the mesh, so that hair and hats fit every identity."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from commedia.face_model.model import PARTS, HeadModel

COLUMNS = 48
"""Azimuths, from the back of the head over its right side, the front and its left side to the back again."""

ELEVATIONS_DEG = np.linspace(90, -55, 30)
"""From the crown down; the forehead's hairline is near 40, the brows near 3, the nape near -45."""

CENTRE = np.array([0.0, 0.015, -0.065], dtype=np.float32)


class ScalpGrid(NamedTuple):
    """For each azimuth and elevation the outermost point of the skin seen from `CENTRE`, as a mixture of vertices."""

    vertices: Int64[np.ndarray, "columns elevations 3"]
    weights: Float[np.ndarray, "columns elevations 3"]

    def on(self, vertices: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, "columns elevations 3"]:
        """Return where the grid is on another head of the same mesh."""
        return np.einsum("cek,cekd->ced", self.weights, vertices[self.vertices]).astype(np.float32)


def azimuths() -> Float[np.ndarray, "columns"]:
    """Radians from the front, positive to the subject's left; the first and last column are both the back."""
    return np.linspace(-np.pi, np.pi, COLUMNS).astype(np.float32)


@lru_cache(maxsize=4)
def scalp_grid(head: HeadModel) -> ScalpGrid:
    """Shoot the rays once; where one leaves through the open neck, the ray above it stands in."""
    triangles = head.model.triangles[head.triangle_part == PARTS.index("skin")]
    corners = head.model.mean[triangles].astype(np.float64) - CENTRE
    # Of a ray, how large a volume it spans with each edge; the edge's corner opposite has that share of the hit.
    edges = np.stack([np.cross(corners[:, k - 2], corners[:, k - 1]) for k in range(3)], 1)
    elevation = np.radians(ELEVATIONS_DEG)
    vertices = np.zeros((COLUMNS, len(elevation), 3), dtype=np.int64)
    weights = np.zeros((COLUMNS, len(elevation), 3), dtype=np.float32)
    for column, azimuth in enumerate(azimuths()):
        for row, angle in enumerate(elevation):
            ray = np.array([np.sin(azimuth) * np.cos(angle), np.sin(angle), np.cos(azimuth) * np.cos(angle)])
            hit = _outermost(corners, edges, ray)
            if hit is None:
                vertices[column, row], weights[column, row] = vertices[column, row - 1], weights[column, row - 1]
            else:
                vertices[column, row], weights[column, row] = triangles[hit[0]], hit[1]
    return ScalpGrid(vertices, weights)


def _outermost(corners: np.ndarray, edges: np.ndarray, ray: np.ndarray) -> tuple[int, np.ndarray] | None:
    volumes = edges @ ray
    total = volumes.sum(-1)
    weights = volumes / np.where(np.abs(total) < 1e-15, np.inf, total)[:, None]
    hit = np.flatnonzero((weights.min(-1) >= -1e-6) & (total != 0))
    distance = np.einsum("tk,tkd,d->t", weights[hit], corners[hit], ray)
    if not (distance > 0).any():
        return None
    best = hit[distance.argmax()]
    return int(best), np.clip(weights[best], 0, 1)
