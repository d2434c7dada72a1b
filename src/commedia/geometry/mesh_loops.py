"""Triangles to the mean of their normals at each vertex, as a loop that numba compiles. Checks no index."""

import numpy as np


def smooth_normals(positions, triangles, place, summed, normals):
    """Add to `summed` (n, 3), at the place of each corner, the triangle's normal as long as twice its area.

    Then fill `normals` (v, 3) with its direction at the place of each vertex; +z where there is none.

    The same operations in the same order and precision as numpy's in `meshes.smooth_normals`, so the same bits.
    """
    for t in range(len(triangles)):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = (
            positions[j, 0] - positions[i, 0],
            positions[j, 1] - positions[i, 1],
            positions[j, 2] - positions[i, 2],
        )
        vx, vy, vz = (
            positions[k, 0] - positions[i, 0],
            positions[k, 1] - positions[i, 1],
            positions[k, 2] - positions[i, 2],
        )
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in range(3):
            at = place[triangles[t, corner]]
            summed[at, 0] += x
            summed[at, 1] += y
            summed[at, 2] += z
    for v in range(len(normals)):
        at = place[v]
        x, y, z = np.float32(summed[at, 0]), np.float32(summed[at, 1]), np.float32(summed[at, 2])
        length = np.sqrt(x * x + y * y + z * z)
        if length > np.float32(1e-20):
            normals[v, 0], normals[v, 1], normals[v, 2] = x / length, y / length, z / length
        else:
            normals[v, 0], normals[v, 1], normals[v, 2] = 0, 0, 1
