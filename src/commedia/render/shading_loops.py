"""The loops around a z-buffer, one after the other: corners to samples, then what it found to light: samples, corners,
textures, light, blending.

Plain Python that numba compiles (`shade_compiled`), kept alone in this file because its cache is thrown away when the
file changes. Does what `shade_numpy` does array by array. Checks no index.

`chosen` (n, 4) is of each sample its row and its column in the z-buffer, then those of its pixel. `mixed` (9, n) is
what its surface looks like there: normal, gloss, linear colour, texture coordinates.
"""

import numpy as np

WRAP = 0.25
"""How far light reaches round past the horizon of the key: the softness of skin."""
LEAST_NARROW = 0.7
"""Cosines below this add nothing to the narrow highlight, and their power is a number so small that it costs time."""


def place_corners(vertices, center_x, center_y, scale, half_width, half_height, placed):
    """Fill `placed` (v, 3) with where vertices are in a picture, as `View.pixels` says in float32.

    Returns the least and greatest x, then y; the least are NaN where a vertex is nowhere.
    """
    center_x, center_y, scale = np.float32(center_x), np.float32(center_y), np.float32(scale)
    half_width, half_height = np.float32(half_width), np.float32(half_height)
    zero, far = np.float32(0), np.float32(np.inf)
    low_x, high_x, low_y, high_y, nowhere = far, -far, far, -far, zero
    for v in range(len(vertices)):
        x = (vertices[v, 0] - center_x) * scale + half_width
        y = (center_y - vertices[v, 1]) * scale + half_height
        z = vertices[v, 2] * scale
        low_x, high_x, low_y, high_y = min(low_x, x), max(high_x, x), min(low_y, y), max(high_y, y)
        nowhere += zero * (x + y + z)
        placed[v, 0], placed[v, 1], placed[v, 2] = x, y, z
    return low_x + nowhere, high_x, low_y + nowhere, high_y


def gather_corners(placed, left, top, normals, look, points, corners):
    """Fill `points` (v, 3) for the z-buffer, and `corners` (v, 11) for what is mixed, of a picture's part from (left,
    top) on."""
    left, top = np.float32(left), np.float32(top)
    for v in range(len(placed)):
        x, y = placed[v, 0] - left, placed[v, 1] - top
        points[v, 0], points[v, 1], points[v, 2] = x, y, placed[v, 2]
        corners[v, 0], corners[v, 1] = x, y
        for k in range(3):
            corners[v, 2 + k] = normals[v, k]
        for k in range(6):
            corners[v, 5 + k] = look[v, k]


def choose_samples(owner, level, fold, surface_of, samples, chosen, weights):
    """Fill `chosen` and `weights`, how much of its pixel each stands for; returns how many there are.

    A pixel has `samples` x `samples` of them, 1 or 4. Where all lie on one surface, without a `fold` in levels between
    the nearest and the farthest, one stands for its pixel.
    """
    count, nothing, beside = 0, 2**31 - 1, samples - 1
    height, width = owner.shape[0] // samples, owner.shape[1] // samples
    whole, part = np.float32(1), np.float32(1 / samples**2)
    for y in range(height):
        top, bottom = y * samples, y * samples + beside
        for x in range(width):
            left, right = x * samples, x * samples + beside
            a, b, c, d = level[top, left], level[top, right], level[bottom, left], level[bottom, right]
            low, high = min(min(a, b), min(c, d)), max(max(a, b), max(c, d))
            if low == nothing:
                continue
            alike = high - low < fold and high != nothing
            if alike:
                surface = surface_of[owner[top, left]]
                alike = (
                    surface_of[owner[top, right]] == surface
                    and surface_of[owner[bottom, left]] == surface
                    and surface_of[owner[bottom, right]] == surface
                )
            if alike:
                chosen[count, 0], chosen[count, 1], chosen[count, 2], chosen[count, 3] = top, left, y, x
                weights[count] = whole
                count += 1
                continue
            for row in range(top, top + samples):
                for column in range(left, left + samples):
                    if owner[row, column] >= 0:
                        chosen[count, 0], chosen[count, 1], chosen[count, 2], chosen[count, 3] = row, column, y, x
                        weights[count] = part
                        count += 1
    return count


def mix_corners(owner, triangles, corners, chosen, mixed):
    """Fill `mixed` from what `corners` (v, 11) have: place in samples, then what is mixed."""
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    for n in range(mixed.shape[1]):
        row, column = chosen[n, 0], chosen[n, 1]
        t = owner[row, column]
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        here_x, here_y = np.float32(column) + half, np.float32(row) + half
        x0, y0 = corners[i, 0] - here_x, corners[i, 1] - here_y
        x1, y1 = corners[j, 0] - here_x, corners[j, 1] - here_y
        x2, y2 = corners[k, 0] - here_x, corners[k, 1] - here_y
        a, b, c = x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0
        inverse = one / (a + b + c)
        a, b = min(max(a * inverse, zero), one), min(max(b * inverse, zero), one)
        c = min(max(one - a - b, zero), one)
        for m in range(9):
            mixed[m, n] = a * corners[i, m + 2] + b * corners[j, m + 2] + c * corners[k, m + 2]


def read_textures(owner, surface_of, texels, textures, decoded, chosen, mixed):
    """Multiply the colours by the textures: `decoded` is sRGB bytes as linear colour."""
    one, half = np.float32(1), np.float32(0.5)
    for n in range(mixed.shape[1]):
        surface = surface_of[owner[chosen[n, 0], chosen[n, 1]]]
        start, height, width = textures[surface, 0], textures[surface, 1], textures[surface, 2]
        u, v = mixed[7, n], mixed[8, n]
        if start < 0 or not (np.isfinite(u) and np.isfinite(v)):
            continue
        u = (u - np.floor(u)) * np.float32(width) - half
        v = (v - np.floor(v)) * np.float32(height) - half
        west, north = np.floor(u), np.floor(v)
        left, top, u, v = int(west), int(north), u - west, v - north
        # A texture repeats beyond its edges.
        right, bottom = left + 1 if left + 1 < width else 0, top + 1 if top + 1 < height else 0
        left, top = left if left >= 0 else width - 1, top if top >= 0 else height - 1
        p, q = np.uintp(start + top * width + left), np.uintp(start + top * width + right)
        r, s = np.uintp(start + bottom * width + left), np.uintp(start + bottom * width + right)
        part_p, part_q, part_r, part_s = (one - u) * (one - v), u * (one - v), (one - u) * v, u * v
        for m in range(3):
            blended = part_p * texels[p, m] + part_q * texels[q, m] + part_r * texels[r, m] + part_s * texels[s, m]
            mixed[4 + m, n] *= decoded[np.uint8(blended + half)]


def light_samples(lights, mixed):
    """Turn the colours into the light that comes from them; `lights` (8, 3) are those of `light.lights`."""
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    wrap, wrapped = np.float32(WRAP), np.float32(1 / (1 + WRAP))
    for n in range(mixed.shape[1]):
        x, y, z = mixed[0, n], mixed[1, n], mixed[2, n]
        # A surface seen from behind is lit as if it faced the viewer.
        scale = (-one if z < 0 else one) / np.sqrt(max(x * x + y * y + z * z, np.float32(1e-30)))
        x, y, z = x * scale, y * scale, z * scale
        key = max((x * lights[0, 0] + y * lights[0, 1] + z * lights[0, 2] + wrap) * wrapped, zero)
        fill = max(x * lights[1, 0] + y * lights[1, 1] + z * lights[1, 2], zero)
        wide = min(max(x * lights[2, 0] + y * lights[2, 1] + z * lights[2, 2], zero), one)
        narrow = max(wide, np.float32(LEAST_NARROW))
        key, sky, ground, rim = key * key, half + half * y, half - half * y, max(one - z, zero)
        rim *= rim * rim * max(np.float32(0.35) + np.float32(0.65) * y, zero)
        wide *= wide
        wide *= wide
        wide *= wide
        wide *= wide  # its 16th power
        narrow_4 = narrow * narrow * narrow * narrow
        narrow_16 = narrow_4 * narrow_4 * narrow_4 * narrow_4
        narrow_80 = narrow_16 * narrow_16 * narrow_16 * narrow_16 * narrow_16
        gloss, narrow = mixed[3, n], narrow_4 * narrow_16 * narrow_80 * narrow_80  # its 180th power
        shine = np.float32(0.12) * gloss * wide + np.float32(1.1) * gloss * gloss * gloss * narrow
        for m in range(3):
            lit = key * lights[3, m] + fill * lights[4, m] + sky * lights[5, m] + ground * lights[6, m]
            mixed[4 + m, n] = mixed[4 + m, n] * (lit + rim * lights[7, m]) + shine


def blend_samples(chosen, weights, mixed, encoded, opacity, picture):
    """Lay the samples over `picture` (h, w, 3): `encoded` is light of 0 to 2 as sRGB to 255."""
    zero, one, half, white = np.float32(0), np.float32(1), np.float32(0.5), np.float32(255)
    last, to_entry = len(encoded) - 1, np.float32((len(encoded) - 1) / 2)
    n, count, opacity = 0, mixed.shape[1], np.float32(opacity)
    # Limited as integers: what is no number must not lead out of the table.
    while n < count:
        y, x, keep, red, green, blue = chosen[n, 2], chosen[n, 3], one, zero, zero, zero
        while n < count and chosen[n, 3] == x and chosen[n, 2] == y:
            share = opacity * weights[n]
            red += share * encoded[min(max(int(mixed[4, n] * to_entry), 0), last)]
            green += share * encoded[min(max(int(mixed[5, n] * to_entry), 0), last)]
            blue += share * encoded[min(max(int(mixed[6, n] * to_entry), 0), last)]
            keep -= share
            n += 1
        picture[y, x, 0] = np.uint8(min(picture[y, x, 0] * keep + red + half, white))
        picture[y, x, 1] = np.uint8(min(picture[y, x, 1] * keep + green + half, white))
        picture[y, x, 2] = np.uint8(min(picture[y, x, 2] * keep + blue + half, white))
