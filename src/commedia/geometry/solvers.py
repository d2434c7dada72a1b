"""Scipy's tree of points and its sparse matrices: no dependency of the live path, and the extra `rig` brings them."""

from typing import Any

import numpy as np
from jaxtyping import Float

from commedia.errors import optional


def search_tree(points: Float[np.ndarray, "n 3"]) -> Any:
    """Make a tree that is asked for the nearest of these points."""
    return optional("scipy.spatial", "making blendshapes", "rig").KDTree(points)


def distances(points: Float[np.ndarray, "n 3"], others: Float[np.ndarray, "m 3"]) -> Float[np.ndarray, "n"]:
    """Measure how far each point is from the nearest of the others."""
    return np.asarray(search_tree(others).query(points)[0]) if len(points) else np.zeros(0)


def sparse(feature: str = "making blendshapes") -> Any:
    """The module of sparse matrices, with those of graphs and solvers as its attributes."""
    for part in ("csgraph", "linalg"):
        optional(f"scipy.sparse.{part}", feature, "rig")
    return optional("scipy.sparse", feature, "rig")
