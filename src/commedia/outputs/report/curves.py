"""Curves of blendshapes as SVG, small enough to stand in a page by the dozen."""

import numpy as np
from jaxtyping import Float, Int

SHOWN = 12
WIDTH, HEIGHT = 240, 48
"""Of the drawing's own units; the page stretches it."""


def strongest(values: Float[np.ndarray, "e n"], count: int = SHOWN) -> Int[np.ndarray, "k"]:
    """Which curves move most, by the difference of their 98th and 2nd percentiles, the strongest first."""
    seen = values[:, ~np.isnan(values).all(axis=0)]
    if seen.shape[1] == 0:
        return np.zeros(0, dtype=np.int64)
    low, high = np.percentile(seen, [2, 98], axis=1)
    order = np.argsort(low - high, kind="stable")[:count]
    return order[high[order] - low[order] > 0]


def curve_svg(values: Float[np.ndarray, "n"]) -> str:
    """Values from 0 to 1 over time; NaN is a gap."""
    x = np.linspace(0, WIDTH, len(values) + 1).round(1)
    y = ((1 - np.clip(values, 0, 1)) * (HEIGHT - 2) + 1).round(1)
    runs, start = [], None
    for index, here in enumerate([*(~np.isnan(values)), False]):
        if here and start is None:
            start = index
        elif not here and start is not None:
            runs.append(_run(x[start : index + 1], y[start:index]))
            start = None
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="{"".join(runs)}"/></svg>'
    )


def _run(x: np.ndarray, y: np.ndarray) -> str:
    """A filled run of steps: along the values and back along the bottom."""
    middle = (x[:-1] + x[1:]) / 2
    points = [(x[0], y[0]), *zip(middle, y, strict=True), (x[-1], y[-1])]
    line = "L".join(f"{across:g} {down:g}" for across, down in points)
    return f"M{x[0]:g} {HEIGHT}L{line}L{x[-1]:g} {HEIGHT}Z"
