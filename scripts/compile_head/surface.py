"""Points on the mesh as three vertices with weights: nearest to a position, or along an edge ring."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SurfacePoint:
    """A mixture of three vertices."""

    vertices: tuple[int, int, int]
    barycentric: tuple[float, float, float]

    def on(self, mesh: np.ndarray) -> np.ndarray:
        """Return its position on a mesh."""
        return np.array(self.barycentric) @ mesh[list(self.vertices)]

    def mirrored(self, mirror: np.ndarray) -> "SurfacePoint":
        """Return the same point on the other side."""
        return SurfacePoint(tuple(int(mirror[v]) for v in self.vertices), self.barycentric)


def at_vertex(vertex: int) -> SurfacePoint:
    """Name a vertex itself."""
    return SurfacePoint((int(vertex),) * 3, (1.0, 0.0, 0.0))


def between(first: int, second: int, share: float) -> SurfacePoint:
    """Name a point on an edge: `share` of the way from first to second."""
    if share <= 0 or share >= 1:
        return at_vertex(first if share <= 0 else second)
    return SurfacePoint((int(first), int(second), int(second)), (round(1 - share, 4), round(share, 4), 0.0))


def nearest(position: np.ndarray, mesh: np.ndarray, triangles: np.ndarray) -> SurfacePoint:
    """Find the surface point closest to a position among some triangles."""
    corners = mesh[triangles]
    weights = _closest_weights(position, corners)
    distance = np.linalg.norm((weights[..., None] * corners).sum(axis=1) - position, axis=1)
    best = int(np.argmin(distance))
    rounded = weights[best].round(4)
    rounded[np.argmax(rounded)] += 1 - rounded.sum()
    return SurfacePoint(tuple(int(v) for v in triangles[best]), tuple(float(w) for w in rounded.round(4)))


def nearest_on_edges(position: np.ndarray, mesh: np.ndarray, edges: np.ndarray) -> SurfacePoint:
    """Find the point closest to a position among some edges."""
    first, second = mesh[edges[:, 0]], mesh[edges[:, 1]]
    along = second - first
    share = (((position - first) * along).sum(1) / np.maximum((along**2).sum(1), 1e-12)).clip(0, 1)
    best = int(np.argmin(np.linalg.norm(first + share[:, None] * along - position, axis=1)))
    return between(*edges[best], share=float(share[best]))


def along_path(path: list[int], mesh: np.ndarray, share: float) -> SurfacePoint:
    """Walk a share of a path's length."""
    steps = np.linalg.norm(np.diff(mesh[path], axis=0), axis=1)
    length = np.concatenate([[0], steps.cumsum()])
    position = share * length[-1]
    segment = int(np.searchsorted(length[1:-1], position, side="right"))
    return between(path[segment], path[segment + 1], float((position - length[segment]) / steps[segment]))


def at_coordinate(path: list[int], mesh: np.ndarray, x: float) -> SurfacePoint:
    """Find where a path that runs sideways reaches a given x."""
    values = mesh[path, 0]
    for first, second in zip(range(len(path) - 1), range(1, len(path)), strict=True):
        low, high = sorted((values[first], values[second]))
        if low <= x <= high and high > low:
            return between(path[first], path[second], float((x - values[first]) / (values[second] - values[first])))
    return at_vertex(path[int(np.argmin(np.abs(values - x)))])


def _closest_weights(point: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentric weights of the closest point in each triangle: the plane's foot if inside, else on an edge."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    area = np.maximum((normal**2).sum(1), 1e-18)
    inner_b = (np.cross(point - a, c - a) * normal).sum(1) / area
    inner_c = (np.cross(b - a, point - a) * normal).sum(1) / area
    weights = np.stack([1 - inner_b - inner_c, inner_b, inner_c], axis=1)
    inside = (weights >= 0).all(axis=1)
    best = np.where(inside, 0.0, np.inf)
    for first, second in ((0, 1), (1, 2), (2, 0)):
        p, q = corners[:, first], corners[:, second]
        share = (((point - p) * (q - p)).sum(1) / np.maximum(((q - p) ** 2).sum(1), 1e-18)).clip(0, 1)
        distance = np.linalg.norm(p + share[:, None] * (q - p) - point, axis=1)
        closer = ~inside & (distance < best)
        best = np.where(closer, distance, best)
        edge = np.zeros_like(weights)
        edge[:, first], edge[:, second] = 1 - share, share
        weights = np.where(closer[:, None], edge, weights)
    return weights
