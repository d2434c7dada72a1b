"""The loop that lights what a z-buffer found: barycentric weights, texture, light and blending, pixel by pixel.

Plain Python that numba compiles (`shade_compiled`), kept alone in this file because its cache is thrown away when the
file changes. Does what `shade_numpy` does array by array. Checks no index.
"""

import numpy as np


def shade_pixels(
    owner, level, step, triangles, surface_of, corners, texels, textures, light, decoded, encoded,
    samples, smooth_step, opacity, picture,
):  # fmt: skip
    """Blend the lit surfaces into `picture` (h, w, 3), whose pixels have `samples` x `samples` entries in `owner`.

    `level` * `step` is a sample's distance; within one surface without a fold (`smooth_step`) one sample stands for its
    pixel. `corners` (v, 11): place in samples, normal, gloss, linear colour, texture coordinates. `light` (n, n, 5) is
    light by the normal's y and x; `decoded` sRGB bytes as linear colour; `encoded` light of 0 to 2 as sRGB to 255.
    """
    one, half, white = np.float32(1), np.float32(0.5), np.float32(255)
    table, last = light.shape[0] - 1, len(encoded) - 1
    whole, part = np.float32(opacity), np.float32(opacity / (samples * samples))
    to_cell, to_entry = np.float32(table / 2), np.float32(last / 2)
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            covered, alike, surface = 0, True, np.int32(-1)
            low, high = level[y * samples, x * samples], level[y * samples, x * samples]
            for row in range(y * samples, (y + 1) * samples):
                for column in range(x * samples, (x + 1) * samples):
                    t = owner[row, column]
                    if t >= 0:
                        alike = alike and (covered == 0 or surface_of[t] == surface)
                        surface = surface_of[t]
                        covered += 1
                        low, high = min(low, level[row, column]), max(high, level[row, column])
            if covered == 0:
                continue
            alike = alike and covered == samples * samples and (high - low) * step < smooth_step
            red, green, blue = np.float32(0), np.float32(0), np.float32(0)
            looked_at = 1 if alike else samples
            for row in range(y * samples, y * samples + looked_at):
                for column in range(x * samples, x * samples + looked_at):
                    t = owner[row, column]
                    if t < 0:
                        continue
                    surface, i, j, k = surface_of[t], triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    here_x, here_y = np.float32(column) + half, np.float32(row) + half
                    x0, y0 = corners[i, 0] - here_x, corners[i, 1] - here_y
                    x1, y1 = corners[j, 0] - here_x, corners[j, 1] - here_y
                    x2, y2 = corners[k, 0] - here_x, corners[k, 1] - here_y
                    a, b, c = x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0
                    inverse = one / (a + b + c)
                    a, b = a * inverse, b * inverse
                    a, b = min(max(a, np.float32(0)), one), min(max(b, np.float32(0)), one)
                    c = min(max(one - a - b, np.float32(0)), one)
                    across = a * corners[i, 2] + b * corners[j, 2] + c * corners[k, 2]
                    down = a * corners[i, 3] + b * corners[j, 3] + c * corners[k, 3]
                    ahead = a * corners[i, 4] + b * corners[j, 4] + c * corners[k, 4]
                    # A surface seen from behind is lit as if it faced the viewer.
                    scale = (-one if ahead < 0 else one) / np.sqrt(
                        max(across * across + down * down + ahead * ahead, np.float32(1e-30))
                    )
                    cell_x = min(max(int((across * scale + one) * to_cell + half), 0), table)
                    cell_y = min(max(int((down * scale + one) * to_cell + half), 0), table)
                    gloss = a * corners[i, 5] + b * corners[j, 5] + c * corners[k, 5]
                    albedo_r = a * corners[i, 6] + b * corners[j, 6] + c * corners[k, 6]
                    albedo_g = a * corners[i, 7] + b * corners[j, 7] + c * corners[k, 7]
                    albedo_b = a * corners[i, 8] + b * corners[j, 8] + c * corners[k, 8]
                    u = a * corners[i, 9] + b * corners[j, 9] + c * corners[k, 9]
                    v = a * corners[i, 10] + b * corners[j, 10] + c * corners[k, 10]
                    start, height, width = textures[surface, 0], textures[surface, 1], textures[surface, 2]
                    if start >= 0 and np.isfinite(u) and np.isfinite(v):
                        u = (u - np.floor(u)) * np.float32(width) - half
                        v = (v - np.floor(v)) * np.float32(height) - half
                        left, top = int(np.floor(u)), int(np.floor(v))
                        u, v = u - np.float32(left), v - np.float32(top)
                        # A texture repeats beyond its edges.
                        right, bottom = left + 1 if left + 1 < width else 0, top + 1 if top + 1 < height else 0
                        left, top = left if left >= 0 else width - 1, top if top >= 0 else height - 1
                        p, q = start + top * width + left, start + top * width + right
                        r, s = start + bottom * width + left, start + bottom * width + right
                        part_p, part_q, part_r, part_s = (one - u) * (one - v), u * (one - v), (one - u) * v, u * v
                        red_t = (
                            part_p * texels[p, 0]
                            + part_q * texels[q, 0]
                            + part_r * texels[r, 0]
                            + part_s * texels[s, 0]
                        )
                        green_t = (
                            part_p * texels[p, 1]
                            + part_q * texels[q, 1]
                            + part_r * texels[r, 1]
                            + part_s * texels[s, 1]
                        )
                        blue_t = (
                            part_p * texels[p, 2]
                            + part_q * texels[q, 2]
                            + part_r * texels[r, 2]
                            + part_s * texels[s, 2]
                        )
                        albedo_r *= decoded[int(red_t + half)]
                        albedo_g *= decoded[int(green_t + half)]
                        albedo_b *= decoded[int(blue_t + half)]
                    shine = np.float32(0.12) * gloss * light[cell_y, cell_x, 3]
                    shine += np.float32(1.1) * gloss * gloss * gloss * light[cell_y, cell_x, 4]
                    red += encoded[min(max(int((light[cell_y, cell_x, 0] * albedo_r + shine) * to_entry), 0), last)]
                    green += encoded[min(max(int((light[cell_y, cell_x, 1] * albedo_g + shine) * to_entry), 0), last)]
                    blue += encoded[min(max(int((light[cell_y, cell_x, 2] * albedo_b + shine) * to_entry), 0), last)]
            share = whole if alike else part
            keep = one - share * np.float32(1 if alike else covered)
            picture[y, x, 0] = np.uint8(min(picture[y, x, 0] * keep + red * share + half, white))
            picture[y, x, 1] = np.uint8(min(picture[y, x, 1] * keep + green * share + half, white))
            picture[y, x, 2] = np.uint8(min(picture[y, x, 2] * keep + blue * share + half, white))
