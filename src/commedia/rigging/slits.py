"""A vertex's side of a slit between lips or lids, along the surface: through the air lips are a millimetre apart."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from commedia.geometry.solvers import sparse

REACH_M = 0.012
"""How far from the seeds skin has a side; what lies behind a slit has one however deep."""
UNDECIDED_M = 0.0025
"""Where both sides are as near as this, as at the corners, there is none."""


@dataclass(frozen=True)
class Slit:
    """Numbers of iBUG-68 points along both sides, and the region behind."""

    above: tuple[int, ...]
    below: tuple[int, ...]
    behind: str


def sides_from_seeds(
    vertices: Float[np.ndarray, "v 3"],
    triangles: Int[np.ndarray, "t 3"],
    above: Int[np.ndarray, "a"],
    below: Int[np.ndarray, "b"],
    inside: Bool[np.ndarray, "v"],
) -> Int[np.ndarray, "v"]:
    """Return 1 above, 2 below, 0 elsewhere: the side whose seeds are nearer along the surface, metres.

    Neighbouring triangles must share vertices; `inside` is what lies behind the slit.
    """
    if not len(above) or not len(below):
        return np.zeros(len(vertices), dtype=np.int64)
    up, down = (_distances(vertices, triangles, seeds) for seeds in (above, below))
    nearest = np.minimum(up, down)
    # Where only one side can be reached at all it is clear which.
    decided = np.isfinite(nearest) & (np.maximum(up, down) - np.where(np.isfinite(nearest), nearest, 0) > UNDECIDED_M)
    decided &= inside | (nearest < REACH_M)
    return np.where(decided, np.where(up < down, 1, 2), 0).astype(np.int64)


def side_of_triangle(sides: Int[np.ndarray, "v"], triangles: Int[np.ndarray, "t 3"]) -> Int[np.ndarray, "t"]:
    """Return the side of a triangle's corners; 0 where two of them disagree, as where lips are sealed."""
    corners = sides[triangles]
    highest = corners.max(axis=1)
    agree = ((corners == 0) | (corners == highest[:, None])).all(axis=1)
    return np.where(agree, highest, 0).astype(np.int64)


def edge_graph(vertices: Float[np.ndarray, "v 3"], triangles: Int[np.ndarray, "t 3"]) -> Any:
    """Return the sparse matrix of edge lengths."""
    edges = np.sort(np.concatenate([triangles[:, :2], triangles[:, 1:], triangles[:, ::2]]), axis=1)
    edges = np.unique(edges, axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    length = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    return sparse().coo_matrix((np.maximum(length, 1e-12), edges.T), shape=(len(vertices), len(vertices))).tocsr()


def _distances(vertices: np.ndarray, triangles: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    graph = edge_graph(vertices, triangles)
    return sparse().csgraph.dijkstra(graph, directed=False, indices=np.unique(seeds), min_only=True)
