"""Loss of the points network: how far its points are, by how sure it was of them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from commedia.losses.faces import FaceTargets, Loss, mean_by_weight
from commedia.losses.parameters import identity_error
from commedia.networks.ours.points import PointsRead


@dataclass(frozen=True)
class PointsLossConfig:
    """Weights of the terms."""

    sure: float = 1.0
    first: float = 20.0
    """Of the mean distance after the first time, in crop sides."""
    last: float = 40.0
    """Of that after the second: a network that knows how unsure it is would else take little care of what it thinks
    hard."""
    identity: float = 0.5
    photographs: float = 0.3
    """Trust in a photograph's labels, which are fitted; those of drawn faces are exact."""


def points_loss(read: PointsRead, targets: FaceTargets, config: PointsLossConfig) -> Loss:
    """Sum the terms over the faces that have them; `landmark_weight` already holds the trust."""
    trust = targets.landmark_weight
    terms = {
        "sure": mean_by_weight(surprise(read.points, read.sure, targets.landmarks).mean(1), trust),
        "first": mean_by_weight((read.first - targets.landmarks).norm(dim=-1).mean(1), trust),
        "last": mean_by_weight((read.points - targets.landmarks).norm(dim=-1).mean(1), trust),
        "identity": mean_by_weight(identity_error(read.identity.float(), targets.identity), targets.identity_weight),
    }
    total = sum((getattr(config, name) * term for name, term in terms.items()), start=read.points.new_zeros(()))
    return Loss(total, tuple(terms.items()))


def surprise(
    points: Float[Tensor, "b p 2"], sure: Float[Tensor, "b p 3"], truth: Float[Tensor, "b p 2"]
) -> Float[Tensor, "b p"]:
    """Negative logarithm of how likely the truth was, but for a constant: exp(-length) of the errors as weighed."""
    across, down = (truth - points).unbind(-1)
    first, mixed, last = sure.unbind(-1)
    length = torch.stack([first * across, mixed * across + last * down], -1).square().sum(-1).add(1e-6).sqrt()
    return length - first.log() - last.log()
