"""Distance of predicted parameters from fitted or synthetic truth: the first term of Eq. 3, blendshape by blendshape
trusted."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

ACTIVE_ABOVE = 0.2
"""Blendshapes whose truth is larger really move."""


def identity_error(predicted: Float[Tensor, "b i"], truth: Float[Tensor, "b i"]) -> Float[Tensor, "b"]:
    """Mean absolute error. Reference: Chaudhuri et al. 2019, Eq. 3, w_id."""
    return (predicted - truth).abs().mean(-1)


def expression_error(
    predicted: Float[Tensor, "b e"],
    truth: Float[Tensor, "b e"],
    label_weight: Float[Tensor, "b e"],
    *,
    active_weight: float = 1.0,
) -> Float[Tensor, "b"]:
    """Mean absolute error, each blendshape weighted by how much its truth is believed.

    With `active_weight` > 1 blendshapes that really move count more: a blendshape at rest nine times in ten otherwise
    has 0 as its best constant answer, and an L1 loss finds that answer first. Trust 1 and active weight 1 are w_exp of
    Chaudhuri et al. 2019, Eq. 3.
    """
    weight = label_weight * torch.where(truth > ACTIVE_ABOVE, active_weight, 1.0)
    return (weight * (predicted - truth).abs()).mean(-1)


def expression_entropy(
    predicted: Float[Tensor, "b e"],
    truth: Float[Tensor, "b e"],
    label_weight: Float[Tensor, "b e"],
    *,
    active_weight: float = 1.0,
) -> Float[Tensor, "b"]:
    """Mean cross-entropy of weights read as probabilities; least, though not zero, where prediction and truth agree.

    Unlike `expression_error` behind a sigmoid, its pull on the logit is the error itself, so that a blendshape
    predicted at rest that really moves is corrected at full strength: measured, the absolute error had not begun to
    learn sparse blendshapes after 1,500 steps of 64.
    """
    weight = label_weight * torch.where(truth > ACTIVE_ABOVE, active_weight, 1.0)
    likely = predicted.to(torch.promote_types(predicted.dtype, torch.float32)).clamp(1e-4, 1 - 1e-4)
    return -(weight * (truth * likely.log() + (1 - truth) * (1 - likely).log())).mean(-1)


def mixed_expression_error(
    logits: Float[Tensor, "b e"], truth: Float[Tensor, "b e"], label_weight: Float[Tensor, "b e"], *, absolute: float
) -> Float[Tensor, ""]:
    """Mean over all that is believed, `absolute` of it the error and the rest the cross-entropy, from before the
    sigmoid: no logit is too large to be corrected."""
    error = (1 - absolute) * binary_cross_entropy_with_logits(logits, truth, reduction="none")
    if absolute:
        error = error + absolute * (torch.sigmoid(logits) - truth).abs()
    return (error * label_weight).sum() / label_weight.sum().clamp_min(1.0)


def rotation_error(predicted: Float[Tensor, "b 4"], truth: Float[Tensor, "b 4"]) -> Float[Tensor, "b"]:
    """Mean absolute error of the quaternion (Chaudhuri et al. 2019, Eq. 3, R), to the nearer of its signs (ours)."""
    same, opposite = (predicted - truth).abs().mean(-1), (predicted + truth).abs().mean(-1)
    return torch.minimum(same, opposite)
