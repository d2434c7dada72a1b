"""Somebody's cuts to how far their hair stands off the head: along the outline, until the colour is another."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32

from commedia.characters.hair import scalp_share
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import HeadModel
from commedia.geometry.cameras import image_from_head
from commedia.geometry.meshes import smooth_normals
from commedia.geometry.placement import look_up
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.looks.portraits import Portrait
from commedia.looks.skin import ON_A_FACE
from commedia.render.colour_numpy import srgb_from_linear

STEPS_M = np.arange(0, 0.041, 0.002)
"""Where a picture is looked at outside the scalp. Hair that has no end there is background of its colour."""
THINNEST_M, THICKEST_M, USUAL_M = 0.003, 0.022, 0.007
"""The last is everybody's whose hair has no outline."""
ALIKE = 42 / 255
"""Largest difference of a channel between two places of one head's hair."""
FEWEST = 12
"""Places on the outline that say something."""


def hair_thickness(
    portraits: Sequence[Portrait], identity: Float[np.ndarray, "i"], head: HeadModel, hair: Float32[np.ndarray, "3"]
) -> float:
    """Metres by which somebody's hair, of a linear colour, stands off their scalp."""
    found = np.concatenate([_thickness_along(portrait, identity, head, hair) for portrait in portraits])
    if len(found) < FEWEST:
        return USUAL_M
    return float(np.clip(np.median(found), THINNEST_M, THICKEST_M))


def _thickness_along(
    portrait: Portrait, identity: Float[np.ndarray, "i"], head: HeadModel, hair: Float32[np.ndarray, "3"]
) -> Float[np.ndarray, "n"]:
    vertices = vertices_from_params(head.model, identity, portrait.params.expression)
    out = smooth_normals(vertices, head.model.triangles)
    chosen = _outline(out @ matrix_from_wxyz(portrait.params.pose.wxyz).T, head)
    places = vertices[chosen][:, None] + out[chosen][:, None] * STEPS_M[:, None]
    x, y = np.moveaxis(
        image_from_head(places.reshape(-1, 3), portrait.params.pose).reshape(*places.shape[:2], 2), -1, 0
    )
    part = portrait.seen
    shown = ((x > part.left_px) & (x < part.right_px) & (y > part.top_px) & (y < part.bottom_px)).all(axis=1)
    if not shown.any():
        return np.zeros(0)
    colours = look_up(portrait.image, x[shown], y[shown], border=cv2.BORDER_REPLICATE) / np.float32(255)
    alike = np.abs(colours - srgb_from_linear(hair * ON_A_FACE)).max(axis=-1) < ALIKE
    run = np.cumprod(alike, axis=1).sum(axis=1)
    # Who does not begin with hair is badly placed, or wears a hat.
    return STEPS_M[run[(run > 0) & (run < len(STEPS_M))] - 1]


def _outline(out: Float[np.ndarray, "v 3"], head: HeadModel) -> Bool[np.ndarray, "v"]:
    """Vertices of the scalp's upper outline, by their normals in camera axes."""
    out = out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    return (scalp_share(head) > 0.5) & (np.abs(out[:, 2]) < 0.35) & (out[:, 1] > 0.2)
