"""Let one face make another's expressions: deformation transfer between meshes, triangle by triangle.

Makes the expressions of people we have none of (`scripts/make_multilinear.py`), and of characters that came without. It
runs once per character and needs scipy's sparse solver, which is no dependency of the live path: extra `rig`.

What moves is the triangles' shape and direction, so that a wide mouth smiles wider than a narrow one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Int32

from commedia.errors import CommediaError
from commedia.geometry.solvers import sparse

FLAT = 1e-12
"""Of the mean area: thinner triangles say nothing of direction and are left out."""


class BadCorrespondence(CommediaError):
    """Meshes or triangle pairs that do not fit each other."""


@dataclass(frozen=True)
class _Pairs:
    """Which target triangle takes after which source triangle; the rest keep their shape."""

    target: Int[np.ndarray, "p"]
    source: Int[np.ndarray, "p"]


@dataclass(frozen=True)
class _Pieces:
    """Connected parts of the target, which the gradients place only up to a shift."""

    of_vertex: Int32[np.ndarray, "w"]
    pinned: Int[np.ndarray, "n"]
    """Vertices that stay: the anchors, and one of each piece without any."""
    free: Int[np.ndarray, "m"]
    loose: Int[np.ndarray, "k"]
    """Pieces without anchors."""


@dataclass(frozen=True)
class Guides:
    """Where vertices of the target would rather be; unlike anchors they give way to the triangles' shapes."""

    vertices: Int[np.ndarray, "g"]
    places: Float[np.ndarray, "k g 3"]
    """One per shape, in the target's frame."""
    weights: Float[np.ndarray, "g"]
    """Per squared distance; a triangle's gradient counts 1, so that 1 / edge^2 makes both alike."""


def transfer_deformations(
    source: Float[np.ndarray, "v 3"],
    deformed: Float[np.ndarray, "k v 3"],
    target: Float[np.ndarray, "w 3"],
    triangles: Int32[np.ndarray, "t 3"],
    *,
    target_triangles: Int32[np.ndarray, "u 3"] | None = None,
    correspondence: Int[np.ndarray, "u"] | None = None,
    anchors: Int[np.ndarray, "a"] | None = None,
    guides: Guides | None = None,
) -> Float[np.ndarray, "k w 3"]:
    """Return the target deformed as the source was, once per shape; one factorisation serves all.

    Each target triangle is asked to follow its source triangle's deformation gradient S: minimise the sum of
    |S Q - X(x) R^-1|^2 over the vertices x, where Q R (3 x 2, QR decomposition) are its edges at rest and X(x) its
    edges to be. That is the paper's objective without its fourth vertices: each of those occurs in one triangle only,
    along the normal, where it can be met at no cost, and the Frobenius norm does not change under the rotation [Q n].

    Both meshes are in the same axes, any unit. A target with `target_triangles` of its own needs `correspondence`: for
    each its source triangle, or -1 to keep its shape, such as teeth. It must not join triangles across the lips or the
    lids, or mouth and eyes will not open. `anchors` stay where they are; pieces without any move as far as their source
    does on average, scaled by the meshes' sizes. `guides` pull, in pieces with anchors: others are shifted later.

    Reference: Sumner and Popovic 2004, Eq. 4 to 6.
    """
    surface = triangles if target_triangles is None else target_triangles
    pairs = _paired(source, deformed, target, triangles, surface, correspondence)
    system, plane = _system(target, surface)
    pieces = _pieces(len(target), surface[plane.any(axis=(1, 2))], anchors)
    wanted = _gradients(source, deformed, triangles, pairs, len(surface)) @ plane
    # Rows as in the system: per triangle the two directions of its plane; one column per shape and coordinate.
    right = wanted.transpose(1, 3, 0, 2).reshape(2 * len(surface), -1)
    moved = np.tile(target[:, None].astype(np.float64), (1, len(deformed), 1)).reshape(len(target), -1)
    free, fixed = system[:, pieces.free], system[:, pieces.pinned]
    if len(pieces.free):
        pull, pulled = _pull(guides, len(target), len(deformed))
        matrix = free.T @ free + _sparse().diags(pull[pieces.free])
        wish = free.T @ (right - fixed @ moved[pieces.pinned]) + pulled[pieces.free]
        moved[pieces.free] = _solved(matrix.tocsc(), wish)
    placed = moved.reshape(len(target), len(deformed), 3).transpose(1, 0, 2)
    corners_source, corners = triangles[pairs.source].reshape(-1), surface[pairs.target].reshape(-1)
    scale = _size(target) / _size(source)
    missing = scale * (deformed - source)[:, corners_source] - (placed - target)[:, corners]
    return placed + _shift(pieces, corners, missing)


def _paired(
    source: np.ndarray, deformed: np.ndarray, target: np.ndarray, triangles: np.ndarray, surface: np.ndarray,
    correspondence: np.ndarray | None,
) -> _Pairs:  # fmt: skip
    """Check that everything fits, and list the pairs."""
    if deformed.shape[1:] != source.shape:
        raise BadCorrespondence(
            f"the shapes have {deformed.shape[1]} vertices, expected {len(source)} as their neutral"
        )
    for name, faces, count in (("source", triangles, len(source)), ("target", surface, len(target))):
        if faces.size and not 0 <= faces.min() <= faces.max() < count:
            raise BadCorrespondence(f"a {name} triangle names vertex {faces.max()} of {count}")
    if correspondence is None:
        if surface is not triangles or len(target) != len(source):
            raise BadCorrespondence(
                f"meshes of {len(source)} and {len(target)} vertices need a correspondence of their triangles"
            )
        return _Pairs(np.arange(len(surface)), np.arange(len(triangles)))
    if len(correspondence) != len(surface) or not -1 <= correspondence.min() <= correspondence.max() < len(triangles):
        raise BadCorrespondence(
            f"the correspondence has {len(correspondence)} entries up to {correspondence.max()}, expected one of -1 to "
            f"{len(triangles) - 1} for each of {len(surface)} triangles"
        )
    matched = np.flatnonzero(correspondence >= 0)
    return _Pairs(matched, correspondence[matched])


def _pull(guides: Guides | None, count: int, shapes: int) -> tuple[Float[np.ndarray, "w"], Float[np.ndarray, "w c"]]:
    """Return what guides add to the normal equations: the diagonal, and the right-hand side."""
    weights, wish = np.zeros(count), np.zeros((count, 3 * shapes))
    if guides is not None:
        weights[guides.vertices] = guides.weights
        wish[guides.vertices] = guides.weights[:, None] * guides.places.transpose(1, 0, 2).reshape(-1, 3 * shapes)
    return weights, wish


def _size(vertices: Float[np.ndarray, "v 3"]) -> float:
    return float(np.sqrt(np.square(vertices - vertices.mean(axis=0)).sum(axis=1).mean()))


def _edges(vertices: Float[np.ndarray, "... v 3"], triangles: Int[np.ndarray, "t 3"]) -> Float[np.ndarray, "... t 3 2"]:
    """Return the two edges that leave each triangle's first corner, as columns."""
    corners = vertices.astype(np.float64)[..., triangles, :]
    return np.stack([corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :]], axis=-1)


def _gradients(
    source: np.ndarray, deformed: np.ndarray, triangles: np.ndarray, pairs: _Pairs, count: int
) -> Float[np.ndarray, "k u 3 3"]:
    """Return what each target triangle should do: its partner's affine map, or the identity."""
    used = triangles[pairs.source]
    rest, after = _with_normals(_edges(source, used)), _with_normals(_edges(deformed, used))
    solid = ~_flat(_edges(source, used))
    maps = np.tile(np.eye(3), (len(deformed), count, 1, 1))
    maps[:, pairs.target[solid]] = after[:, solid] @ np.linalg.inv(rest[solid])
    return maps


def _with_normals(edges: Float[np.ndarray, "... t 3 2"]) -> Float[np.ndarray, "... t 3 3"]:
    """Append the normal, as long as the root of twice the area, so that it grows as lengths do."""
    normal = np.cross(edges[..., 0], edges[..., 1])
    twice_area = np.linalg.norm(normal, axis=-1)
    normal = normal / np.sqrt(np.maximum(twice_area, 1e-30))[..., None]
    return np.concatenate([edges, normal[..., None]], axis=-1)


def _flat(edges: Float[np.ndarray, "t 3 2"]) -> np.ndarray:
    area = np.linalg.norm(np.cross(edges[..., 0], edges[..., 1]), axis=-1)
    return area <= FLAT * max(float(area.mean()), 1e-30) if len(area) else np.zeros(0, dtype=bool)


def _system(target: np.ndarray, surface: np.ndarray) -> tuple[Any, Float[np.ndarray, "u 3 2"]]:
    """Return the matrix from vertices to X(x) R^-1, and Q of each triangle; both zero where a triangle is flat."""
    edges = _edges(target, surface)
    solid = ~_flat(edges)
    plane, inverse = np.zeros_like(edges), np.zeros((len(surface), 2, 2))
    plane[solid], upper = np.linalg.qr(edges[solid])
    inverse[solid] = np.linalg.inv(upper)
    # Columns of R^-1 weigh the edges; an edge is a corner minus the first corner.
    weights = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1).transpose(0, 2, 1)
    rows = np.repeat(np.arange(2 * len(surface)), 3)
    columns = np.repeat(surface, 2, axis=0).reshape(-1)
    return _sparse().csc_matrix((weights.reshape(-1), (rows, columns)), shape=(2 * len(surface), len(target))), plane


def _pieces(count: int, solid: Int[np.ndarray, "s 3"], anchors: Int[np.ndarray, "a"] | None) -> _Pieces:
    """Find what hangs together by triangles that have an area."""
    ends = np.concatenate([solid[:, :2], solid[:, 1:]])
    graph = _sparse().coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    pieces, of_vertex = _sparse().csgraph.connected_components(graph, directed=False)
    anchors = np.zeros(0, dtype=np.int64) if anchors is None else np.unique(anchors)
    if len(anchors) and not 0 <= anchors[0] <= anchors[-1] < count:
        raise BadCorrespondence(f"anchor {anchors[-1] if anchors[0] >= 0 else anchors[0]} is no vertex of {count}")
    loose = np.setdiff1d(np.arange(pieces), of_vertex[anchors])
    pinned = np.union1d(anchors, np.unique(of_vertex, return_index=True)[1][loose])
    return _Pieces(of_vertex.astype(np.int32), pinned, np.setdiff1d(np.arange(count), pinned), loose)


def _shift(
    pieces: _Pieces, corners: Int[np.ndarray, "c"], missing: Float[np.ndarray, "k c 3"]
) -> Float[np.ndarray, "k w 3"]:
    """Return the mean displacement that loose pieces still lack, for each vertex."""
    piece = pieces.of_vertex[corners]
    count = int(pieces.of_vertex.max()) + 1
    number = np.bincount(piece, minlength=count)
    sums = np.zeros((len(missing), count, 3))
    for summed, lacking in zip(sums, missing, strict=True):
        np.add.at(summed, piece, lacking)
    means = np.zeros_like(sums)
    chosen = pieces.loose[number[pieces.loose] > 0]
    means[:, chosen] = sums[:, chosen] / number[chosen, None]
    return means[:, pieces.of_vertex]


def _solved(matrix: Any, right: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m n"]:
    """Factor a symmetric positive matrix once, for all columns."""
    factor = _sparse().linalg.splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    return factor.solve(np.ascontiguousarray(right))


def _sparse() -> Any:
    return sparse("deformation transfer")
