"""The loops that colour what is seen of a head and of what it wears, point by point. Plain Python that numba compiles.

Kept alone in this file because its cache is thrown away when the file changes. Checks no index. Of n points:
`uv` (n, 2), `part` (n), `normal` (n, 3) of unit length in camera axes, `light` (n, 3) that falls on them, linear RGB.
`texels` are the atlas's, a column per mask; `bank` (512 * 512, 6) is the noise; `paint` (10, 3) the colours of a face.
"""

import math

import numpy as np

from commedia.face_model.model import EYE_CHART_RADIUS, EYE_CHARTS

ATLAS_SIZE, NOISE_SIZE = 640, 512
MASKS = (
    "side inner_mouth depth occlusion lips lip_line scalp ear beard moustache goatee brow brow_along brow_across blush "
    "nose shadow lash_upper lash_lower lid under_eye forehead_lines glabella crow nasolabial nose_wrinkle dimple chin "
    "bag cheek tooth_along tooth_rise tooth_lower"
).split()
(
    SIDE, INNER_MOUTH, DEPTH, OCCLUSION, LIPS, LIP_LINE, SCALP, EAR, BEARD, MOUSTACHE, GOATEE, BROW, BROW_ALONG,
    BROW_ACROSS, BLUSH, NOSE, SHADOW, LASH_UPPER, LASH_LOWER, LID, UNDER_EYE, FOLDS, _, _, _, _, _, _, _, CHEEK,
    TOOTH_ALONG, TOOTH_RISE, TOOTH_LOWER,
) = range(len(MASKS))  # fmt: skip
COLOURS = "skin lips brow hair beard iris sclera teeth tongue shadow".split()
IN_SKIN, IN_LIPS, IN_BROW, IN_HAIR, IN_BEARD, IN_IRIS, IN_SCLERA, IN_TEETH, IN_TONGUE, IN_SHADOW = range(len(COLOURS))
SKIN_STRENGTHS = (
    "blotch mottle pores freckles blush lips shadow lid under_eye beard moustache goatee brow brow_width brow_lift "
    "brow_taper brow_start brow_end scalp lashes"
).split()
HEAD_STRENGTHS = (
    "gloss gloss_power lip_gloss occlusion iris_radius pupil_radius limbus veins eye_gloss tooth_width tooth_gaps"
).split()
HAIR, FRAME, GLASS, TORSO, LASH = range(5)
"""Parts of a dress."""
WORN_HAIR, WORN_BROW, WORN_SKIN, WORN_FIRST, WORN_SECOND, WORN_RIM, WORN_LENS = range(7)
(LEFT_X, LEFT_Y), (RIGHT_X, RIGHT_Y) = EYE_CHARTS["left_eye"], EYE_CHARTS["right_eye"]
UPPER_MM = (0.0, 8.6, 15.4, 23.0, 30.0, 37.0, 47.0, 57.0)
LOWER_MM = (0.0, 5.3, 11.2, 18.0, 25.0, 32.0, 43.0, 54.0)
"""Where one crown ends and the next begins, along the row of teeth from the middle."""
GAP_MM = 0.6
CROWN = 0.62
"""Share of a row's height that is crown; the rest is gum."""


def deviate(amplitudes, starts, vertex, displacement, waves, side, moved):
    """Add to `moved` (v, 3) what deviates: `amplitudes` (52, 4, 8) of the waves (v, 8), see `deviations.py`.

    Rows `starts[e]` to `starts[e + 1]` of `vertex` and `displacement` (m, 3) say what blendshape e moves, how far.
    """
    for e in range(len(amplitudes)):
        if not amplitudes[e].any():
            continue
        for n in range(starts[e], starts[e + 1]):
            v = vertex[n]
            x, y, z = displacement[n, 0], displacement[n, 1], displacement[n, 2]
            scale = about_x = about_y = about_z = np.float32(0)
            for w in range(waves.shape[1]):
                wave = waves[v, w]
                scale += wave * amplitudes[e, 0, w]
                about_x += wave * amplitudes[e, 1, w]
                about_y += wave * amplitudes[e, 2, w]
                about_z += wave * amplitudes[e, 3, w]
            # A mirror leaves a rotation about x as it is, and turns those about y and z round.
            about_y, about_z = about_y * side[v], about_z * side[v]
            moved[v, 0] += scale * x + about_y * z - about_z * y
            moved[v, 1] += scale * y + about_z * x - about_x * z
            moved[v, 2] += scale * z + about_x * y - about_y * x


def light_points(normal, coefficients, light):
    """Fill `light` from the nine harmonics of `render.shade`, whose `coefficients` (9, 3) include their norms."""
    three, least = np.float32(3), np.float32(0.005)
    for n in range(len(normal)):
        x, y, z = normal[n, 0], normal[n, 1], normal[n, 2]
        for c in range(3):
            flat = coefficients[0, c] + coefficients[1, c] * y + coefficients[2, c] * z + coefficients[3, c] * x
            bent = coefficients[4, c] * x * y + coefficients[5, c] * y * z + coefficients[7, c] * x * z
            curved = coefficients[6, c] * (three * z * z - np.float32(1)) + coefficients[8, c] * (x * x - y * y)
            light[n, c] = max(flat + bent + curved, least)


def paint_skin(texels, bank, uv, noise_at, strengths, paint, folds, acts, albedo):
    """Fill `albedo` (n, 3) with skin, scalp, lips, beard and brows.

    `folds` (8, 2) says how deep each wrinkle is, left and right; `acts` how far the cheeks are puffed, the left and
    the right eye shut.
    """
    (
        blotchy, mottled, pored, freckled, blushing, lips, shadow, lid, under_eye, beard, moustache, goatee, brow,
        brow_width, brow_lift, brow_taper, brow_start, brow_end, scalp, lashes,
    ) = strengths  # fmt: skip
    for n in range(len(uv)):
        x = min(max(int(uv[n, 0] * ATLAS_SIZE), 0), ATLAS_SIZE - 1)
        y = min(max(int(uv[n, 1] * ATLAS_SIZE), 0), ATLAS_SIZE - 1)
        mask = texels[y * ATLAS_SIZE + x]
        x = int(uv[n, 0] * 760 + noise_at[0]) % NOISE_SIZE
        y = int(uv[n, 1] * 760 + noise_at[1]) % NOISE_SIZE
        noise = bank[y * NOISE_SIZE + x]
        mottle, pores, strands = noise[1], noise[2], noise[4]
        tone = 1 + mottled * mottle + pored * pores
        red = blushing * (mask[BLUSH] + 0.8 * mask[NOSE] + 0.5 * mask[EAR])
        spots = freckled * noise[3] * min(0.25 + mask[BLUSH] + mask[NOSE], 1.0)
        left = mask[SIDE] > 0
        fold = 0.0
        for k in range(len(folds)):
            fold += mask[FOLDS + k] * (folds[k, 0] if left else folds[k, 1])
        dark = 1 - 0.42 * min(max(fold, -0.6), 1.3)
        under = 1 - 0.35 * mask[LIP_LINE] - 0.5 * under_eye * mask[UNDER_EYE]
        puffed = 1 + 0.22 * acts[0] * mask[CHEEK]
        grain = min(max(0.8 + 0.13 * strands + 0.20 * pores, 0.15), 1.3)
        bearded = beard * mask[BEARD] + moustache * mask[MOUSTACHE] + (goatee * mask[GOATEE] if beard < 0.01 else 0.0)
        bearded = min(max(bearded * grain + 0.08 * mottle * mask[BEARD] * beard, 0.0), 0.93)
        ragged = min(max((mask[SCALP] - 0.45 + 0.10 * strands + 0.06 * mottle) * 5, 0.0), 1.0) * scalp * 0.9
        hairs = browed = 0.0
        if mask[BROW] > 0:
            along, across = mask[BROW_ALONG], mask[BROW_ACROSS] - brow_lift
            width = brow_width * (1 - brow_taper * along * along) * (0.75 + 0.5 * min(along * 3, 1.0))
            ends = min(max((along - brow_start) * 10, 0.0), 1.0) * min(max((brow_end - along) * 8, 0.0), 1.0)
            inside = min(max(1.5 - 1.5 * (across / width) ** 2, 0.0), 1.0)
            hairs = min(max(0.85 + 0.30 * strands + 0.10 * pores, 0.1), 1.15)
            browed = min(inside * ends * hairs * mask[BROW] * brow, 0.96)
        shut = acts[1] if left else (acts[2] if mask[SIDE] < 0 else 0.0)
        crease = 1 - 0.5 * shut * shut * max(mask[LASH_UPPER], mask[LASH_LOWER])
        lashed = min(max(lashes * (mask[LASH_UPPER] + 0.35 * mask[LASH_LOWER]), 0.0), 0.95)
        for c in range(3):
            colour = paint[IN_SKIN, c] * (tone + (0.6, 1.0, 1.1)[c] * blotchy * noise[0])
            colour *= 1 + (0.10, -0.22, -0.18)[c] * red - (0.35, 0.5, 0.6)[c] * spots
            colour += (paint[IN_LIPS, c] * tone - colour) * mask[LIPS] * lips
            colour *= under * (1 - (0.16, 0.26, 0.26)[c] * lid * mask[LID])
            colour += (paint[IN_SHADOW, c] - colour) * mask[SHADOW] * shadow
            colour *= dark * puffed
            colour += (paint[IN_SKIN, c] * (0.55, 0.2, 0.2)[c] - colour) * mask[INNER_MOUTH]
            colour += (paint[IN_BEARD, c] * grain - colour) * bearded
            colour += (paint[IN_HAIR, c] * (0.6 + 0.5 * grain) - colour) * ragged
            colour += (paint[IN_BROW, c] * hairs - colour) * browed
            colour *= crease
            colour += (0.006 - colour) * lashed
            albedo[n, c] = min(max(colour, 0.002), 1.0)


def light_head(texels, bank, uv, noise_at, strengths, paint, part, normal, light, lamp, colour):
    """Light `colour`, the albedo of skin, after painting eyes, teeth and tongue (parts 1 to 4) over it.

    `lamp` (2, 3): the direction of its highlights, which is half way to the viewer, and its colour.
    """
    (
        gloss, gloss_power, lip_gloss, occlusion, iris_radius, pupil_radius, limbus, veins, eye_gloss, tooth_width,
        tooth_gaps,
    ) = strengths  # fmt: skip
    for n in range(len(uv)):
        x = min(max(int(uv[n, 0] * ATLAS_SIZE), 0), ATLAS_SIZE - 1)
        y = min(max(int(uv[n, 1] * ATLAS_SIZE), 0), ATLAS_SIZE - 1)
        mask = texels[y * ATLAS_SIZE + x]
        inner, depth = mask[INNER_MOUTH], mask[DEPTH]
        shine, power = gloss * (1 - inner * 0.5) + mask[LIPS] * lip_gloss * 0.3, gloss_power
        openness = (1 - occlusion * (1 - mask[OCCLUSION])) * (1 - inner * (0.25 + 0.75 * depth))
        if part[n] > 0:
            x = int(uv[n, 0] * 760 + noise_at[0]) % NOISE_SIZE
            y = int(uv[n, 1] * 760 + noise_at[1]) % NOISE_SIZE
            noise = bank[y * NOISE_SIZE + x]
        if part[n] == 1 or part[n] == 2:
            shine, power, openness = eye_gloss, 220.0, 0.4 + 0.6 * mask[OCCLUSION]
            right = uv[n, 0] - (LEFT_X if part[n] == 1 else RIGHT_X)
            down = uv[n, 1] - (LEFT_Y if part[n] == 1 else RIGHT_Y)
            angle = math.pi * (right * right + down * down) / EYE_CHART_RADIUS**2
            fibre = 1 + 0.18 * math.sin(math.atan2(down, right) * 23 + noise[0] * 2) + 0.15 * noise[1]
            in_iris = fibre * (0.75 + 0.6 * min(angle / iris_radius, 1.0) ** 2)
            in_iris *= 1 - limbus * min(max((angle - iris_radius * 0.8) / (iris_radius * 0.2), 0.0), 1.0)
            in_sclera = 1.0 - 0.12 * max(angle - iris_radius, 0.0)
            vein = veins * min(max(0.4 + 0.3 * noise[4], 0.0), 1.0) * min(max((angle - 0.6) * 2, 0.0), 1.0)
            in_front = min(max((iris_radius - angle) / 0.05 + 0.5, 0.0), 1.0)
            pupil = 1 - 0.985 * min(max((pupil_radius - angle) / 0.04 + 0.5, 0.0), 1.0)
            for c in range(3):
                sclera = paint[IN_SCLERA, c] * in_sclera * (1 - (0.1, 0.6, 0.55)[c] * vein)
                colour[n, c] = (sclera + (paint[IN_IRIS, c] * in_iris - sclera) * in_front) * pupil
        elif part[n] == 3:
            shine, power, openness = 0.25, 30.0, (1 - 0.55 * depth) * 0.62
            along, rise, lower = mask[TOOTH_ALONG] / tooth_width, mask[TOOTH_RISE], mask[TOOTH_LOWER] > 0.5
            away = 1e9
            for k in range(len(UPPER_MM)):
                away = min(away, abs(along - (LOWER_MM[k] if lower else UPPER_MM[k])))
            gap = math.exp(-((away / GAP_MM) ** 2))
            dark = (1 - tooth_gaps * gap) * (1 - 0.3 * math.exp(-((rise / 0.07) ** 2))) * (0.82 if lower else 1.0)
            dark *= (1 - 0.75 * min(max((along - 10) / 28, 0.0), 1.0)) * (1 + 0.05 * noise[1])
            # Canines and all behind them are a little yellower than the front.
            yellow = 0.12 * min(max((along - 14) / 6, 0.0), 1.0)
            gum = min(max((rise - CROWN + 0.10 * gap) * 14, 0.0), 1.0)
            for c in range(3):
                crown = paint[IN_TEETH, c] * (1 - (0.3, 0.6, 2.0)[c] * yellow)
                colour[n, c] = (crown + (paint[IN_TONGUE, c] * 0.75 - crown) * gum) * dark
        elif part[n] == 4:
            shine, power, openness = 0.25, 30.0, (1 - 0.7 * depth) * 0.62
            for c in range(3):
                colour[n, c] = paint[IN_TONGUE, c] * (1 + 0.08 * noise[1])
        facing = normal[n, 0] * lamp[0, 0] + normal[n, 1] * lamp[0, 1] + normal[n, 2] * lamp[0, 2]
        # Of less than a cosine of 0.3 the power is so small that it only costs time.
        shine *= openness * math.exp(np.float32(power) * math.log(np.float32(facing))) if facing > 0.3 else 0.0
        for c in range(3):
            colour[n, c] = colour[n, c] * light[n, c] * openness + lamp[1, c] * shine


def paint_dress(bank, noise_at, strengths, paint, part, extra, normal, light, colour, opacity):
    """Fill linear RGB (n, 3) and opacity (n) of dress; `extra` and `part` as in `dressing`, `paint` (7, 3) as below."""
    gloss, lashes, is_cloth, lens_alpha, stripes, neckline, v_cut = strengths
    for n in range(len(part)):
        u, v, w = extra[n, 0], extra[n, 1], extra[n, 2]
        opacity[n] = 1.0
        if part[n] == LASH:
            hairs = 0.75 + 0.25 * math.sin(u * 150 + 5 * v)
            opacity[n] = min(max(lashes * (1 - v) * hairs * (0.45 if w > 0.5 else 1.1), 0.0), 0.97)
            for c in range(3):
                colour[n, c] = (paint[WORN_BROW, c] * 0.12 + 0.004) * light[n, c]
            continue
        if part[n] == FRAME or part[n] == GLASS:
            row, glow = (WORN_RIM, 0.15) if part[n] == FRAME else (WORN_LENS, 0.05)
            opacity[n] = 1.0 if part[n] == FRAME else lens_alpha
            for c in range(3):
                colour[n, c] = paint[row, c] * (light[n, c] + glow)
            continue
        if part[n] == TORSO:
            x, y = u * 1500 + w * 700, v * 1500
        elif is_cloth > 0:
            x, y = u * 900, v * 2200
        else:
            x, y = u * 2600 + 14 * math.sin(v * 38 + 6 * u), v * 300
        texel = (int(y + noise_at[1]) % NOISE_SIZE) * NOISE_SIZE + int(x + noise_at[0]) % NOISE_SIZE
        blotch, strands, weave = bank[texel, 0], bank[texel, 4], bank[texel, 5]
        if part[n] == TORSO:
            striped = stripes if math.sin(v * 220) > 0 else 0.0
            collar = neckline - (v_cut * max(0.06 - abs(u), 0.0) if w > 0 else 0.0)
            bare = min(max((v - collar) * 400, 0.0), 1.0)
            under_chin = 0.55 + 0.45 * min(max((0.01 - v) / 0.06, 0.0), 1.0)
            for c in range(3):
                cloth = paint[WORN_FIRST, c] + (paint[WORN_SECOND, c] - paint[WORN_FIRST, c]) * striped
                cloth *= 1 + 0.08 * weave + 0.15 * blotch
                skin = paint[WORN_SKIN, c] * (1 + 0.04 * blotch)
                colour[n, c] = (cloth + (skin - cloth) * bare) * under_chin * light[n, c]
        elif is_cloth > 0:
            band = (1 - 0.5 * stripes) if math.sin(v * 160) > 0.3 else 1.0
            for c in range(3):
                colour[n, c] = paint[WORN_SECOND, c] * (1 + 0.10 * weave + 0.12 * blotch) * band * light[n, c]
        else:
            tone = min(max(0.78 + 0.30 * strands + 0.12 * blotch, 0.12), 1.8) * min(max(0.55 + v * 4, 0.0), 1.0)
            # Hair shines in bands across the strands: where the strand, which runs down, is across the light.
            sheen = min(max(1 - abs(normal[n, 1] - 0.35) * 2.5, 0.0), 1.0) ** 2
            sheen *= 0.05 * gloss * min(max(0.5 + 0.5 * strands, 0.0), 1.0)
            for c in range(3):
                colour[n, c] = (paint[WORN_HAIR, c] * tone + sheen) * light[n, c]
            opacity[n] = min(max((w - 0.42 + 0.20 * strands + 0.08 * blotch) * 5, 0.0), 1.0)


def cover(pixel, cloth, opacity, colour, alpha):
    """Lay dress over `colour` (p, 3); where nothing is below, it is solid, and `alpha` (p) is its opacity."""
    for n in range(len(pixel)):
        p = pixel[n]
        share = opacity[n] if alpha[p] > 0 else np.float32(1)
        for c in range(3):
            colour[p, c] += (cloth[n, c] - colour[p, c]) * share
        alpha[p] = max(alpha[p], opacity[n])


def show(colour, alpha, rgba):
    """Fill `rgba` (p, 4), which is 0, with bytes of linear RGB (p, 3) as a screen shows it, multiplied by opacity."""
    for p in range(len(alpha)):
        if alpha[p] == 0:
            continue
        for c in range(3):
            # A shoulder like a film's: straight up to 0.7 of white, then never quite there.
            bright = max(colour[p, c] - 0.7, 0.0)
            shown = min(colour[p, c], 0.7) + 0.3 * bright / (bright + 0.3)
            rgba[p, c] = int(math.sqrt(min(max(shown, 0.0), 1.0)) * alpha[p] * 255 + 0.5)
        rgba[p, 3] = int(alpha[p] * 255 + 0.5)


def undo_opacity(rgba):
    """Divide the colours of `rgba` (p, 4) by its opacity."""
    for p in range(len(rgba)):
        alpha = rgba[p, 3]
        if alpha > 0 and alpha < 255:
            for c in range(3):
                rgba[p, c] = min(int(int(rgba[p, c]) * 255 / alpha + 0.5), 255)


def lay_over(rgba, background, picture):
    """Fill `picture` (p, 3) with `rgba` over a background, all bytes."""
    for p in range(len(rgba)):
        alpha = int(rgba[p, 3])
        for c in range(3):
            picture[p, c] = (int(rgba[p, c]) * alpha + int(background[p, c]) * (255 - alpha) + 127) // 255
