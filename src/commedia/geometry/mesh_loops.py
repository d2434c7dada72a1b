"""Triangles to the sum of their normals at each place, as a loop that numba compiles. Checks no index."""


def sum_normals(positions, triangles, place, summed):
    """Add to `summed` (n, 3), at the place of each corner, the triangle's normal as long as twice its area.

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
