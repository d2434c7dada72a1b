"""The identity-consistent constraint of paper 3: all frames of a person are to say the same identity."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

PseudoLabel = Literal["mean", "median", "pairwise"]
"""What a group's identities are pulled to: their mean, the paper's choice; their median; or each other, two by two."""


def identity_consistency(identity: Float[Tensor, "g t i"], label: PseudoLabel = "mean") -> Float[Tensor, "g"]:
    """Mean squared distance of a group's identities from the identity they agree on, over its frames and components.

    The label is fixed while it pulls: no gradient goes through it.

    Reference: Mo et al. 2022, Eq. 3, and their supplement for the other labels. Eq. 3 sums over components and frames;
    the authors' code takes the mean over components, which is this times the number of frames.
    """
    if label == "pairwise":
        others = identity.detach()
        apart = (identity[:, :, None] - others[:, None]).square().mean(-1)
        frames = identity.shape[1]
        return apart.sum((1, 2)) / max(frames * (frames - 1), 1)
    agreed = identity.mean(1, keepdim=True) if label == "mean" else _median(identity)
    return (identity - agreed.detach()).square().mean((1, 2))


def _median(identity: Float[Tensor, "g t i"]) -> Float[Tensor, "g 1 i"]:
    """Component by component; between the middle two where there is an even number, unlike torch's."""
    return torch.quantile(identity, 0.5, dim=1, keepdim=True)
