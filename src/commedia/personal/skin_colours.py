"""A texture of a head to colours of vertices, and changes of such colours back into the texture."""

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from commedia.face_model.model import REGIONS, HeadModel
from commedia.geometry.placement import read_at
from commedia.render.uv import texels_of

VERTEX_TEXELS = 128
"""Side of a texture whose texels are about as far apart as vertices."""
LEAST_RATIO, MOST_RATIO = 0.5, 1.8
SOFT_PX, FADE_M = 2.0, 0.02
DARK = 0.02
"""Added to colours before they are compared."""
AROUND = ("skin", "left_ear", "right_ear", "neck", "scalp")


def vertex_colours(
    texture: UInt8[np.ndarray, "s s 3"], head: HeadModel, vertices: Int[np.ndarray, "n"]
) -> Float32[np.ndarray, "n 3"]:
    """Read a texture at vertices, sRGB 0 to 1."""
    uv = np.zeros((len(head.model.mean), 2), np.float32)
    uv[head.model.triangles.ravel()] = head.uv[head.uv_triangles.ravel()]
    small = cv2.resize(texture, (VERTEX_TEXELS,) * 2, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return read_at(small, uv[vertices] * VERTEX_TEXELS)


def recoloured(
    texture: UInt8[np.ndarray, "s s 3"],
    head: HeadModel,
    vertices: Int[np.ndarray, "n"],
    wanted: Float[np.ndarray, "n 3"],
) -> UInt8[np.ndarray, "s s 3"]:
    """Give a texture these colours at some vertices, sRGB 0 to 1; what is finer than vertices stays."""
    now = vertex_colours(texture, head, vertices)
    ratio = np.clip((wanted + DARK) / (now + DARK), LEAST_RATIO, MOST_RATIO)
    # Whether skin is dark or its light dim nobody knows: as a whole it stays as it was, and so fits ears and neck.
    spread = _beyond(ratio / np.median(ratio, axis=0), head, vertices)
    texels = texels_of(head.uv, head.uv_triangles, len(texture))
    filled = texels.filled(texels.carried(spread, head.model.triangles))
    return np.clip(texture * cv2.GaussianBlur(filled, (0, 0), SOFT_PX) + 0.5, 0, 255).astype(np.uint8)


def _beyond(
    ratio: Float[np.ndarray, "n 3"], head: HeadModel, vertices: Int[np.ndarray, "n"]
) -> Float32[np.ndarray, "v 3"]:
    """Ratios for the whole head: those of the face fade out over the skin around it, and leave eyes and mouth alone."""
    place, whole = head.model.mean, np.ones((len(head.model.mean), 3), np.float32)
    around = np.isin(head.vertex_region, [REGIONS.index(name) for name in AROUND])
    for row in np.flatnonzero(around):
        away = np.linalg.norm(place[vertices] - place[row], axis=1)
        nearest = int(np.argmin(away))
        whole[row] = 1 + (ratio[nearest] - 1) * np.exp(-away[nearest] / FADE_M)
    whole[vertices] = ratio
    return whole
