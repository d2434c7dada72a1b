"""Blinks that close exactly, whoever blinks: both lids go to one line, which is linear in the neutral head.

So the blink is a displacement of the mean head and one more per identity component. Everything here is done to both at
once: in a stack of shapes the first is the mean head and the others are what each component changes of it.
"""

from dataclasses import dataclass

import numpy as np
from smooth import along, extension, mixing, near

from commedia.geometry.meshes import smooth_normals

REACH_EDGES = 4
"""Skin this many edges from the lids' edges still follows them."""
OUTER_RINGS = 2
LID_M = 0.0010
"""At least how far over the eyeball closed lids lie; half closed they cut the corner by half a millimetre."""


@dataclass(frozen=True)
class Ring:
    """One closed ring of one eye, from the inner corner to the outer, corners in both."""

    upper: np.ndarray
    lower: np.ndarray


@dataclass(frozen=True)
class Closing:
    """How much blinks change with identity: (i, 2, n, 3), left eye first."""

    vertices: np.ndarray
    change: np.ndarray


@dataclass(frozen=True)
class Eyeball:
    """Centre (k, 3) and radius (k) of a stack of shapes."""

    center: np.ndarray
    radius: np.ndarray

    def lifted(self, places: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Push a stack of places (k, n, 3) out along fixed directions to at least `LID_M` over the ball.

        What lies higher on the mean head keeps that height on everyone. `share` says how much of it each place takes.
        """
        arm = places - self.center[:, None]
        outwards = arm[0] / np.linalg.norm(arm[0], axis=1, keepdims=True)
        height = np.einsum("knc,nc->kn", arm, outwards) - self.radius[:, None]
        missing = -height
        missing[0] = np.maximum(LID_M - height[0], 0)
        return places + (share * missing)[..., None] * outwards


def eyeball(stack: np.ndarray, rows: np.ndarray) -> Eyeball:
    """Measure the ball that some rows of a stack of shapes make."""
    center = stack[:, rows].mean(axis=1)
    arm = stack[:, rows] - center[:, None]
    radius = np.linalg.norm(arm[0], axis=1)
    return Eyeball(center, np.einsum("knc,nc->kn", arm, arm[0] / radius[:, None]).mean(axis=1))


def cut(loop: np.ndarray, mean: np.ndarray) -> Ring:
    """Cut a ring at its corners, half of it apart."""
    half, x = len(loop) // 2, mean[loop, 0]
    start = int(np.argmax(np.roll(x, -half) - x))
    turned = np.roll(loop, -start)
    first, second = turned[: half + 1], turned[[0, *range(len(loop) - 1, half - 1, -1)]]
    return Ring(first, second) if mean[first, 1].mean() > mean[second, 1].mean() else Ring(second, first)


def closed_ring(
    ring: Ring, blink: np.ndarray, stack: np.ndarray, ball: Eyeball | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ring's vertices and where they are when the eye is shut, (k, n, 3).

    The lower lid does what it did, which is little, and the upper one comes down to its edge, vertex on vertex.
    """
    taper = np.sin(np.pi * along(stack[0, ring.lower, 0]))
    line = stack[:, ring.lower].copy()
    # Corners stay; the scans' are pulled about.
    line[0] += blink[ring.lower] * np.clip(3 * taper, 0, 1)[:, None]
    if ball is not None:
        line = ball.lifted(line, np.sqrt(taper))
    partner = _partners(stack[0, ring.upper, 0], stack[0, ring.lower, 0])
    upper = line[:, partner]
    # Of the lower edge's vertices those without a partner go where the upper edge runs.
    met, where = np.unique(partner), np.arange(len(ring.lower))
    lower = mixing(where, met) @ line[:, met]
    return np.concatenate([ring.lower, ring.upper[1:-1]]), np.concatenate([lower, upper[:, 1:-1]], axis=1)


def _partners(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Return which vertex of the lower edge each of the upper one meets: the same number, or the next, by x."""
    last = len(lower) - 1
    choices = [np.clip(np.arange(last + 1) + step, 0, last) for step in (-1, 0, 1)]
    best = min(choices, key=lambda choice: np.abs(upper - lower[choice]).sum())
    best[[0, -1]] = 0, last
    return best


def close_lids(
    blink: np.ndarray, stack: np.ndarray, triangles: np.ndarray, rings: list[Ring], eye: np.ndarray
) -> np.ndarray:
    """Return (k, v, 3): the left blink that closes the mean head, and what each component changes of it.

    Args:
        blink: What is to be corrected.
        stack: The mean head, and the displacement by each identity component.
        triangles: Of the skin.
        rings: Of the left lids, from the skin inwards; the first two stay off the eyeball.
        eye: Vertices of the left eyeball.
    """
    ball = eyeball(stack, eye)
    found = [closed_ring(ring, blink, stack, ball if k < OUTER_RINGS else None) for k, ring in enumerate(rings)]
    fixed, places = (
        np.concatenate(parts, axis=axis) for parts, axis in zip(zip(*found, strict=True), (0, 1), strict=True)
    )
    moved = np.zeros_like(stack)
    moved[0] = blink
    reach = near(fixed, triangles, REACH_EDGES, len(blink))
    moved += extension(triangles, fixed, ~reach) @ (places - stack[:, fixed] - moved[:, fixed])
    share = np.linalg.norm(moved[0], axis=1)
    share = np.clip(3 * share / share.max(), 0, 1) * reach
    share[fixed] = 0
    # Only what faces outwards: the lids' lining stays between them and the ball.
    arm = stack[0] - ball.center[0]
    share[(smooth_normals(stack[0], triangles) * arm).sum(axis=1) < 0.3 * np.linalg.norm(arm, axis=1)] = 0
    return ball.lifted(stack + moved, share) - stack
