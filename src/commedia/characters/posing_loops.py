"""Vertices and normals of a skin to where its joints take them, as a loop that numba compiles. Checks no index."""

import numpy as np


def skin_vertices(positions, normals, joints, weights, matrices, placed, turned):
    """Fill `placed` and `turned` (v, 3): each vertex by the weighted mean of its joints' matrices (j, 4, 4)."""
    for v in range(len(positions)):
        x, y, z = positions[v, 0], positions[v, 1], positions[v, 2]
        across, up, ahead = normals[v, 0], normals[v, 1], normals[v, 2]
        placed[v], turned[v] = 0, 0
        for n in range(joints.shape[1]):
            weight, joint = weights[v, n], joints[v, n]
            if weight == 0:
                continue
            for k in range(3):
                a, b, c = matrices[joint, k, 0], matrices[joint, k, 1], matrices[joint, k, 2]
                placed[v, k] += weight * (a * x + b * y + c * z + matrices[joint, k, 3])
                turned[v, k] += weight * (a * across + b * up + c * ahead)
        length = np.sqrt(turned[v, 0] ** 2 + turned[v, 1] ** 2 + turned[v, 2] ** 2)
        for k in range(3):
            turned[v, k] /= max(length, np.float32(1e-12))
