"""Lashes: four fringes that stand on the lids' front edges and sink with them."""

from functools import cache, lru_cache

import numpy as np
from jaxtyping import Float, Int64

from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import REGIONS, HeadModel

SAMPLES = 11
LASH_COUNT = 4 * SAMPLES * 2
_UPPER_M, _LOWER_M = 0.0085, 0.0035
_OPEN_M = 0.008
"""Between the lids of a resting eye."""
# Rows: left eye's upper and lower lid, right eye's upper and lower lid; each runs from one corner to the other.
_LIDS = (
    ("left_lids", (42, 43, 44, 45)),
    ("left_lids", (42, 47, 46, 45)),
    ("right_lids", (39, 38, 37, 36)),
    ("right_lids", (39, 40, 41, 36)),
)


@cache
def lash_triangles() -> Int64[np.ndarray, "t 3"]:
    """Triangles of the four fringes; a fringe's vertices are its roots, then its tips."""
    root = np.arange(SAMPLES - 1)
    strip = np.concatenate(
        [np.stack([root, root + 1, root + SAMPLES], -1), np.stack([root + 1, root + SAMPLES + 1, root + SAMPLES], -1)]
    )
    return np.concatenate([strip + 2 * SAMPLES * lid for lid in range(4)]).astype(np.int64)


@lru_cache(maxsize=4)
def _roots(head: HeadModel) -> Int64[np.ndarray, "4 n"]:
    """Find the vertices of the lids' front edges: those nearest to a curve through the eye's landmarks."""
    marks = points(load_scheme("ibug68"), head.model.mean)
    found = []
    for region, line in _LIDS:
        lid = np.flatnonzero(head.vertex_region == REGIONS.index(region))
        curve = _curve(marks[list(line)])
        found.append(lid[np.linalg.norm(head.model.mean[lid][None] - curve[:, None], axis=-1).argmin(1)])
    return np.array(found)


def _curve(corners: np.ndarray) -> np.ndarray:
    """Bend a line of four points: a cubic through all of them."""
    at, along = np.linspace(0, 1, 4), np.linspace(0.02, 0.98, SAMPLES)
    return np.stack([np.polyval(np.polyfit(at, axis, 3), along) for axis in corners.T], -1)


def lash_vertices(
    head: HeadModel, vertices: Float[np.ndarray, "v 3"]
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Grow lashes on a moved head, head frame; `extra` is (place along the lid, way from root 0 to tip 1, lower lid).

    An open eye's upper lashes stand forward and up; those of a shut eye lie forward and down over the lower lid.
    """
    edges = vertices[_roots(head)]
    share = np.linspace(0, 1, SAMPLES)
    worn, extra = [], []
    for number, root in enumerate(edges):
        lower, out = number % 2 == 1, 1.0 if number < 2 else -1.0
        other = edges[number - 1 if lower else number + 1]
        opened = np.clip((root[:, 1] - other[:, 1]) / _OPEN_M, 0, 1)[:, None]
        fan = np.stack([out * (share * 1.1 - 0.35), np.zeros(SAMPLES), np.zeros(SAMPLES)], -1)
        rise = np.array([0.0, 1.0, 0.0]) * (-1.1 if lower else 1.2 * opened - 0.75)
        aim = fan + rise + np.array([0, 0, 0.8])
        aim /= np.linalg.norm(aim, axis=1, keepdims=True)
        length = (_LOWER_M if lower else _UPPER_M) * (0.45 + 0.55 * np.sin(np.pi * np.clip(share * 0.8 + 0.15, 0, 1)))
        # Where the lids touch, the fringe comes out between them.
        start = np.where(opened > 0.15, root, np.maximum(root, other * [0, 0, 1] + root * [1, 1, 0]))
        start = start + np.array([0, 0, 0.0005])
        worn += [start, start + aim * length[:, None]]
        extra += [np.stack([share, np.full(SAMPLES, way), np.full(SAMPLES, float(lower))], -1) for way in (0.0, 1.0)]
    return np.concatenate(worn).astype(np.float32), np.concatenate(extra).astype(np.float32)
