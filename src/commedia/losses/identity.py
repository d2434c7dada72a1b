"""Loss of the identity network: millimetres at rest, and how well it knew them."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from commedia.losses.faces import FaceTargets, Loss, mean_by_weight
from commedia.losses.parameters import rotation_error
from commedia.networks.ours.identity import IdentityRead


class Millimetres(NamedTuple):
    """What differences of parameters are multiplied with to be as long as a face moves, but for rigid motions."""

    rest: Float[Tensor, "i i"]
    """Of identities."""
    frame: Float[Tensor, "p p"]
    """Of identities and expressions, one after the other."""


@dataclass(frozen=True)
class IdentityLossConfig:
    """Weights of the terms."""

    rest: float = 1.0
    """Millimetres of the face at rest, ..."""
    frame: float = 1.0
    """... and as it is in the picture."""
    sure: float = 0.02
    """Nothing but `sure` learns from it: who is unsure says what is likeliest all the same."""
    points: float = 10.0
    expression: float = 0.5
    rotation: float = 2.0


def identity_loss(
    read: IdentityRead, targets: FaceTargets, millimetres: Millimetres, config: IdentityLossConfig
) -> Loss:
    """Sum the terms over the faces that have them."""
    off = (read.identity - targets.identity) @ millimetres.rest
    both = torch.cat([read.identity - targets.identity, read.expression - targets.expression], 1)
    known, expressed = targets.identity_weight, targets.expression_weight
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(
        read.logits, targets.expression.clamp(0, 1), reduction="none"
    )
    wxyz = torch.nn.functional.normalize(read.wxyz, dim=-1)
    terms = {
        "rest": mean_by_weight(length(off), known),
        "frame": mean_by_weight(length(both @ millimetres.frame), known * (expressed > 0).all(-1)),
        "sure": mean_by_weight(spread_surprise(off.detach(), read.sure).mean(-1), known),
        "points": mean_by_weight((read.points - targets.landmarks).norm(dim=-1).mean(1), targets.landmark_weight),
        "expression": (entropy * expressed).sum() / expressed.sum().clamp_min(1.0),
        "rotation": mean_by_weight(rotation_error(wxyz, targets.wxyz), targets.pose_weight),
    }
    total = sum((getattr(config, name) * term for name, term in terms.items()), start=off.new_zeros(()))
    return Loss(total, tuple(terms.items()))


def length(off: Float[Tensor, "b p"]) -> Float[Tensor, "b"]:
    """Of each row; with a gradient at 0."""
    return off.square().sum(-1).add(1e-6).sqrt()


def spread_surprise(off: Float[Tensor, "b i"], log_spread: Float[Tensor, "b i"]) -> Float[Tensor, "b i"]:
    """Negative logarithm of how likely errors were under normal distributions of such spread, but for a constant."""
    return 0.5 * (off * torch.exp(-log_spread)).square() + log_spread
