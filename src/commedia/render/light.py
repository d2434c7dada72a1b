"""The lights of lit pictures, which stand still: a key from the upper left, a fill, sky and ground, and a rim."""

from functools import cache

import numpy as np
from jaxtyping import Float, Float32

from commedia.render.shading_loops import LEAST_NARROW, WRAP

KEY = (np.array([-0.5, 0.55, 0.67]), np.array([1.0, 0.95, 0.88]) * 0.92)
FILL = (np.array([0.8, 0.05, 0.6]), np.array([0.75, 0.86, 1.0]) * 0.34)
SKY = np.array([0.62, 0.7, 0.85]) * 0.34
GROUND = np.array([0.62, 0.48, 0.42]) * 0.26
RIM = np.array([0.75, 0.85, 1.0]) * 0.5


@cache
def lights() -> Float32[np.ndarray, "8 3"]:
    """Unit vectors to the key, to the fill and half-way from the key to the viewer; colours of key, fill, sky, ground
    and rim."""
    key = unit(KEY[0])
    rows = (key, unit(FILL[0]), unit(key + np.array([0, 0, 1])), KEY[1], FILL[1], SKY, GROUND, RIM)
    return np.array(rows, dtype=np.float32)


def light_on(
    normal: Float32[np.ndarray, "n 3"], gloss: Float32[np.ndarray, " n"]
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, " n"]]:
    """Unit normals that face the viewer to diffuse light by colour, and to the mirror light of the key."""
    to_key, to_fill, half_way = lights()[:3]
    up = normal[:, 1]
    diffuse = (
        np.square(np.maximum((normal @ to_key + WRAP) / (1 + WRAP), 0)),
        np.maximum(normal @ to_fill, 0),
        0.5 + 0.5 * up,
        0.5 - 0.5 * up,
        np.maximum(1 - normal[:, 2], 0) ** 3 * np.maximum(0.35 + 0.65 * up, 0),
    )
    wide = np.clip(normal @ half_way, 0, 1)
    narrow = np.maximum(wide, LEAST_NARROW)
    # Dull surfaces spread the highlight, wet ones gather it.
    return np.stack(diffuse, axis=1) @ lights()[3:], 0.12 * gloss * wide**16 + 1.1 * gloss**3 * narrow**180


def unit(vectors: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Vectors at length 1; those without length stay."""
    square = np.einsum("...k,...k->...", vectors, vectors)
    return vectors * (1 / np.sqrt(np.maximum(square, 1e-30)))[..., None]
