"""Loss of SFN with patch readers: points, parameters and landmarks of faces, and whether there is one."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from commedia.losses.faces import FaceTargets, Loss, mean_by_weight
from commedia.losses.landmark import LandmarkModel, projected
from commedia.losses.parameters import identity_error
from commedia.networks.ours.sfn import RegionFaces


@dataclass(frozen=True)
class RegionLossConfig:
    """Weights of the terms; lengths are in crop sides."""

    expression: float = 8.0
    regions: float = 4.0
    """Of what the patches alone say, so that they learn what the trunk could have guessed."""
    absolute: float = 0.5
    """Share of the expression's loss that is the absolute error; the rest is cross-entropy. The first asks for the
    median, which rests, the second for the mean, which pulls harder."""
    points: float = 30.0
    landmarks: float = 30.0
    rotation: float = 10.0
    identity: float = 0.5
    presence: float = 0.5


def region_loss(
    read: RegionFaces, targets: FaceTargets, present: Float[Tensor, "b"], model: LandmarkModel, config: RegionLossConfig
) -> Loss:
    """Sum the terms, each averaged over the faces that have it; parts are before their weights."""
    faces = read.faces
    landmarks = projected(model, faces)
    sign = torch.where((faces.wxyz * targets.wxyz).sum(-1, keepdim=True) < 0, -1.0, 1.0)
    terms = {
        "expression": _expression(read.logits, targets, config.absolute),
        "regions": _expression(read.regions, targets, config.absolute),
        "points": mean_by_weight((read.points - targets.landmarks).abs().mean((1, 2)), targets.landmark_weight),
        "landmarks": mean_by_weight((landmarks - targets.landmarks).abs().mean((1, 2)), targets.landmark_weight),
        "rotation": mean_by_weight((faces.wxyz - sign * targets.wxyz).abs().mean(1), targets.pose_weight),
        "identity": mean_by_weight(identity_error(faces.identity, targets.identity), targets.identity_weight),
        "presence": binary_cross_entropy_with_logits(read.presence[:, 0], present),
    }
    return Loss(sum(getattr(config, name) * term for name, term in terms.items()), tuple(terms.items()))


def _expression(logits: Float[Tensor, "b e"], targets: FaceTargets, absolute: float) -> Float[Tensor, ""]:
    truth, weight = targets.expression, targets.expression_weight
    entropy = softplus(logits) - truth * logits
    error = (1 - absolute) * entropy + absolute * (torch.sigmoid(logits) - truth).abs() if absolute else entropy
    return (error * weight).sum() / weight.sum().clamp_min(1.0)
