"""Where on the two rows of teeth a point lies, and their paint: crowns with gaps, gums, darker towards the corners."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from commedia.synthetic.appearance import Appearance

_UPPER_MM = (0.0, 8.6, 15.4, 23.0, 30.0, 37.0, 47.0, 57.0)
_LOWER_MM = (0.0, 5.3, 11.2, 18.0, 25.0, 32.0, 43.0, 54.0)
"""Where one crown ends and the next begins, along the row from the middle."""
_GAP_MM = 0.6
_CROWN = 0.62
"""Share of a row's height that is crown; the rest is gum."""


def tooth_masks(
    rest: Float[np.ndarray, "n 3"], teeth: Float[np.ndarray, "n"], lower: Float[np.ndarray, "n"]
) -> dict[str, Float[np.ndarray, "n"]]:
    """Describe texels by their teeth: `tooth_along` mm from the middle, `tooth_rise` 0 (edge) to 1, `tooth_lower`."""
    inside = teeth > 0.9
    masks = {name: np.zeros(len(rest)) for name in ("tooth_along", "tooth_rise", "tooth_lower")}
    if not inside.any():
        return masks
    x, y, z = rest[inside].T
    half, back, deep = np.abs(x).max(), z.min(), np.ptp(z)
    around = np.linspace(0, np.pi / 2, 64)
    steps = np.hypot(np.diff(half * np.sin(around)), np.diff(deep * np.cos(around)))
    angle = np.arctan2(np.abs(x) / half, (z - back) / deep)
    below = lower[inside] > 0.5
    rise = np.zeros(len(x))
    for row, sign in ((below, -1), (~below, 1)):
        if row.any():
            height = sign * y[row]
            rise[row] = (height - height.min()) / max(float(np.ptp(height)), 1e-6)
    masks["tooth_along"][inside] = 1000 * np.interp(angle, around, np.concatenate([[0], np.cumsum(steps)]))
    masks["tooth_rise"][inside] = rise
    masks["tooth_lower"][inside] = below
    return masks


def tooth_colours(
    mask: dict[str, Float[Tensor, "n"]], mottle: Float[Tensor, "n"], appearance: Appearance
) -> Float[Tensor, "3 n"]:
    """Paint points of the teeth: linear RGB before light."""
    strength = appearance.strengths
    along, rise, lower = mask["tooth_along"] / strength["tooth_width"], mask["tooth_rise"], mask["tooth_lower"] > 0.5
    ends = along.new_tensor(_UPPER_MM)[:, None], along.new_tensor(_LOWER_MM)[:, None]
    away = torch.where(lower, (along - ends[1]).abs().amin(0), (along - ends[0]).abs().amin(0))
    gap = torch.exp(-((away / _GAP_MM) ** 2))
    edge = torch.exp(-((rise / 0.07) ** 2))
    shade = (1 - strength["tooth_gaps"] * gap) * (1 - 0.3 * edge) * torch.where(lower, 0.82, 1.0)
    shade = shade * (1 - 0.75 * ((along - 10) / 28).clamp(0, 1)) * (1 + 0.05 * mottle)
    # Canines and all behind them are a little yellower than the front.
    yellow = 0.12 * ((along - 14) / 6).clamp(0, 1)
    crown = _column(appearance, "teeth", along) * torch.stack([1 - 0.3 * yellow, 1 - 0.6 * yellow, 1 - 2 * yellow])
    gum = ((rise - _CROWN + 0.10 * gap) * 14).clamp(0, 1)
    return (crown + (_column(appearance, "tongue", along) * 0.75 - crown) * gum) * shade


def _column(appearance: Appearance, name: str, like: Tensor) -> Tensor:
    return torch.from_numpy(appearance.colours[name]).to(like.device)[:, None]
