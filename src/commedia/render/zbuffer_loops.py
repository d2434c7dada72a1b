"""The loop of the compiled z-buffer: triangles to the nearest one of each pixel.

Plain Python that numba compiles (`rasterize_compiled`), kept alone in this file because its cache is thrown away when
the file changes. Compiled code checks no index: whoever calls gives arrays of the sizes that the loop expects.
"""

import numpy as np

ON_EDGE_PX = 1e-6
"""Pixel centres this close to an edge count as inside, so that rounding cannot open a crack between neighbours."""
LEVEL = 1e-14
"""An edge whose barycentric weight changes less than this per pixel of a row does not cross the row."""
BLOCK = 8
"""Pixels along the side of a block, of which the farthest is known when what faces away is drawn."""
BEYOND_PX = 1e-5
"""Pixels of a triangle lie no farther outside of it than this, rounding included."""


def fill_nearest(
    points, triangles, cull_back, nearest, levels_per_z, surface_of, paint, texels, textures, cutoffs, level, owner
):
    """Find the nearest solid triangle of each pixel, of equally deep ones the one with the lower index.

    Changes level (h, w), the distance from `nearest` in steps, and owner (h, w). A surface (`surface_of` (t) names it)
    with a cutoff of 0 and more has holes where its texture's alpha is lower; columns 4 and 5 of `paint` (v, 6) are its
    texture coordinates, `textures` (s, 3) says where in `texels` (n, 4) a texture begins, its height and its width.
    """
    deepest, height, width = 2**31 - 2, level.shape[0], level.shape[1]
    farthest = np.zeros(((height + BLOCK - 1) // BLOCK, (width + BLOCK - 1) // BLOCK), dtype=np.int32)
    edge = float(width)
    firsts, lasts, starts = np.zeros(height + 4, np.int32), np.zeros(height + 4, np.int32), np.zeros(height + 4)
    # What faces the viewer comes first: nearly all that does not lies behind it, which whole blocks of pixels tell.
    for faces_away in range(1 if cull_back else 2):
        if faces_away:
            for y in range(height):
                for x in range(width):
                    farthest[y // BLOCK, x // BLOCK] = max(farthest[y // BLOCK, x // BLOCK], level[y, x])
        for t in range(len(triangles)):
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            x0, y0, z0 = points[i, 0], points[i, 1], points[i, 2]
            x1, y1, z1 = points[j, 0], points[j, 1], points[j, 2]
            x2, y2, z2 = points[k, 0], points[k, 1], points[k, 2]
            c0, c1, c2 = x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0
            area = c0 + c1 + c2
            facing = area > 1e-12 if faces_away else area < -1e-12
            if not (facing and np.isfinite(area) and np.isfinite(z0 + z1 + z2)):
                continue
            # Limited as numbers and once more as integers: nothing, not even NaN, may lead out of the arrays.
            top = int(min(max(np.ceil(min(y0, y1, y2) - 0.5 - ON_EDGE_PX), 0.0), height))
            bottom = int(min(max(np.floor(max(y0, y1, y2) - 0.5 + ON_EDGE_PX) + 1, 0.0), height))
            if top >= bottom:
                continue
            # The corners' weights a x + b y + c: where one is zero, a row enters or leaves the triangle.
            one = 1 / area
            a0, a1, a2 = (y1 - y2) * one, (y2 - y0) * one, (y0 - y1) * one
            b0, b1, b2 = (x2 - x1) * one, (x0 - x2) * one, (x1 - x0) * one
            depth_a, depth_b = a0 * z0 + a1 * z1 + a2 * z2, b0 * z0 + b1 * z1 + b2 * z2
            if faces_away:
                west = int(min(max(np.ceil(min(x0, x1, x2) - 0.5 - ON_EDGE_PX), 0.0), width))
                east = int(min(max(np.floor(max(x0, x1, x2) - 0.5 + ON_EDGE_PX) + 1, 0.0), width))
                beyond = (abs(depth_a) + abs(depth_b)) * BEYOND_PX
                front = (nearest - max(z0, z1, z2) - beyond) * levels_per_z - 2
                hidden = True
                for row in range(top // BLOCK, (bottom - 1) // BLOCK + 1):
                    for column in range(west // BLOCK, (east - 1) // BLOCK + 1):
                        hidden = hidden and farthest[row, column] < front
                if hidden:
                    continue
            c0, c1, c2 = c0 * one, c1 * one, c2 * one
            # From the left come edges whose weight rises, from the right those whose weight falls.
            slope0, offset0 = (b0, c0) if abs(a0) < LEVEL else (-b0 / a0, -c0 / a0)
            slope1, offset1 = (b1, c1) if abs(a1) < LEVEL else (-b1 / a1, -c1 / a1)
            slope2, offset2 = (b2, c2) if abs(a2) < LEVEL else (-b2 / a2, -c2 / a2)
            left0, right0 = offset0 if a0 >= LEVEL else -np.inf, offset0 if a0 <= -LEVEL else np.inf
            left1, right1 = offset1 if a1 >= LEVEL else -np.inf, offset1 if a1 <= -LEVEL else np.inf
            left2, right2 = offset2 if a2 >= LEVEL else -np.inf, offset2 if a2 <= -LEVEL else np.inf
            depth_c = c0 * z0 + c1 * z1 + c2 * z2
            depth_step = -depth_a * levels_per_z
            surface = surface_of[t]
            cutoff = cutoffs[surface]
            level0, level1, level2 = abs(a0) < LEVEL, abs(a1) < LEVEL, abs(a2) < LEVEL
            # First of all rows where they enter and leave it: without a branch, in fours, which go at once.
            for n in range((bottom - top + 3) // 4 * 4):
                row = top + n + 0.5
                along0, along1, along2 = slope0 * row, slope1 * row, slope2 * row
                left = max(along0 + left0, along1 + left1, along2 + left2)
                right = min(along0 + right0, along1 + right1, along2 + right2)
                beside = (
                    (level0 & (along0 + offset0 < -ON_EDGE_PX))
                    | (level1 & (along1 + offset1 < -ON_EDGE_PX))
                    | (level2 & (along2 + offset2 < -ON_EDGE_PX))
                )
                left = min(max(np.ceil(left - 0.5 - ON_EDGE_PX), 0.0), edge)
                right = min(max(np.floor(right - 0.5 + ON_EDGE_PX), -1.0), edge - 1)
                firsts[n], lasts[n] = np.int32(left), np.int32(-1.0 if beside else right)
                starts[n] = (nearest - depth_b * row - depth_c) * levels_per_z + 0.5 * depth_step
            for y in range(top, bottom):
                first, last, start = max(firsts[y - top], 0), min(lasts[y - top], width - 1), starts[y - top]
                for x in range(first, last + 1):
                    depth = int(min(max(start + depth_step * x, 0.0), deepest))
                    if depth > level[y, x] or (depth == level[y, x] and t > owner[y, x]):
                        continue
                    if cutoff >= 0:
                        share0 = min(max(a0 * (x + 0.5) + b0 * (y + 0.5) + c0, 0.0), 1.0)
                        share1 = min(max(a1 * (x + 0.5) + b1 * (y + 0.5) + c1, 0.0), 1.0)
                        share2 = min(max(1 - share0 - share1, 0.0), 1.0)
                        u = share0 * paint[i, 4] + share1 * paint[j, 4] + share2 * paint[k, 4]
                        v = share0 * paint[i, 5] + share1 * paint[j, 5] + share2 * paint[k, 5]
                        if not (np.isfinite(u) and np.isfinite(v)):
                            continue
                        begin, texel_rows, texel_columns = (
                            textures[surface, 0],
                            textures[surface, 1],
                            textures[surface, 2],
                        )
                        u, v = (u - np.floor(u)) * texel_columns - 0.5, (v - np.floor(v)) * texel_rows - 0.5
                        west, north = int(np.floor(u)), int(np.floor(v))
                        u, v = u - west, v - north
                        # A texture repeats beyond its edges.
                        east, south = (
                            west + 1 if west + 1 < texel_columns else 0,
                            north + 1 if north + 1 < texel_rows else 0,
                        )
                        west, north = west if west >= 0 else texel_columns - 1, north if north >= 0 else texel_rows - 1
                        upper, lower = begin + north * texel_columns, begin + south * texel_columns
                        alpha = (1 - v) * ((1 - u) * texels[upper + west, 3] + u * texels[upper + east, 3])
                        alpha += v * ((1 - u) * texels[lower + west, 3] + u * texels[lower + east, 3])
                        if int(alpha + 0.5) < cutoff * 255:
                            continue
                    level[y, x], owner[y, x] = depth, t
