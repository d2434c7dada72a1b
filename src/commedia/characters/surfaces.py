"""Smooth normals, shared by vertices that lie on the same spot: a UV seam must not show as a crease."""

import numpy as np
from jaxtyping import Float32, Int32


def weld(positions: Float32[np.ndarray, "v 3"]) -> tuple[Int32[np.ndarray, " v"], int]:
    """Number the distinct places; returns each vertex's place and how many places there are."""
    _, place = np.unique(positions, axis=0, return_inverse=True)
    return place.reshape(-1).astype(np.int32), int(place.max(initial=-1)) + 1


def smooth_normals(
    positions: Float32[np.ndarray, "v 3"],
    triangles: Int32[np.ndarray, "t 3"],
    places: tuple[Int32[np.ndarray, " v"], int] | None = None,
) -> Float32[np.ndarray, "v 3"]:
    """Average the triangles' normals by area at each place; a vertex without triangles gets +z."""
    place, count = weld(positions) if places is None else places
    corners = positions[triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = place[triangles].reshape(-1)
    summed = [np.bincount(flat, np.repeat(face[:, axis], 3), count) for axis in range(3)]
    normals = np.stack(summed, axis=1)[place].astype(np.float32)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    up = np.array([0, 0, 1], dtype=np.float32)
    return np.where(length > 1e-20, normals / np.maximum(length, 1e-20), up)
