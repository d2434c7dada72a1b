"""Colour of every visible point of a head: skin with paint and wrinkles, eyes, teeth, tongue."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int64

from commedia.conventions import EXPRESSION_INDEX
from commedia.face_model.model import HeadModel
from commedia.render import shade
from commedia.synthetic.appearance import Appearance, Light
from commedia.synthetic.atlas import skin_atlas
from commedia.synthetic.noise import NOISE_NAMES, noise_bank
from commedia.synthetic.painting import loop
from commedia.synthetic.painting_loops import COLOURS, HEAD_STRENGTHS, SKIN_STRENGTHS

WRINKLES: dict[str, tuple[float, tuple[tuple[str, float], ...]]] = {
    "forehead_lines": (0.30, (("browInnerUp", 0.6), ("browOuterUp", 0.6))),
    "glabella": (0.35, (("browDown", 0.9),)),
    "crow": (0.30, (("cheekSquint", 0.6), ("eyeSquint", 0.4), ("mouthSmile", 0.3))),
    "nasolabial": (0.55, (("mouthSmile", 0.7), ("mouthUpperUp", 0.4), ("noseSneer", 0.6), ("cheekSquint", 0.3))),
    "nose_wrinkle": (0.05, (("noseSneer", 0.9),)),
    "dimple": (0.15, (("mouthDimple", 0.9), ("mouthSmile", 0.4), ("mouthStretch", 0.3), ("mouthPress", 0.3))),
    "chin": (0.0, (("mouthShrugLower", 0.9),)),
    "bag": (0.40, (("cheekSquint", 0.6), ("eyeSquint", 0.6))),
}
"""Per mask of the atlas: how deep age alone makes it, and which blendshapes deepen it (a bare name means its own
side). `appearance.strengths` may say, by mask and side, that an expression deepens it more or less on one person."""


class Points(NamedTuple):
    """Visible points of one head."""

    uv: Float32[np.ndarray, "n 2"]
    part: Int64[np.ndarray, "n"]
    normal: Float32[np.ndarray, "n 3"]
    """Unit, camera axes."""


def head_colours(
    head: HeadModel, points: Points, appearance: Appearance, light: Light, expression: Float[np.ndarray, "52"]
) -> Float32[np.ndarray, "n 3"]:
    """Light every visible point of a head; linear RGB, not clipped."""
    colour = skin_albedo(head, points.uv, appearance, expression)
    lamp = np.zeros((2, 3), np.float32)
    if len(light.directions):
        half = light.directions[0] + np.array([0, 0, 1], np.float32)
        lamp[:] = half / max(float(np.linalg.norm(half)), 1e-3), light.colours[0]
    strengths = tuple(float(appearance.strengths[name]) for name in HEAD_STRENGTHS)
    loop("light_head")(
        skin_atlas(head), flat_noise(), points.uv, appearance.noise_at, strengths, _paint(appearance), points.part,
        points.normal, light_on(points.normal, light), lamp, colour,
    )  # fmt: skip
    return colour


def skin_albedo(
    head: HeadModel, uv: Float32[np.ndarray, "n 2"], appearance: Appearance, expression: Float[np.ndarray, "52"]
) -> Float32[np.ndarray, "n 3"]:
    """Linear albedo of skin at texture coordinates, with the folds that an expression makes; not of eyes and teeth."""
    blinks = (min(float(expression[EXPRESSION_INDEX[f"eyeBlink{side}"]]), 1.0) for side in ("Left", "Right"))
    acts = (float(expression[EXPRESSION_INDEX["cheekPuff"]]), *blinks)
    strengths = tuple(float(appearance.strengths[name]) for name in SKIN_STRENGTHS)
    folds, albedo = _folds(appearance, expression), np.zeros((len(uv), 3), np.float32)
    loop("paint_skin")(
        skin_atlas(head), flat_noise(), uv, appearance.noise_at, strengths, _paint(appearance), folds, acts, albedo
    )
    return albedo


def flat_noise() -> Float32[np.ndarray, "n 6"]:
    """The noise bank, a row per texel."""
    return noise_bank().reshape(-1, len(NOISE_NAMES))


def light_on(normal: Float32[np.ndarray, "n 3"], light: Light) -> Float32[np.ndarray, "n 3"]:
    """Light from the sky and the lamps through the harmonics of `render.shade`."""
    norms, found = np.array(shade.NORMS), np.zeros(normal.shape, np.float32)
    x, y, z = light.directions.T.astype(float)
    bases = np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y]) * norms[:, None]
    # As `shade.directional_coefficients`.
    coefficients = (bases * np.array([2] + [1] * 8)[:, None] / (2 * np.pi)) @ light.colours
    coefficients[0] += light.ambient / 0.886227
    coefficients[1] -= light.sky / 1.772454
    loop("light_points")(normal, (coefficients * norms[:, None]).astype(np.float32), found)
    return found


def _paint(appearance: Appearance) -> Float32[np.ndarray, "10 3"]:
    return np.stack([appearance.colours[name] for name in COLOURS])


def _folds(appearance: Appearance, expression: Float[np.ndarray, "52"]) -> Float32[np.ndarray, "8 2"]:
    """How deep each wrinkle is, left and right."""
    folds = np.zeros((len(WRINKLES), 2), np.float32)
    for fold, (name, (aged, blendshapes)) in zip(folds, WRINKLES.items(), strict=True):
        fold[:] = aged * appearance.strengths["age"]
        for blendshape, share in blendshapes:
            for number, side in enumerate(("Left", "Right")):
                index = EXPRESSION_INDEX.get(blendshape, EXPRESSION_INDEX.get(blendshape + side))
                assert index is not None
                own = appearance.strengths.get(f"{name}{side}", 1.0)
                fold[number] += share * expression[index] * appearance.strengths["wrinkles"] * own
        if fold.max() <= 0.03:
            fold[:] = 0
    return folds
