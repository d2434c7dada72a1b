"""Surfaces made of triangles: which vertices are one place, which way the surface faces there, and how large it is."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int, Int32

from commedia.geometry import mesh_loops
from commedia.geometry.compiled import compiled


def weld(positions: Float[np.ndarray, "v 3"]) -> tuple[Int32[np.ndarray, " v"], int]:
    """Number the distinct places; returns each vertex's place and how many places there are."""
    _, place = np.unique(positions, axis=0, return_inverse=True)
    return place.reshape(-1).astype(np.int32), int(place.max(initial=-1)) + 1


def smooth_normals(
    positions: Float[np.ndarray, "v 3"],
    triangles: Int[np.ndarray, "t 3"],
    places: tuple[Int32[np.ndarray, " v"], int] | None = None,
) -> Float32[np.ndarray, "v 3"]:
    """Average the triangles' normals by area; unit length, +z where there is no area.

    `places` is what `weld` says: a UV seam must not show as a crease. Without it every vertex stands alone.
    """
    place, count = (np.arange(len(positions), dtype=np.int32), len(positions)) if places is None else places
    summed = np.zeros((count, 3))
    if positions.dtype == np.float32 and triangles.dtype == np.int32 and (loop := _compiled_normals()) is not None:
        require_corners(triangles, len(positions))
        normals = np.zeros(positions.shape, dtype=np.float32)
        loop(*map(np.ascontiguousarray, (positions, triangles, place.astype(np.int32, copy=False))), summed, normals)
        return normals
    corners = positions[triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = place[triangles].reshape(-1)
    for axis in range(3):
        summed[:, axis] = np.bincount(flat, np.repeat(face[:, axis], 3), count)
    normals = summed[place].astype(np.float32)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    ahead = np.array([0, 0, 1], dtype=np.float32)
    return np.where(length > 1e-20, normals / np.maximum(length, 1e-20), ahead)


@lru_cache(maxsize=1)
def _compiled_normals() -> Callable[..., Any] | None:
    vertices = "float32[:, ::1]"
    signature = f"void({vertices}, int32[:, ::1], int32[::1], float64[:, ::1], {vertices})"
    return compiled(mesh_loops.smooth_normals, signature)


def require_corners(triangles: Int[np.ndarray, "t 3"], count: int) -> None:
    """Raise `IndexError` where triangles name a vertex that is not among so many: compiled loops check no index."""
    # As a number without a sign a negative one is too large.
    if len(triangles) and triangles.view(f"u{triangles.itemsize}").max() >= count:
        raise IndexError(f"triangles name corners {triangles.min()} to {triangles.max()} of {count} vertices")


def triangle_areas(corners: Float[np.ndarray, "t 3 3"]) -> Float[np.ndarray, "t"]:
    """Return the area of each triangle."""
    return np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
