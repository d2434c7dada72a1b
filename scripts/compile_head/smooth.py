"""Smooth fields on a mesh: what is known stays, the rest follows its neighbours."""

import numpy as np
import scipy.sparse
import scipy.sparse.linalg


def laplacian(triangles: np.ndarray, count: int) -> scipy.sparse.csr_matrix:
    """Return degree minus adjacency of the mesh's edges."""
    ends = np.concatenate([triangles[:, :2], triangles[:, 1:], triangles[:, ::2]])
    ends = np.concatenate([ends, ends[:, ::-1]])
    links = scipy.sparse.coo_matrix((np.ones(len(ends)), ends.T), shape=(count, count)).tocsr()
    links.data[:] = 1
    return scipy.sparse.diags(np.asarray(links.sum(axis=1)).ravel()) - links


def harmonic(triangles: np.ndarray, known: np.ndarray, fields: np.ndarray, *, fading: float = 1e-6) -> np.ndarray:
    """Replace (k, v, 3) where not `known` by the smoothest continuation; `fading` draws it to zero far away."""
    unknown = np.flatnonzero(~known)
    rows = laplacian(triangles, len(known))[unknown]
    right = -(rows[:, np.flatnonzero(known)] @ fields[:, known].transpose(1, 0, 2).reshape(known.sum(), -1))
    matrix = (rows[:, unknown] + fading * scipy.sparse.identity(len(unknown))).tocsc()
    solved = scipy.sparse.linalg.splu(matrix).solve(right)
    found = fields.copy()
    found[:, unknown] = solved.reshape(len(unknown), len(fields), 3).transpose(1, 0, 2)
    return found


def smoothed(triangles: np.ndarray, field: np.ndarray, strength: float) -> np.ndarray:
    """Spread a field (v, 3) over its neighbours, `strength` squared edges far."""
    matrix = scipy.sparse.identity(len(field)) + strength * laplacian(triangles, len(field))
    return scipy.sparse.linalg.splu(matrix.tocsc()).solve(field)


def extension(triangles: np.ndarray, fixed: np.ndarray, still: np.ndarray) -> np.ndarray:
    """Return (v, n): how far each vertex follows each of the `fixed` ones, where `still` ones do not move at all.

    Biharmonic: it leaves the fixed ones and arrives at the still ones without a crease.
    """
    count = len(still)
    bending = (laplacian(triangles, count) @ laplacian(triangles, count)).tocsr()
    free = np.setdiff1d(np.flatnonzero(~still), fixed)
    weights = np.zeros((count, len(fixed)))
    weights[fixed] = np.eye(len(fixed))
    rows = bending[free]
    weights[free] = scipy.sparse.linalg.splu(rows[:, free].tocsc()).solve(-rows[:, fixed].toarray())
    return weights


def near(seeds: np.ndarray, triangles: np.ndarray, edges: int, count: int) -> np.ndarray:
    """Return which vertices are at most some edges away from the seeds."""
    found = np.zeros(count, dtype=bool)
    found[seeds] = True
    for _ in range(edges):
        found[triangles[found[triangles].any(axis=1)]] = True
    return found


def along(x: np.ndarray) -> np.ndarray:
    """Say where on a path from its first place to its last each one is, 0 to 1; x hardly ever turns back."""
    x = np.maximum.accumulate(x) + 1e-5 * np.arange(len(x))
    return (x - x[0]) / (x[-1] - x[0])


def mixing(at: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the matrix of linear interpolation from values at `known` to values `at`."""
    return np.stack([np.interp(at, known, unit) for unit in np.eye(len(known))], axis=1)
