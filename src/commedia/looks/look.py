"""Somebody's cuts to a `Look` of their head: plain colours for what is painted, and the photographed skin over it."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from commedia.characters.skin import Look
from commedia.face_model.model import HeadModel
from commedia.looks import colours
from commedia.looks.hair import hair_thickness
from commedia.looks.portraits import Portrait
from commedia.looks.skin import Chart, face_chart, joined_skin, sight_of
from commedia.render.colour_numpy import srgb_from_linear

LEAST_CHROMA = 0.06
"""Least difference of red and blue over brightness of skin in a picture that has colours."""
DARKEST, LIGHTEST = 0.012, 0.95
"""Linear brightness of skin that a picture can be right about."""
BARE, COVERED = 0.0, 0.88
"""How much of the scalp is painted as hair."""
FOREHEAD_Y_M = 0.022
"""Above this height in the head's frame, skin may lie under a fringe or a cap."""
SIDE_X_M = 0.05
"""Farther out than this the picture may show hair or what is behind, where a head is narrower than was read."""
SKIN_BRIGHTNESS, SKIN_CHROMA = (0.78, 1.35), 0.075
"""Shares of the skin's brightness, and the farthest from its colour, within which a forehead is bare."""
BARE_EDGE_PX = 5.0
"""How softly what covers a forehead is left out, in texels."""


def look_of(portraits: Sequence[Portrait], identity: Float[np.ndarray, "i"], head: HeadModel) -> Look | None:
    """What somebody looks like by their cuts; None where these do not show it: too few, grey, dark or burnt out."""
    if not portraits:
        return None
    sights = [sight_of(portrait, identity, head) for portrait in portraits]
    skin, seen = joined_skin(sights, [portrait.worth for portrait in portraits], head)
    tone = colours.skin_colour(skin, seen, head)
    if tone is None or not DARKEST < tone.mean() < LIGHTEST or tone[0] - tone[2] < LEAST_CHROMA * tone.mean():
        return None
    painted = Look()
    hair = colours.hair_colour(sights, head)
    brows = colours.brow_colour(skin, seen, head)
    lips = colours.lip_colour(skin, seen, head)
    iris = colours.iris_colour(portraits, identity, head)
    bald = hair is not None and colours.is_bald(hair, tone)
    return Look(
        skin=_srgb(tone),
        lips=_srgb(tone * (0.72, 0.42, 0.42) if lips is None else lips),
        hair=painted.hair if hair is None else _srgb(hair),
        brows=None if brows is None else _srgb(brows),
        iris=painted.iris if iris is None else _srgb(iris),
        whites=_srgb(colours.white_colour(tone)),
        scalp=BARE if bald else COVERED,
        hair_m=0.0 if hair is None or bald else hair_thickness(portraits, identity, head, hair),
        photo=_photo(skin, seen * _bare(skin, tone, tone if hair is None or bald else hair, head), head),
    )


def _srgb(colour: Float[np.ndarray, "3"]) -> tuple[int, int, int]:
    red, green, blue = np.round(255 * srgb_from_linear(colour)).astype(int).tolist()
    return red, green, blue


def _bare(skin: Chart, tone: colours.Colour, hair: colours.Colour, head: HeadModel) -> Float32[np.ndarray, "s s"]:
    """How much of each texel may be photographed: 0 where a forehead or the side of a face is unlike skin, or a scalp
    unlike the hair.

    There a fringe, a cap or a hat is in front, which on the head would be paint without depth, or the face has ended.
    """
    chart = face_chart(head)
    forehead = (chart.part("skin") > 0.5) & (chart.place[..., 1] > FOREHEAD_Y_M) & ~_alike(skin, tone, 1.0)
    scalp = (chart.part("scalp") > 0.5) & ~_alike(skin, hair, 2.0)
    side = (chart.part("skin") > 0.5) & (np.abs(chart.place[..., 0]) > SIDE_X_M) & ~_alike(skin, tone, 1.5)
    covered = cv2.dilate((forehead | side | scalp).astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32)
    return 1 - np.clip(1.5 * cv2.GaussianBlur(covered, (0, 0), BARE_EDGE_PX), 0, 1)


def _alike(skin: Chart, colour: colours.Colour, tolerance: float) -> Bool[np.ndarray, "s s"]:
    total = np.maximum(skin.sum(axis=-1, keepdims=True), 1e-4)
    brightness = np.log(total[..., 0] / float(colour.sum()))
    low, high = tolerance * np.log(SKIN_BRIGHTNESS)
    chroma = np.abs(skin / total - colour / colour.sum()).sum(axis=-1)
    return (low < brightness) & (brightness < high) & (chroma < tolerance * SKIN_CHROMA)


def _photo(skin: Chart, seen: Float32[np.ndarray, "s s"], head: HeadModel) -> UInt8[np.ndarray, "s s 4"]:
    """The skin of the face and the front of the scalp, with how much of it covers the paint; lids and eyes are ours."""
    chart = face_chart(head)
    face = chart.part("skin", "nose", "left_brow", "right_brow", "upper_lip", "lower_lip", "scalp") > 0.5
    # Lids and the inside of the mouth are never where the model says to the pixel, and a smear of eye is ugly.
    inside = cv2.erode(face.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    cover = cv2.GaussianBlur(inside, (0, 0), 2.0) * seen
    filled = chart.texels.filled(skin)
    return np.dstack([255 * srgb_from_linear(filled) + 0.5, 255 * cover]).astype(np.uint8)
