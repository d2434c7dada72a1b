"""A person who never lived, with a shape and a smile of their own, as cuts with exact truth."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from commedia.characters.skin import Look, paint_head
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.face_model.evaluate import blendshapes_of_identity, vertices_from_params
from commedia.face_model.model import load_head
from commedia.geometry.rotations import multiply_wxyz, wxyz_from_yaw_pitch_roll
from commedia.looks.portraits import ABOVE_M, SIDE_M, Portrait
from commedia.personal.fit import FOCAL_SIDES
from commedia.personal.make import Cuts
from commedia.personal.shots import DISTANCE_M, SHOT_M
from commedia.personal.skin_colours import vertex_colours
from commedia.render.face_picture import render_face
from commedia.render.project import rotate
from commedia.structures import Box, FaceParams, HeadPose

SIDE_PX = 128
SMILES = ("mouthSmileLeft", "mouthSmileRight")
FOLD, FOLD_DEPTH = (0.028, -0.04, 0.02), 0.45
"""Where a cheek folds with a smile, on the left, and how much of its sRGB the fold takes."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """The truth about somebody."""

    cuts: Cuts
    neutral: np.ndarray
    smile: np.ndarray
    """Displacement of `mouthSmileLeft`."""


@cache
def drawn_person(seed: int = 5, made_of: int = 9, unseen: int = 4, folds: bool = False) -> Drawn:
    """Bumps of 3 mm that no identity has, a smile that goes further and out, freckles; seen from both sides.

    With `folds` cheeks get darker with a smile.
    """
    head, rng = load_head(), np.random.default_rng(seed)
    identity = rng.normal(0, 0.5, IDENTITY_COUNT).astype(np.float32)
    neutral = vertices_from_params(head.model, identity, np.zeros(EXPRESSION_COUNT, np.float32))
    neutral = neutral + _bumps(head.model.mean, rng)
    shapes = blendshapes_of_identity(head.model, identity).copy()
    for name, side in zip(SMILES, (1, -1), strict=True):
        row = EXPRESSION_INDEX[name]
        size = np.linalg.norm(shapes[row], axis=1, keepdims=True)
        shapes[row] = 1.3 * shapes[row] + 0.3 * size * [side, 0, 0]
    skin = vertex_colours(paint_head(Look(), head=head), head, np.arange(len(neutral)))
    skin = skin * (1 + 0.25 * np.sin(300 * head.model.mean[:, :1]) * np.sin(290 * head.model.mean[:, 1:2]))
    fold = np.stack([_fold(head.model.mean, side) for side in (1, -1)]) * (FOLD_DEPTH if folds else 0)
    portraits = [_portrait(neutral, shapes, (skin, fold), identity, index, rng) for index in range(made_of + unseen)]
    skin_cuts = portraits[:3]
    read = (identity + rng.normal(0, 0.3, IDENTITY_COUNT)).astype(np.float32)
    return Drawn(
        Cuts(portraits[:made_of], portraits[made_of:], skin_cuts, read), neutral, shapes[EXPRESSION_INDEX[SMILES[0]]]
    )


def _bumps(place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Smooth, and different on both sides: cheeks, chin and the bridge of the nose."""
    middles = np.array([[0.04, -0.03, 0.02], [-0.04, -0.03, 0.02], [0, -0.09, 0.02], [0, 0.005, 0.035]])
    near = np.exp(-((place[:, None] - middles) ** 2).sum(-1) / (2 * 0.018**2))
    return (near @ rng.choice([-1, 1], (4, 3)) * 0.003 * [0.5, 0.5, 1]).astype(np.float32)


def _fold(place: np.ndarray, side: int) -> np.ndarray:
    away = np.linalg.norm(place - np.array([side * FOLD[0], *FOLD[1:]]), axis=1)
    return np.exp(-((away / 0.008) ** 2))[:, None]


def _portrait(
    neutral: np.ndarray,
    shapes: np.ndarray,
    skin: tuple[np.ndarray, np.ndarray],
    identity: np.ndarray,
    index: int,
    rng: np.random.Generator,
) -> Portrait:
    head = load_head()
    yaw = (0.0, 0.1, -0.1, 0.6, -0.6, 0.4, -0.4, 0.25, -0.25)[index % 9]
    wxyz = wxyz_from_yaw_pitch_roll(np.array([yaw, rng.normal(0, 0.1), rng.normal(0, 0.05)])).astype(np.float32)
    expression = np.zeros(EXPRESSION_COUNT, np.float32)
    smile, jaw = ((0, 0), (0.9, 0), (0, 0.7), (0.9, 0.3))[index % 4]
    expression[[EXPRESSION_INDEX[name] for name in SMILES]] = smile
    expression[EXPRESSION_INDEX["jawOpen"]] = jaw
    vertices = neutral + np.tensordot(expression, shapes, 1)
    colours = skin[0] * (1 - smile * skin[1].sum(axis=0))
    shown = np.isin(head.triangle_part, [0])
    light = torch.from_numpy(rng.normal(0, 0.06, (1, 3, 9)).astype(np.float32))
    camera = rotate(torch.from_numpy(vertices.astype(np.float32))[None], torch.from_numpy(wxyz)[None])
    drawn = render_face(
        camera + torch.tensor([0.0, -ABOVE_M, -DISTANCE_M]),
        torch.from_numpy(head.model.triangles[shown]).long(),
        torch.from_numpy(colours.astype(np.float32))[None],
        light,
        focal_sides=FOCAL_SIDES * SHOT_M / SIDE_M,
        size=SIDE_PX,
    )
    image = (255 * drawn.image[0].clamp(0, 1).numpy()).astype(np.uint8)
    px_per_m = SIDE_PX / SIDE_M
    origin = np.array([SIDE_PX / 2, SIDE_PX / 2 + ABOVE_M * px_per_m], np.float32)
    # Read as networks read: nearly.
    off = wxyz_from_yaw_pitch_roll(rng.normal(0, 0.02, 3))
    read = np.clip(expression + rng.normal(0, 0.03, EXPRESSION_COUNT), 0, 1).astype(np.float32)
    params = FaceParams(identity, read, HeadPose(multiply_wxyz(off, wxyz).astype(np.float32), origin, px_per_m))
    return Portrait(image, Box(0.0, 0.0, float(SIDE_PX), float(SIDE_PX)), params, float(index), 1.0)
