"""Expressions edited into pictures: a few blendshapes of a face change, and the picture is warped to where points went.

Identity and pose stay what they were; expression and landmarks of the edited face are new truth. A warp shows nothing
new, neither teeth between lips that part nor another gaze, so changes are slight (Chaudhuri et al. 2019, section 3.2:
"using image warping technique, we can re-edit the face image", and Fig. 3).
"""

import copy
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import nn

from commedia.conventions import CONTRADICTORY_PAIRS, EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.geometry.placement import look_up
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.training.face_model import FaceModel
from commedia.training.labels import FaceArrays

BLENDSHAPES_MOST = 3
LARGEST_CHANGE = 0.6
"""Of one blendshape, either way."""
FAINT = 0.1
"""A blendshape below this does not keep one that contradicts it from being chosen; it ends instead."""
LEAST_MOVE_M = 1e-3
"""A blendshape that moves no point this far cannot be shown by moving points."""

_REACH = 0.15
"""Of the picture's side: how far a point's move carries its surroundings along."""
_RIDGE = 3e-4
"""Points much closer than a pixel of 128 share their move, as those of lips that meet must."""

_RIVALS = np.zeros((EXPRESSION_COUNT, EXPRESSION_COUNT), dtype=bool)
for _first, _second in CONTRADICTORY_PAIRS:
    _RIVALS[EXPRESSION_INDEX[_first], EXPRESSION_INDEX[_second]] = True
_RIVALS |= _RIVALS.T
_GAZE = np.array(["eyeLook" in name for name in EXPRESSION_NAMES])

_BORDER = np.array([(x, y) for x in range(9) for y in range(9) if {x, y} & {0, 8}]) / 8
"""Points on the picture's edge, which stay where they are."""


class Editor(NamedTuple):
    """What an edit needs of the head."""

    points: nn.Module
    """(identity, expression) -> (b, 68, 3) in metres, on the CPU."""
    blendshapes: Bool[np.ndarray, "e"]
    """Those whose change a warp of the 68 points can show."""


def editor_for(model: FaceModel) -> Editor:
    """Copy the head's points, for the network's may move to another device, and find the blendshapes that move them."""
    points = copy.deepcopy(model.landmarks).cpu()
    expression = torch.cat([torch.zeros(1, EXPRESSION_COUNT), torch.eye(EXPRESSION_COUNT)])
    with torch.no_grad():
        shapes = points(torch.zeros(len(expression), len(model.identity_mirror)), expression).numpy()
    moves = np.linalg.norm(shapes[1:] - shapes[0], axis=-1).max(-1)
    return Editor(points, (moves > LEAST_MOVE_M) & ~_GAZE)


def editable(faces: FaceArrays) -> Bool[np.ndarray, "n"]:
    """Say which faces are known well enough to be edited."""
    known = (faces.identity_weight > 0) & (faces.pose_weight > 0) & (faces.landmark_weight > 0)
    return known & (faces.expression_weight > 0).any(1)


def edited(
    image: UInt8[np.ndarray, "s s 3"], face: FaceArrays, editor: Editor, rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "s s 3"], FaceArrays]:
    """Change a known face's expression in its picture and in its labels."""
    expression = changed_expression(face.expression[0], editor.blendshapes & (face.expression_weight[0] > 0), rng)
    landmarks = moved_landmarks(face, expression, editor.points)
    picture = warped(image, face.landmarks[0], landmarks)
    return picture, face._replace(expression=expression[None], landmarks=landmarks[None])


def changed_expression(
    expression: Float[np.ndarray, "e"], choosable: Bool[np.ndarray, "e"], rng: np.random.Generator
) -> Float[np.ndarray, "e"]:
    """Change one to three blendshapes a little, none of them against a blendshape that is on.

    As everywhere, `mouthClose` closes the lips no further than `jawOpen` opened them.
    """
    changed, left = expression.copy(), choosable.copy()
    for _ in range(int(rng.integers(1, BLENDSHAPES_MOST + 1))):
        free = np.flatnonzero(left & ~(_RIVALS & (changed > FAINT)).any(1))
        if len(free) == 0:
            break
        blendshape = int(rng.choice(free))
        low, high = max(0.0, changed[blendshape] - LARGEST_CHANGE), min(1.0, changed[blendshape] + LARGEST_CHANGE)
        changed[blendshape], left[blendshape] = rng.uniform(low, high), False
        changed[_RIVALS[blendshape]] = 0
    close, jaw = EXPRESSION_INDEX["mouthClose"], EXPRESSION_INDEX["jawOpen"]
    changed[close] = min(changed[close], changed[jaw])
    return changed


def moved_landmarks(
    face: FaceArrays, expression: Float[np.ndarray, "e"], points: nn.Module
) -> Float[np.ndarray, "68 2"]:
    """Move the marked points of one face as the model's move between its expression and another, at its pose.

    The marked points need not be the model's; they only say how large the face is.
    """
    identity = torch.from_numpy(np.repeat(face.identity, 2, axis=0))
    with torch.no_grad():
        shapes = points(identity, torch.from_numpy(np.stack([face.expression[0], expression]))).numpy()
    before, after = (shapes @ matrix_from_wxyz(face.wxyz[0]).T)[..., :2] * np.array([1, -1])
    model, marked = before - before.mean(0), face.landmarks[0] - face.landmarks[0].mean(0)
    px_per_m = max(0.0, float((model * marked).sum() / np.square(model).sum()))
    return (face.landmarks[0] + px_per_m * (after - before)).astype(np.float32)


def warped(
    image: UInt8[np.ndarray, "s s 3"], before: Float[np.ndarray, "l 2"], after: Float[np.ndarray, "l 2"]
) -> UInt8[np.ndarray, "s s 3"]:
    """Redraw a square picture so that what was at `before` is at `after`, everything between follows, the edge stays.

    Each pixel is looked up where a smooth field says it came from: kernel ridge regression of the moves, known at the
    new points, and cut to their range: between lips that close it would swing far beyond. The kernel is a product over
    the axes, so that the field costs two small matrix products.
    """
    side = image.shape[0]
    x, y = np.concatenate([after / side, _BORDER]).T
    back = np.concatenate([before - after, np.zeros_like(_BORDER)])
    weights = np.linalg.solve(_kernel(x, x) * _kernel(y, y) + _RIDGE * np.eye(len(x)), back)
    pixels = np.arange(side) + 0.5
    across, down = (_kernel(pixels / side, axis) for axis in (x, y))
    field = np.stack([down @ (across * weight).T for weight in weights.T], axis=-1).clip(back.min(0), back.max(0))
    return look_up(image, pixels + field[..., 0], pixels[:, None] + field[..., 1], border=cv2.BORDER_REPLICATE)


def _kernel(first: Float[np.ndarray, "m"], second: Float[np.ndarray, "n"]) -> Float[np.ndarray, "m n"]:
    """Matern kernel of smoothness 3/2: smooth where Gaussians are ill-conditioned, and zero far away."""
    distance = abs(first[:, None] - second) * (np.sqrt(3) / _REACH)
    return (1 + distance) * np.exp(-distance)
