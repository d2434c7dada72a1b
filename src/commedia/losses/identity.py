"""Loss of the identity network: millimetres at rest, and how well it knew them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from commedia.losses.faces import FaceTargets, Loss, mean_by_weight
from commedia.losses.parameters import rotation_error
from commedia.networks.ours.identity import IdentityRead


@dataclass(frozen=True)
class IdentityLossConfig:
    """Weights of the terms."""

    shape: float = 1.0
    sure: float = 0.02
    """Nothing but `sure` learns from it: who is unsure says what is likeliest all the same."""
    points: float = 10.0
    expression: float = 1.0
    rotation: float = 2.0


def identity_loss(
    read: IdentityRead, targets: FaceTargets, mm_from_identity: Float[Tensor, "i i"], config: IdentityLossConfig
) -> Loss:
    """Sum the terms over the faces that have them."""
    off = off_mm(read.identity, targets.identity, mm_from_identity)
    known, expressed = targets.identity_weight, targets.expression_weight
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(
        read.expression, targets.expression, reduction="none"
    )
    wxyz = torch.nn.functional.normalize(read.wxyz, dim=-1)
    terms = {
        "shape": mean_by_weight(off.square().sum(-1).add(1e-6).sqrt(), known),
        "sure": mean_by_weight(spread_surprise(off.detach(), read.sure).mean(-1), known),
        "points": mean_by_weight((read.points - targets.landmarks).norm(dim=-1).mean(1), targets.landmark_weight),
        "expression": (entropy * expressed).sum() / expressed.sum().clamp_min(1.0),
        "rotation": mean_by_weight(rotation_error(wxyz, targets.wxyz), targets.pose_weight),
    }
    return Loss(sum(getattr(config, name) * term for name, term in terms.items()), tuple(terms.items()))


def off_mm(
    predicted: Float[Tensor, "b i"], truth: Float[Tensor, "b i"], mm_from_identity: Float[Tensor, "i i"]
) -> Float[Tensor, "b i"]:
    """How far identities are apart at rest, in millimetres, direction by direction."""
    return (predicted - truth) @ mm_from_identity


def spread_surprise(off: Float[Tensor, "b i"], log_spread: Float[Tensor, "b i"]) -> Float[Tensor, "b i"]:
    """Negative logarithm of how likely errors were under normal distributions of such spread, but for a constant."""
    return 0.5 * (off * torch.exp(-log_spread)).square() + log_spread
