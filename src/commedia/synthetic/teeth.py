"""Where on the two rows of teeth a point lies."""

import numpy as np
from jaxtyping import Float


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
