"""Loss of TrackNet and ModelNet (Chaudhuri et al. 2020, Eq. 3): what draws people's frames explains their pictures,
points and parts, and leaves blendshapes what they are. Terms that compare with known parameters are ours; their weight
is 0 there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from commedia.conventions import EXPRESSION_COUNT
from commedia.losses.faces import FaceTargets, Loss, mean_by_weight
from commedia.losses.parameters import expression_entropy, expression_error, rotation_error
from commedia.losses.picture import coefficient_energy, expression_size, light_penalty
from commedia.networks.paper3.cpem import CpemOutputs


@dataclass(frozen=True)
class PersonalLossConfig:
    """Weights. The paper's are in a supplement that is lost; these are ours for its terms, of comparable size.

    Colours are 0 to 1, points in crop sides, shapes in decimetres (a face is 1.4 wide).
    """

    photometric: float = 1.0
    image_gradient: float = 1.0
    squared_landmarks: float = 10.0
    parsing: float = 1.0
    roughness: float = 100.0
    blendshape_gradient: float = 1.0
    sparsity: float = 0.02
    light: float = 0.1
    light_strength: float = 0.1
    landmarks: float = 0.0
    """Of the mean absolute distance of points; ours, as are all below."""
    expression: float = 0.0
    absolute: float = 0.5
    """Share of the expression's loss that is the absolute error; the rest is cross-entropy."""
    rotation: float = 0.0
    vertices: float = 0.0
    """Of the mean distance of the face's vertices from a drawn person's, in the head frame."""
    identity_decay: float = 0.0
    texture_decay: float = 0.0
    picture_px: int = 224
    """Side of the pictures drawn."""
    shapes_at_once: int = EXPRESSION_COUNT
    """How many blendshapes, others in every step, the blendshape gradients are taken of."""


Terms = dict[str, Callable[[], Float[Tensor, "..."]]]
"""By the names of their weights; each is asked for only if it counts."""


def reading_terms(
    faces: CpemOutputs, points: Float[Tensor, "b 68 2"], targets: FaceTargets, config: PersonalLossConfig
) -> Terms:
    """What is asked of what TrackNet reads in each face."""
    error = expression_error(faces.expression, targets.expression, targets.expression_weight)
    trust = targets.landmark_weight
    return {
        "squared_landmarks": lambda: mean_by_weight((points - targets.landmarks).square().sum(-1).mean(-1), trust),
        "landmarks": lambda: mean_by_weight((points - targets.landmarks).abs().mean((1, 2)), trust),
        "sparsity": lambda: expression_size(faces.expression),
        "light": lambda: light_penalty(faces.light, config.light_strength),
        "expression": lambda: (
            config.absolute * error
            + (1 - config.absolute)
            * expression_entropy(faces.expression, targets.expression, targets.expression_weight)
        ),
        "rotation": lambda: mean_by_weight(rotation_error(faces.wxyz, targets.wxyz), targets.pose_weight),
        "identity_decay": lambda: coefficient_energy(faces.identity),
        "texture_decay": lambda: coefficient_energy(faces.texture),
    }


def weighted_sum(terms: Terms, config: PersonalLossConfig) -> Loss:
    """Sum the means of the terms that have a weight; parts are before it."""
    asked = {name: getattr(config, name) for name in terms if getattr(config, name)}
    values = {name: _mean(terms[name]()) for name in asked}
    total = torch.stack([weight * values[name] for name, weight in asked.items()]).sum()
    return Loss(total, tuple(values.items()))


def _mean(values: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    return values.sum() / max(values.numel(), 1)
