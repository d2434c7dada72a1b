"""The loops that carry a mesh's values to the pixels that see it. Plain Python that numba compiles; checks no index."""

import numpy as np


def find_shares(owner, points, triangles, pixel, triangle, shares):
    """Fill, of each covered pixel of `owner` (h, w), its number, its triangle and the shares of the corners (n, 3).

    `points` (v, 3) are in pixels.
    """
    count = 0
    for y in range(owner.shape[0]):
        for x in range(owner.shape[1]):
            t = owner[y, x]
            if t < 0:
                continue
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            x0, y0 = points[i, 0] - (x + 0.5), points[i, 1] - (y + 0.5)
            x1, y1 = points[j, 0] - (x + 0.5), points[j, 1] - (y + 0.5)
            x2, y2 = points[k, 0] - (x + 0.5), points[k, 1] - (y + 0.5)
            a, b, c = x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0
            whole = a + b + c
            pixel[count], triangle[count] = y * owner.shape[1] + x, t
            shares[count, 0], shares[count, 1], shares[count, 2] = a / whole, b / whole, c / whole
            count += 1


def mix_values(triangles, values, triangle, shares, mixed):
    """Fill `mixed` (n, c) from the `values` (v, c) of the corners."""
    for n in range(len(triangle)):
        t = triangle[n]
        for m in range(values.shape[1]):
            mixed[n, m] = (
                shares[n, 0] * values[triangles[t, 0], m]
                + shares[n, 1] * values[triangles[t, 1], m]
                + shares[n, 2] * values[triangles[t, 2], m]
            )


def make_unit(vectors, towards_viewer):
    """Give vectors (n, 3) the length 1, and with `towards_viewer` a z that is not negative."""
    for n in range(len(vectors)):
        x, y, z = vectors[n, 0], vectors[n, 1], vectors[n, 2]
        scale = 1 / max(np.sqrt(x * x + y * y + z * z), np.float32(1e-12))
        if towards_viewer and z < 0:
            scale = -scale
        vectors[n, 0], vectors[n, 1], vectors[n, 2] = x * scale, y * scale, z * scale


def most_of(triangles, kinds, triangle, shares, kind):
    """Fill `kind` (n): that of the corners' `kinds` (v) which has the largest share; of equals the lowest."""
    for n in range(len(triangle)):
        best = -1.0
        for corner in range(3):
            own = kinds[triangles[triangle[n], corner]]
            share = 0.0
            for other in range(3):
                if kinds[triangles[triangle[n], other]] == own:
                    share += shares[n, other]
            if share > best or (share == best and own < kind[n]):
                best, kind[n] = share, own


def add_normals(triangles, points, normals):
    """Add to each corner its triangles' normals, each as long as its triangle is large."""
    for t in range(len(triangles)):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1], points[j, 2] - points[i, 2]
        bx, by, bz = points[k, 0] - points[i, 0], points[k, 1] - points[i, 1], points[k, 2] - points[i, 2]
        x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for corner in range(3):
            v = triangles[t, corner]
            normals[v, 0] += x
            normals[v, 1] += y
            normals[v, 2] += z
