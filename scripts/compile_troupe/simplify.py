"""A part to one with fewer vertices: those whose going is seen least go first (Garland and Heckbert 1997).

A vertex goes by sliding onto a neighbour, which keeps its place and its texture coordinates. On a seam of the texture
all that are at one place slide together, along the seam; what is on an open edge stays.
"""

from dataclasses import dataclass

import numpy as np
from avatar import Part
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix

from commedia.geometry.meshes import weld

TURN = 0.5
"""Least cosine between a triangle's normals before and after a vertex slides."""
SEAM_WORTH = 4.0
"""Along a seam the texture shifts a little."""
BATCH = 0.12
"""Share of the vertices that go in one round, before costs are counted anew."""


def simplified(part: Part, vertices: int, worth: Float[np.ndarray, "n"] | None = None) -> Part:
    """Take vertices out until so many are left, or none can go; `worth` multiplies what the loss of each costs."""
    place, count = weld(part.positions)
    positions, dear = np.zeros((count, 3)), np.ones(count)
    positions[place] = part.positions
    if worth is not None:
        dear[place] = worth
    triangles = part.triangles
    quadrics = _quadrics(positions, place[triangles])
    while (left := len(np.unique(triangles))) > vertices:
        slides = _slides(positions, triangles, place, quadrics, dear)
        chosen = _apart(slides, place[triangles], count, min(left - vertices, max(int(BATCH * left), 1)))
        if not len(chosen):
            break
        going = np.full(count, -1)
        going[slides.start[chosen]] = slides.end[chosen]
        np.add.at(quadrics, slides.end[chosen], quadrics[slides.start[chosen]])
        edges = _edges(triangles)
        edges = edges[going[place[edges[:, 0]]] == place[edges[:, 1]]]
        onto = np.arange(len(part.positions))
        onto[edges[:, 0]] = edges[:, 1]
        triangles = onto[triangles]
        lost = (place[triangles] == np.roll(place[triangles], 1, axis=1)).any(axis=1)
        triangles = triangles[~lost]
    return part.with_triangles(triangles)


@dataclass(frozen=True)
class _Slides:
    """For every place that can be left the neighbour to which it is left most cheaply."""

    start: Int[np.ndarray, "k"]
    end: Int[np.ndarray, "k"]
    cost: Float[np.ndarray, "k"]


def _edges(triangles: Int[np.ndarray, "t 3"]) -> Int[np.ndarray, "e 2"]:
    """Both directions of each, once."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    return np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)


def _quadrics(positions: np.ndarray, triangles: np.ndarray) -> Float[np.ndarray, "n 4 4"]:
    """Per vertex the sum over its triangles of area times squared distance from the triangle's plane."""
    corners = positions[triangles]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    twice = np.linalg.norm(cross, axis=1)
    normal = cross / np.maximum(twice, 1e-20)[:, None]
    plane = np.concatenate([normal, -(normal * corners[:, 0]).sum(axis=1, keepdims=True)], axis=1)
    own = (twice / 2)[:, None, None] * plane[:, :, None] * plane[:, None, :]
    quadrics = np.zeros((len(positions), 4, 4))
    for corner in range(3):
        np.add.at(quadrics, triangles[:, corner], own)
    return quadrics


def _on_edge(triangles: Int[np.ndarray, "t 3"], count: int) -> Bool[np.ndarray, "n"]:
    """Places on open edges: those that not exactly two triangles share."""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    _, first, times = np.unique(edges @ np.array([count, 1]), return_index=True, return_counts=True)
    found = np.zeros(count, dtype=bool)
    found[edges[first[times != 2]]] = True
    return found


def _slides(
    positions: np.ndarray, triangles: np.ndarray, place: np.ndarray, quadrics: np.ndarray, dear: np.ndarray
) -> _Slides:
    count = len(positions)
    edges, copies = _edges(triangles), np.bincount(place[np.unique(triangles)], minlength=count)
    pairs, times = np.unique(place[edges], axis=0, return_counts=True)
    joined = csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    # Every copy of a place needs its own neighbour to slide onto; copies have one each if there are as many edges.
    pairs = pairs[(times == copies[pairs[:, 0]]) & ~_on_edge(place[triangles], count)[pairs[:, 0]]]
    common = np.asarray(joined[pairs[:, 0]].multiply(joined[pairs[:, 1]]).sum(axis=1)).reshape(-1)
    pairs = pairs[common == 2]
    pairs = pairs[~_turns_over(positions, place[triangles], pairs)]
    ends = np.concatenate([positions, np.ones((count, 1))], axis=1)[pairs[:, 1]]
    lost = np.einsum("ka,kab,kb->k", ends, quadrics[pairs[:, 0]], ends).clip(min=0)
    length = np.square(positions[pairs[:, 0]] - positions[pairs[:, 1]]).sum(axis=1)
    # On flat ground short edges go first, so that triangles stay round.
    cost = dear[pairs[:, 0]] * (lost + 1e-4 * length**2) * np.where(copies[pairs[:, 0]] > 1, SEAM_WORTH, 1)
    order = np.lexsort((cost, pairs[:, 0]))
    chosen = order[np.unique(pairs[order, 0], return_index=True)[1]]
    return _Slides(pairs[chosen, 0], pairs[chosen, 1], cost[chosen])


def _turns_over(positions: np.ndarray, triangles: np.ndarray, pairs: np.ndarray) -> Bool[np.ndarray, "k"]:
    """Whether a triangle would turn too far when the first vertex of a pair slides onto the second."""
    corner = np.concatenate([triangles, np.roll(triangles, -1, axis=1), np.roll(triangles, 1, axis=1)])
    corner = corner[np.argsort(corner[:, 0], kind="stable")]
    starts = np.searchsorted(corner[:, 0], pairs[:, 0])
    counts = np.searchsorted(corner[:, 0], pairs[:, 0], side="right") - starts
    row = np.repeat(np.arange(len(pairs)), counts)
    own = corner[np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())]
    onto = pairs[row, 1]
    goes = (own[:, 1] == onto) | (own[:, 2] == onto)
    second, third = positions[own[:, 1]], positions[own[:, 2]]
    before = np.cross(second - positions[own[:, 0]], third - positions[own[:, 0]])
    after = np.cross(second - positions[onto], third - positions[onto])
    size = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    bad = ~goes & ((before * after).sum(axis=1) <= TURN * size)
    return np.bincount(row, bad, minlength=len(pairs)) > 0


def _apart(slides: _Slides, triangles: np.ndarray, count: int, most: int) -> Int[np.ndarray, "c"]:
    """The cheapest slides, no two of which touch the same triangle."""
    corner = np.stack([triangles.reshape(-1), np.repeat(np.arange(len(triangles)), 3)], axis=1)
    corner = corner[np.argsort(corner[:, 0], kind="stable")]
    bounds = np.searchsorted(corner[:, 0], np.arange(count + 1))
    touched, chosen = np.zeros(len(triangles), dtype=bool), []
    for one in np.argsort(slides.cost, kind="stable"):
        ends = (slides.start[one], slides.end[one])
        own = np.concatenate([corner[bounds[v] : bounds[v + 1], 1] for v in ends])
        if not touched[own].any():
            touched[own] = True
            chosen.append(one)
            if len(chosen) >= most:
                break
    return np.array(chosen, dtype=np.int64)
