"""Closest points of a surface, among those facing the same way on the right side. Needs scipy: not for live use."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from commedia.geometry.solvers import search_tree

CANDIDATES = 32
"""Nearest samples of the surface that are looked at exactly; enough for lips that lie on each other."""
MOST_PARTS = 12
"""Parts of a long triangle's side between samples."""
CHUNK = 20_000
"""Points at a time: a few hundred bytes for each of their candidates."""


@dataclass(frozen=True)
class Hits:
    """One point of the surface for each that was asked for."""

    triangle: Int[np.ndarray, "n"]
    """-1 where nothing suits."""
    barycentric: Float[np.ndarray, "n 3"]
    points: Float[np.ndarray, "n 3"]
    distance: Float[np.ndarray, "n"]
    """Infinite where nothing suits."""

    @property
    def found(self) -> Bool[np.ndarray, "n"]:
        return self.triangle >= 0


class ClosestPoints:
    """A surface, made ready to be asked."""

    def __init__(
        self,
        vertices: Float[np.ndarray, "v 3"],
        triangles: Int[np.ndarray, "t 3"],
        spacing: float,
        sides: Int[np.ndarray, "t"] | None = None,
        *,
        candidates: int = CANDIDATES,
    ):
        """Sample the surface at a distance of `spacing`, which is what counts as near.

        At least one triangle, anticlockwise from outside; `sides` n and n + 1 (n even) are a slit's two, 0 is neither.
        """
        self.candidates = candidates
        self.corners = vertices[triangles].astype(np.float64)
        self.sides = np.zeros(len(triangles), dtype=np.int64) if sides is None else sides
        self.normals = triangle_normals(self.corners)
        samples, self._owner = _samples(self.corners, spacing)
        self._tree = search_tree(samples)

    def closest(
        self,
        points: Float[np.ndarray, "n 3"],
        normals: Float[np.ndarray, "n 3"] | None = None,
        *,
        least_cosine: float = -2.0,
        sides: Int[np.ndarray, "n"] | None = None,
    ) -> Hits:
        """Find the closest point for each, on a triangle that turns away from its normal by no more than allowed.

        Without normals triangles are taken whatever way they face; those of the other side of a point's slit never are.
        """
        hits = []
        for start in range(0, max(len(points), 1), CHUNK):
            part = slice(start, start + CHUNK)
            own = None if normals is None else normals[part]
            hits.append(self._closest(points[part], own, least_cosine, None if sides is None else sides[part]))
        return Hits(*(np.concatenate([getattr(hit, name) for hit in hits]) for name in Hits.__dataclass_fields__))

    def _closest(self, points, normals, least_cosine: float, sides) -> Hits:
        count = min(self.candidates, len(self._owner))
        near = self._owner[self._tree.query(points, k=count)[1].reshape(len(points), count)]
        places, barycentric = closest_on_triangles(points[:, None], self.corners[near])
        distance = np.linalg.norm(places - points[:, None], axis=-1)
        suits = np.ones(near.shape, dtype=bool)
        if normals is not None:
            suits &= np.einsum("nkc,nc->nk", self.normals[near], normals) >= least_cosine
        if sides is not None:
            suits &= (sides[:, None] == 0) | (self.sides[near] != sides[:, None] ^ 1)
        distance[~suits] = np.inf
        row, best = np.arange(len(points)), distance.argmin(axis=1)
        shortest = distance[row, best]
        triangle = np.where(np.isfinite(shortest), near[row, best], -1)
        return Hits(triangle, barycentric[row, best], places[row, best], shortest)


def triangle_normals(corners: Float[np.ndarray, "t 3 3"]) -> Float[np.ndarray, "t 3"]:
    """Unit normals; zero where a triangle has no area."""
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)


def closest_on_triangles(
    points: Float[np.ndarray, "n #k 3"], corners: Float[np.ndarray, "n k 3 3"]
) -> tuple[Float[np.ndarray, "n k 3"], Float[np.ndarray, "n k 3"]]:
    """Return the closest point of each triangle and its barycentric weights; degenerate triangles are their edges."""
    first, second = corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :]
    offset = points - corners[..., 0, :]
    a, b, c = (np.einsum("...k,...k->...", *pair) for pair in ((first, first), (first, second), (second, second)))
    d, e = (np.einsum("...k,...k->...", offset, edge) for edge in (first, second))
    area = a * c - b * b
    solid = area > 1e-12 * np.maximum(a * c, 1e-300)
    v = np.where(solid, c * d - b * e, -1.0) / np.where(solid, area, 1.0)
    w = np.where(solid, a * e - b * d, -1.0) / np.where(solid, area, 1.0)
    inside = np.stack([1 - v - w, v, w], axis=-1)
    best = np.where((inside >= 0).all(axis=-1, keepdims=True), inside, np.nan)
    shortest = np.where(np.isnan(best[..., 0]), np.inf, 0.0)
    for start, stop in ((0, 1), (1, 2), (2, 0)):
        edge = corners[..., stop, :] - corners[..., start, :]
        share = np.einsum("...k,...k->...", points - corners[..., start, :], edge)
        share = np.clip(share / np.maximum(np.einsum("...k,...k->...", edge, edge), 1e-300), 0, 1)
        away = np.linalg.norm(points - corners[..., start, :] - share[..., None] * edge, axis=-1)
        weights = np.zeros((*share.shape, 3))
        weights[..., start], weights[..., stop] = 1 - share, share
        nearer = away < shortest
        best[nearer], shortest[nearer] = weights[nearer], away[nearer]
    return np.einsum("nkj,nkjc->nkc", best, corners), best


def _samples(corners: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Points all over the triangles, and whose they are."""
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    parts = np.clip(np.ceil(edges / spacing), 1, MOST_PARTS).astype(np.int64)
    samples, owner = [], []
    for count in np.unique(parts).tolist():
        chosen = np.flatnonzero(parts == count)
        # Centres of the small triangles that a side cut into `count` parts makes.
        grid = [(i + 1 / 3, j + 1 / 3) for i in range(count) for j in range(count - i)]
        grid += [(i + 2 / 3, j + 2 / 3) for i in range(count - 1) for j in range(count - 1 - i)]
        u, v = np.array(grid).T / count
        weights = np.stack([1 - u - v, u, v], axis=1)
        samples.append(np.einsum("gk,tkc->tgc", weights, corners[chosen]).reshape(-1, 3))
        owner.append(np.repeat(chosen, len(weights)))
    return np.concatenate(samples), np.concatenate(owner)
