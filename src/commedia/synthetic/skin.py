"""Colour of every visible point of a head: skin with paint and wrinkles, eyes, teeth, tongue. Torch.

One face at a time on purpose: its ten thousand points stay in the processor's cache, and its look is plain numbers.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from commedia.conventions import EXPRESSION_INDEX
from commedia.face_model.model import EYE_CHART_RADIUS, EYE_CHARTS, PARTS, HeadModel
from commedia.render import shade
from commedia.synthetic.appearance import Appearance, Light
from commedia.synthetic.atlas import ATLAS_SIZE, skin_atlas
from commedia.synthetic.noise import NOISE_NAMES, NOISE_SIZE, noise_bank
from commedia.synthetic.teeth import tooth_colours

_LEFT_EYE, _RIGHT_EYE, _TEETH, _TONGUE = (PARTS.index(n) for n in ("left_eye", "right_eye", "teeth", "tongue"))

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

    uv: Float[Tensor, "n 2"]
    part: Int64[Tensor, "n"]
    normal: Float[Tensor, "n 3"]
    """Blendshape, camera axes."""


def head_colours(
    head: HeadModel, points: Points, appearance: Appearance, light: Light, expression: Float[Tensor, "52"]
) -> Float[Tensor, "n 3"]:
    """Light every visible point of a head; linear RGB, not clipped."""
    mask = _masks_at(head, points.uv)
    noise = _noise(points.uv, appearance, str(points.uv.device))
    albedo = _skin(mask, noise, appearance, expression.tolist())
    gloss = (
        appearance.strengths["gloss"] * (1 - mask["inner_mouth"] * 0.5)
        + mask["lips"] * appearance.strengths["lip_gloss"] * 0.3
    )
    openness = 1 - appearance.strengths["occlusion"] * (1 - mask["occlusion"])
    openness = openness * (1 - mask["inner_mouth"] * (0.25 + 0.75 * mask["depth"]))
    power = torch.full_like(gloss, appearance.strengths["gloss_power"])
    other = (points.part > 0).nonzero()[:, 0]
    if other.numel():
        _paint_other(
            other,
            points,
            {name: m[other] for name, m in mask.items()},
            noise[:, other],
            appearance,
            (albedo, gloss, openness, power),
        )
    lit = albedo * irradiance(points.normal, light).T * openness
    return (lit + _highlight(points.normal, light, gloss * openness, power)).T


def skin_albedo(
    head: HeadModel, uv: Float[Tensor, "n 2"], appearance: Appearance, expression: Float[Tensor, "52"]
) -> Float[Tensor, "n 3"]:
    """Linear albedo of skin at texture coordinates, with the folds that an expression makes; not of eyes and teeth."""
    noise = _noise(uv, appearance, str(uv.device))
    return _skin(_masks_at(head, uv), noise, appearance, expression.tolist()).T


def _masks_at(head: HeadModel, uv: Tensor) -> dict[str, Tensor]:
    texel, atlas = (uv * ATLAS_SIZE).long().clamp_(0, ATLAS_SIZE - 1), skin_atlas(head, str(uv.device))
    return dict(zip(atlas.names, atlas.texels[texel[:, 1] * ATLAS_SIZE + texel[:, 0]].T.contiguous(), strict=True))


def irradiance(normal: Float[Tensor, "n 3"], light: Light) -> Float[Tensor, "n 3"]:
    """Light from the sky and the lamps through the harmonics of `render.shade`."""
    coefficients = torch.zeros(3, 9)
    coefficients[:, 0] = torch.from_numpy(light.ambient) / 0.886227 - shade.AMBIENT_OFFSET
    coefficients[:, 1] = -torch.from_numpy(light.sky) / 1.772454
    for direction, colour in zip(light.directions, light.colours, strict=True):
        coefficients += shade.directional_coefficients(torch.from_numpy(direction), torch.from_numpy(colour))
    coefficients[:, 0] += shade.AMBIENT_OFFSET
    return (shade.harmonics(normal) @ coefficients.T.to(normal.device)).clamp_min(0.005)


def _highlight(normal: Tensor, light: Light, gloss: Tensor, power: Tensor) -> Tensor:
    if len(light.directions) == 0:
        return gloss.new_zeros(3, len(gloss))
    half = torch.from_numpy(light.directions[0]).to(normal.device) + normal.new_tensor([0.0, 0.0, 1.0])
    facing = (normal @ (half / half.norm().clamp_min(1e-3))).clamp(1e-4, 1)
    return torch.from_numpy(light.colours[0]).to(normal.device)[:, None] * (gloss * torch.exp(facing.log_() * power))


def _noise(uv: Tensor, appearance: Appearance, device: str) -> Tensor:
    bank = torch.from_numpy(noise_bank()).to(device).reshape(-1, len(NOISE_NAMES))
    at = (uv * 760 + torch.from_numpy(appearance.noise_at).to(uv.device)).long() % NOISE_SIZE
    return bank[at[:, 1] * NOISE_SIZE + at[:, 0]].T.contiguous()


def _skin(mask: dict[str, Tensor], noise: Tensor, appearance: Appearance, expression: list[float]) -> Tensor:
    """Albedo of skin, scalp, lips, beard and brows; (3, n)."""
    blotch, mottle, pores, spots, _, _ = noise
    strength = appearance.strengths
    tone = 1 + strength["mottle"] * mottle + strength["pores"] * pores
    uneven = strength["blotch"] * blotch
    colour = _rgb(appearance, "skin", tone) * torch.stack([tone + 0.6 * uneven, tone + uneven, tone + 1.1 * uneven])
    red = strength["blush"] * (mask["blush"] + 0.8 * mask["nose"] + 0.5 * mask["ear"])
    freckles = strength["freckles"] * spots * (0.25 + mask["blush"] + mask["nose"]).clamp_max(1)
    colour *= torch.stack(
        [1 + 0.10 * red - 0.35 * freckles, 1 - 0.22 * red - 0.5 * freckles, 1 - 0.18 * red - 0.6 * freckles]
    )
    _mix(colour, _rgb(appearance, "lips", tone) * tone, mask["lips"] * strength["lips"])
    colour *= 1 - 0.35 * mask["lip_line"] - 0.5 * strength["under_eye"] * mask["under_eye"]
    colour *= torch.stack([1 - deep * strength["lid"] * mask["lid"] for deep in (0.16, 0.26, 0.26)])
    _mix(colour, _rgb(appearance, "shadow", tone), mask["shadow"] * strength["shadow"])
    colour *= 1 - _wrinkled(mask, appearance, expression)
    colour *= 1 + 0.22 * expression[EXPRESSION_INDEX["cheekPuff"]] * mask["cheek"]
    _mix(colour, _rgb(appearance, "skin", tone) * colour.new_tensor([0.55, 0.2, 0.2])[:, None], mask["inner_mouth"])
    _hair_on_skin(colour, mask, noise, appearance)
    left, right = (min(expression[EXPRESSION_INDEX[f"eyeBlink{side}"]], 1.0) for side in ("Left", "Right"))
    shut = left * (mask["side"] > 0) + right * (mask["side"] < 0)
    colour *= 1 - 0.5 * shut**2 * torch.maximum(mask["lash_upper"], mask["lash_lower"])
    lashes = strength["lashes"] * (mask["lash_upper"] + 0.35 * mask["lash_lower"])
    _mix(colour, torch.full_like(colour, 0.006), lashes.clamp(0, 0.95))
    return colour.clamp_(0.002, 1)


def _hair_on_skin(colour: Tensor, mask: dict[str, Tensor], noise: Tensor, appearance: Appearance) -> None:
    strength, (_, mottle, pores, _, strands, _) = appearance.strengths, noise
    grain = (0.8 + 0.13 * strands + 0.20 * pores).clamp(0.15, 1.3)
    beard = strength["beard"] * mask["beard"] + strength["goatee"] * mask["goatee"] * (strength["beard"] < 0.01)
    beard = (beard + strength["moustache"] * mask["moustache"]) * grain + 0.08 * mottle * mask["beard"] * strength[
        "beard"
    ]
    _mix(colour, _rgb(appearance, "beard", beard) * grain, beard.clamp(0, 0.93))
    ragged = ((mask["scalp"] - 0.45 + 0.10 * strands + 0.06 * mottle) * 5).clamp(0, 1)
    _mix(colour, _rgb(appearance, "hair", grain) * (0.6 + 0.5 * grain), ragged * strength["scalp"] * 0.9)
    along, across = mask["brow_along"], mask["brow_across"] - strength["brow_lift"]
    width = strength["brow_width"] * (1 - strength["brow_taper"] * along**2) * (0.75 + 0.5 * (along * 3).clamp_max(1))
    ends = ((along - strength["brow_start"]) * 10).clamp(0, 1) * ((strength["brow_end"] - along) * 8).clamp(0, 1)
    inside = (1.5 - 1.5 * (across / width) ** 2).clamp(0, 1)
    hairs = (0.85 + 0.30 * strands + 0.10 * pores).clamp(0.1, 1.15)
    _mix(
        colour,
        _rgb(appearance, "brow", hairs) * hairs,
        (inside * ends * hairs * mask["brow"] * strength["brow"]).clamp(0, 0.96),
    )


def _wrinkled(mask: dict[str, Tensor], appearance: Appearance, expression: list[float]) -> Tensor:
    left = mask["side"] > 0
    total = torch.zeros_like(mask["side"])
    for name, (aged, blendshapes) in WRINKLES.items():
        depth = [aged * appearance.strengths["age"]] * 2
        for blendshape, share in blendshapes:
            for number, side in enumerate(("Left", "Right")):
                index = EXPRESSION_INDEX.get(blendshape, EXPRESSION_INDEX.get(blendshape + side))
                assert index is not None
                own = appearance.strengths.get(f"{name}{side}", 1.0)
                depth[number] += share * expression[index] * appearance.strengths["wrinkles"] * own
        if max(depth) > 0.03:
            total += mask[name] * (torch.where(left, depth[0], depth[1]) if depth[0] != depth[1] else depth[0])
    return 0.42 * total.clamp(-0.6, 1.3)


def _paint_other(
    index: Tensor,
    points: Points,
    mask: dict[str, Tensor],
    noise: Tensor,
    appearance: Appearance,
    into: tuple[Tensor, ...],
) -> None:
    """Overwrite albedo, gloss, openness and power where eyes, teeth or tongue are seen."""
    albedo, gloss, openness, power = into
    part = points.part[index]
    eye = (part == _LEFT_EYE) | (part == _RIGHT_EYE)
    shade_of = torch.where(part == _TEETH, 1 - 0.55 * mask["depth"], 1 - 0.7 * mask["depth"])
    tongue = _rgb(appearance, "tongue", shade_of) * (1 + 0.08 * noise[1])
    colour = torch.where(part == _TEETH, tooth_colours(mask, noise[1], appearance), tongue)
    colour = torch.where(eye, _eyes(points.uv[index], part, noise, appearance), colour)
    albedo[:, index] = colour
    gloss[index] = torch.where(eye, appearance.strengths["eye_gloss"], 0.25)
    power[index] = torch.where(eye, 220.0, 30.0)
    openness[index] = torch.where(eye, 0.4 + 0.6 * mask["occlusion"], shade_of * 0.62)


def _eyes(uv: Tensor, part: Tensor, noise: Tensor, appearance: Appearance) -> Tensor:
    strength = appearance.strengths
    left, right = (uv.new_tensor(EYE_CHARTS[name]) for name in ("left_eye", "right_eye"))
    offset = uv - torch.where((part == _LEFT_EYE)[:, None], left, right)
    angle = math.pi * (offset.norm(dim=1) / EYE_CHART_RADIUS) ** 2
    across = torch.atan2(offset[:, 1], offset[:, 0])
    fibre = 1 + 0.18 * torch.sin(across * 23 + noise[0] * 2) + 0.15 * noise[1]
    radius = strength["iris_radius"]
    iris = _rgb(appearance, "iris", fibre) * fibre * (0.75 + 0.6 * (angle / radius).clamp(0, 1) ** 2)
    iris = iris * (1 - strength["limbus"] * ((angle - radius * 0.8) / (radius * 0.2)).clamp(0, 1))
    sclera = _rgb(appearance, "sclera", fibre) * (1.0 - 0.12 * (angle - radius).clamp_min(0))
    veins = strength["veins"] * (0.4 + 0.3 * noise[4]).clamp(0, 1) * ((angle - 0.6) * 2).clamp(0, 1)
    sclera = sclera * torch.stack([1 - 0.1 * veins, 1 - 0.6 * veins, 1 - 0.55 * veins])
    colour = sclera + (iris - sclera) * ((radius - angle) / 0.05 + 0.5).clamp(0, 1)
    return colour * (1 - 0.985 * ((strength["pupil_radius"] - angle) / 0.04 + 0.5).clamp(0, 1))


def _rgb(appearance: Appearance, name: str, like: Tensor) -> Tensor:
    return torch.from_numpy(appearance.colours[name]).to(like.device)[:, None]


def _mix(colour: Tensor, other: Tensor, share: Tensor) -> None:
    colour += (other - colour) * share
