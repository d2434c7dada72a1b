"""The two loops of the compiled z-buffer: triangles to planes, planes to the nearest triangle of each pixel.

Plain Python that numba compiles (`rasterize_compiled`), kept alone in this file because its cache is thrown away when
the file changes. Compiled code checks no index: whoever calls gives arrays of the sizes that the loops expect.
"""

import numpy as np

ON_EDGE_PX = 1e-6
"""Pixel centres this close to an edge count as inside, so that rounding cannot open a crack between neighbours."""
LEVEL = 1e-14
"""An edge whose barycentric weight changes less than this per pixel of a row does not cross the row."""


def find_planes(corners, cull_back, height, planes, depth_planes, rows):
    """Fill per triangle: weights (t, 3, 3), depth (t, 3), first row and the one after the last (t, 2); return z's ends.

    Weights and depth are functions a x + b y + c of pixels. Triangles that are not drawn get NaN and no rows.
    """
    nearest, farthest = -np.inf, np.inf
    for t in range(len(corners)):
        (x0, y0, z0), (x1, y1, z1), (x2, y2, z2) = corners[t, 0], corners[t, 1], corners[t, 2]
        c0, c1, c2 = x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0
        area = c0 + c1 + c2
        facing = area < -1e-12 if cull_back else abs(area) > 1e-12
        rows[t] = 0
        if not (facing and np.isfinite(area) and np.isfinite(z0 + z1 + z2)):
            planes[t] = np.nan
            continue
        planes[t, 0, 0], planes[t, 0, 1], planes[t, 0, 2] = (y1 - y2) / area, (x2 - x1) / area, c0 / area
        planes[t, 1, 0], planes[t, 1, 1], planes[t, 1, 2] = (y2 - y0) / area, (x0 - x2) / area, c1 / area
        planes[t, 2, 0], planes[t, 2, 1], planes[t, 2, 2] = (y0 - y1) / area, (x1 - x0) / area, c2 / area
        for k in range(3):
            depth_planes[t, k] = planes[t, 0, k] * z0 + planes[t, 1, k] * z1 + planes[t, 2, k] * z2
        rows[t, 0] = int(min(max(np.ceil(min(y0, y1, y2) - 0.5 - ON_EDGE_PX), 0.0), height))
        rows[t, 1] = int(min(max(np.floor(max(y0, y1, y2) - 0.5 + ON_EDGE_PX) + 1, 0.0), height))
        if rows[t, 0] < rows[t, 1]:
            nearest, farthest = max(nearest, z0, z1, z2), min(farthest, z0, z1, z2)
    return nearest, farthest


def fill_nearest(planes, depth_planes, rows, nearest, levels_per_z, open_columns, passed, level, owner):
    """Find the nearest triangle of each pixel, of equally deep ones the one with the lower index.

    Changes level (h, w), the distance from `nearest` in steps, and owner (h, w). Of each row the columns from
    `open_columns` (h, 2), last one exclusive, are looked at. `passed` (h, w, 2), level and triangle at which a pixel's
    search begins, exclusive, may have no rows: then all begin at the viewer.
    """
    deepest, anew = 2**31 - 2, len(passed) == 0
    for t in range(len(planes)):
        depth_step = -depth_planes[t, 0] * levels_per_z
        for y in range(rows[t, 0], rows[t, 1]):
            if open_columns[y, 0] >= open_columns[y, 1]:
                continue
            left, right = -np.inf, np.inf
            for k in range(3):
                a, rest = planes[t, k, 0], planes[t, k, 1] * (y + 0.5) + planes[t, k, 2]
                if a >= LEVEL:
                    left = max(left, -rest / a)
                elif a <= -LEVEL:
                    right = min(right, -rest / a)
                elif rest < -ON_EDGE_PX:
                    right = -np.inf
            # Limited once more as integers: nothing, not even NaN, may lead out of the arrays.
            first = max(int(np.ceil(min(max(left - 0.5 - ON_EDGE_PX, 0.0), 1e9))), open_columns[y, 0])
            last = min(int(np.floor(min(max(right - 0.5 + ON_EDGE_PX, -1.0), 1e9))), open_columns[y, 1] - 1)
            start = (nearest - depth_planes[t, 1] * (y + 0.5) - depth_planes[t, 2]) * levels_per_z + 0.5 * depth_step
            for x in range(first, last + 1):
                depth = int(min(max(start + depth_step * x, 0.0), deepest))
                if depth < level[y, x] and (
                    anew or depth > passed[y, x, 0] or (depth == passed[y, x, 0] and t > passed[y, x, 1])
                ):
                    level[y, x], owner[y, x] = depth, t
