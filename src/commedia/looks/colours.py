"""Somebody's skin in the chart and their cuts to plain colours: skin, lips, brows, hair, irises. All linear, 0 to 1."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, Float32

from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import HeadModel
from commedia.geometry.cameras import image_from_head
from commedia.looks.portraits import Portrait
from commedia.looks.skin import ON_A_FACE, Chart, Sight, face_chart, plain_skin
from commedia.render.colour_numpy import linear_from_srgb

Colour = Float32[np.ndarray, "3"]

IRIS_M = 0.0058
"""Radius of everybody's iris."""
LEAST_IRIS_PX = 2.2
"""A smaller one has no colour of its own in a picture."""
IN_THE_EYE = 0.55
"""Light on an iris, under lid and brow, when white paper is 1."""
INNER_SHARE = 0.6
OPEN_EYE = 0.22
"""Least height over width of an eye whose iris shows."""
WHITE_OVER_SKIN, DARKEST_WHITE, LIGHTEST_WHITE = 1.5, 0.36, 0.84
"""Whites over the red of skin, and their bounds."""
SCALP_Y_M = 0.075
"""Above this the head carries hair, or none."""
BALD = 0.06
"""Farther than this from the skin's colour, in shares of its brightness, is hair."""


def colour_of(skin: Chart, seen: Float32[np.ndarray, "s s"], where: np.ndarray, *, share: float = 0.5) -> Colour | None:
    """The median colour of some texels (with a `share` below a half: of the darker ones); None where few are seen."""
    texels = skin[where & (seen > 0.3)]
    if len(texels) < 50:
        return None
    brightness = texels.mean(axis=1)
    darker = texels[brightness <= np.quantile(brightness, min(2 * share, 1.0))]
    return np.asarray(np.median(darker, axis=0), np.float32)


def skin_colour(skin: Chart, seen: Float32[np.ndarray, "s s"], head: HeadModel) -> Colour | None:
    return colour_of(skin, seen, plain_skin(head))


def lip_colour(skin: Chart, seen: Float32[np.ndarray, "s s"], head: HeadModel) -> Colour | None:
    return colour_of(skin, seen, face_chart(head).part("upper_lip", "lower_lip") > 0.95)


def brow_colour(skin: Chart, seen: Float32[np.ndarray, "s s"], head: HeadModel) -> Colour | None:
    """Of the darker half: the lighter one is skin between the hairs."""
    return colour_of(skin, seen, face_chart(head).part("left_brow", "right_brow") > 0.6, share=0.25)


def hair_colour(sights: Sequence[Sight], head: HeadModel) -> Colour | None:
    """What covers the scalp above the forehead: hair, or the skin of who has none."""
    chart = face_chart(head)
    where = (chart.part("scalp") > 0.95) & (chart.place[..., 1] > SCALP_Y_M)
    seen = np.concatenate([sight.srgb[where & (sight.weight > 0.15)] for sight in sights])
    return None if len(seen) < 100 else np.asarray(np.median(linear_from_srgb(seen), axis=0) / ON_A_FACE, np.float32)


def white_colour(skin: Colour) -> Colour:
    """Whites of eyes in the light in which skin looks so: brighter than it, but in a dark picture not white."""
    bright = np.clip(WHITE_OVER_SKIN * skin.max(), DARKEST_WHITE, LIGHTEST_WHITE)
    return np.asarray(bright * np.array([1.0, 0.96, 0.93]), np.float32)


def is_bald(hair: Colour, skin: Colour) -> bool:
    """Say whether what covers the scalp is as light and as red as skin."""
    ours, theirs = hair / hair.sum(), skin / skin.sum()
    return bool(hair.mean() > 0.55 * skin.mean() and np.abs(ours - theirs).sum() < BALD)


def iris_colour(portraits: Sequence[Portrait], identity: Float[np.ndarray, "i"], head: HeadModel) -> Colour | None:
    """The middle colour of both irises over all cuts in which the eyes are open and large enough."""
    found = []
    for portrait in portraits:
        params = portrait.params
        vertices = vertices_from_params(head.model, identity, params.expression)
        marks = image_from_head(points(load_scheme("ibug68"), vertices), params.pose)
        for eye in (marks[36:42], marks[42:48]):
            found += _iris_pixels(portrait, eye)
    return None if not found else np.asarray(np.median(np.concatenate(found), axis=0), np.float32)


def _iris_pixels(portrait: Portrait, eye: Float[np.ndarray, "6 2"]) -> list[np.ndarray]:
    """The lower half of an iris, without pupil and highlight: the darkest disc of an iris's size within the lids."""
    radius = IRIS_M * portrait.params.pose.px_per_m
    across = float(np.linalg.norm(eye[3] - eye[0]))
    opened = float(np.linalg.norm(eye[[1, 2]].mean(axis=0) - eye[[4, 5]].mean(axis=0)))
    if radius < LEAST_IRIS_PX or opened < OPEN_EYE * across:
        return []
    grey = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    disc = _disc(0.8 * radius)
    dark = cv2.filter2D(grey, cv2.CV_32F, disc / disc.sum(), borderType=cv2.BORDER_REPLICATE)
    within = np.zeros(grey.shape, np.uint8)
    # Corners are dark, too, but no iris reaches them.
    middle = eye.mean(axis=0) + (eye - eye.mean(axis=0)) * (INNER_SHARE, 1)
    cv2.fillConvexPoly(within, cv2.convexHull(np.round(middle - 0.5).astype(np.int32)), 1)
    if not within.any():
        return []
    row, column = np.unravel_index(np.argmin(np.where(within > 0, dark, np.inf)), grey.shape)
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]].astype(np.float32)
    away = np.hypot(x - column, y - row) / radius
    ring = portrait.image[(away > 0.35) & (away < 0.8) & (y > row - 0.3 * radius)]
    if len(ring) < 4:
        return []
    brightness = ring.mean(axis=1)
    low, high = np.quantile(brightness, (0.1, 0.75))
    linear = linear_from_srgb(ring[(brightness >= low) & (brightness <= high)] / 255)
    # Lids and lashes that lie over the ring are redder than any iris is beside them.
    red = (linear[:, 0] - linear[:, 2]) / np.maximum(linear.sum(axis=1), 1e-3)
    return [linear[red <= np.median(red)] / IN_THE_EYE]


def _disc(radius: float) -> Float32[np.ndarray, "n n"]:
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return (np.hypot(x, y) <= radius).astype(np.float32)
