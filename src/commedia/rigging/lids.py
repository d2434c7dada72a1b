"""Lids that were carried over by another head's motion, kept off the eyeball that they slide over."""

import numpy as np
from jaxtyping import Float, Int

from commedia.geometry.solvers import search_tree
from commedia.rigging.pieces import fit_sphere

CLEARANCE_M = 0.0004
"""At most, between a lid's skin and the eyeball below it."""
REACH = 1.8
"""Of an eyeball's radius: what is farther from its centre is no lid."""
NEIGHBOURS = 3


def keep_off_eyeball(
    moved: Float[np.ndarray, "e w 3"],
    target: Float[np.ndarray, "w 3"],
    skin: Int[np.ndarray, "n"],
    eye: Int[np.ndarray, "m"],
) -> None:
    """Push moved skin out of an eyeball, in place, along the ray from its centre: head frame, metres.

    What lies inside the eyeball at rest, as the far side of a socket may, stays where it is taken.
    """
    ball = fit_sphere(target[eye])
    assert ball is not None
    center, radius = ball
    out = target[eye] - center
    height = np.linalg.norm(out, axis=1)
    directions = search_tree(out / np.maximum(height, 1e-9)[:, None])

    def surface(ray: Float[np.ndarray, "k 3"]) -> Float[np.ndarray, "k"]:
        """How far out the eyeball reaches that way: its cornea stands proud."""
        unit = ray / np.maximum(np.linalg.norm(ray, axis=1), 1e-9)[:, None]
        return height[directions.query(unit, k=NEIGHBOURS)[1]].mean(axis=1)

    rays = target[skin] - center
    near = np.linalg.norm(rays, axis=1) < REACH * radius
    rows, rays = skin[near], rays[near]
    clear = np.linalg.norm(rays, axis=1) - surface(rays)
    outside = clear > 0
    # What lies on the eyeball at rest may go on doing so.
    rows, rays, clear = rows[outside], rays[outside], np.minimum(clear[outside], CLEARANCE_M)
    if not len(rows):
        return
    for own in moved:
        ray = rays + own[rows]
        size = np.linalg.norm(ray, axis=1)
        short = (surface(ray) + clear - size).clip(min=0)
        own[rows] += ray / np.maximum(size, 1e-9)[:, None] * short[:, None]
