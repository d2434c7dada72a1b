"""Other colours for the same body: at random for what its texture says is cloth, skin or hair."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from commedia.render.colour_numpy import linear_from_srgb, sample_texture
from commedia.synthetic.backgrounds import Backgrounds
from commedia.synthetic.bodies import GARMENTS, Body, parted

_PRINT_PX = 96
_HAIRS = np.array([[22, 18, 16], [60, 42, 30], [110, 78, 50], [180, 140, 90], [140, 64, 34], [170, 168, 165]]) / 255


@dataclass(frozen=True)
class Outfit:
    """What one person's colours are changed to."""

    skin: Float[np.ndarray, "3"]
    """Multiplies linear colour."""
    colours: tuple[Float[np.ndarray, "3"] | None, ...]
    """Linear, of each garment; None keeps the texture's own."""
    print: UInt8[np.ndarray, "p p 3"] | None
    """Repeated over the upper garment, in place of one colour."""
    print_scale: float


def sample_outfit(rng: np.random.Generator, backgrounds: Backgrounds) -> Outfit:
    """Draw new colours: two thirds of the garments, one head of hair in three, a print on one shirt in four."""
    skin = np.exp(rng.normal(0, 0.22)) * (1 + rng.normal(0, 0.03, 3))
    cloth = [_cloth(rng) if rng.random() < 0.67 else None for _ in range(2)]
    hair = linear_from_srgb(_HAIRS[rng.integers(len(_HAIRS))]) if rng.random() < 0.35 else None
    printed = _stripes(rng) if rng.random() < 0.5 else backgrounds.window(rng, _PRINT_PX, _PRINT_PX)
    return Outfit(skin, (None, *cloth, hair), printed if rng.random() < 0.25 else None, rng.uniform(2, 9))


def _cloth(rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    grey = rng.uniform(0.04, 0.95)
    return linear_from_srgb(np.clip(grey + rng.uniform(0, 0.35) * rng.uniform(-1, 1, 3), 0.03, 0.97))


def _stripes(rng: np.random.Generator) -> UInt8[np.ndarray, "p p 3"]:
    """Stripes or checks in two colours."""
    rows, columns = np.mgrid[:_PRINT_PX, :_PRINT_PX] // int(rng.choice([6, 8, 12, 16, 24]))
    which = (rows + (columns if rng.random() < 0.4 else 0)) % 2
    return rng.integers(10, 246, (2, 3)).astype(np.uint8)[which if rng.random() < 0.7 else which.T]


def dressed(
    body: Body,
    outfit: Outfit,
    triangle: Int[np.ndarray, "n"],
    uv: Float[np.ndarray, "n 2"],
    lower: Float[np.ndarray, "n"],
) -> Float[np.ndarray, "n 3"]:
    """Albedo (linear) at points of a body: its texture, re-coloured."""
    albedo = np.ones((len(triangle), 3), dtype=np.float32)
    covered = np.zeros(len(triangle), dtype=np.float32)
    paint, garment = body.looks.paint[triangle], parted(body.garment[triangle], lower)
    for number, texture in enumerate(body.looks.textures):
        mine = np.flatnonzero(paint == number)
        albedo[mine], covered[mine] = sample_texture(texture, uv[mine])
    bare = albedo * np.where(paint[:, None] >= 0, outfit.skin, 1).astype(np.float32)
    worn = albedo.copy()
    for number, colour in enumerate(outfit.colours):
        mine = np.flatnonzero(garment == number)
        pattern = outfit.print if GARMENTS[number] == "upper" else None
        if not len(mine) or (colour is None and pattern is None):
            continue
        fold = np.clip(albedo[mine].mean(axis=1, keepdims=True) / body.cloth_light[number], 0.35, 2.2)
        new = colour if pattern is None else sample_texture(pattern, uv[mine] * np.float32(outfit.print_scale))[0]
        worn[mine] = np.clip(fold * new, 0, 1)
    share = (covered * (garment != GARMENTS.index("none")))[:, None]
    return bare + (worn - bare) * share
