"""Errors that validation reports; the numbers that are published come from `evaluation/`."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from commedia.losses.faces import FaceTargets


def normalised_error(predicted: Float[Tensor, "b 68 2"], targets: FaceTargets) -> float:
    """Mean distance of trusted points in % of the root of the area of their true tight box; NaN without any."""
    if not targets.landmark_weight.any():
        return float("nan")
    extent = targets.landmarks.amax(1) - targets.landmarks.amin(1)
    distance = (predicted - targets.landmarks).norm(dim=-1).mean(-1) / extent.prod(-1).clamp_min(1e-9).sqrt()
    return float(100 * (distance * targets.landmark_weight).sum() / targets.landmark_weight.sum())


def active_error(expression: Float[Tensor, "b e"], targets: FaceTargets) -> float:
    """Mean absolute error of well trusted blendshapes that are really active; NaN when there is none."""
    active = (targets.expression > 0.5) & (targets.expression_weight > 0.5)
    if not active.any():
        return float("nan")
    return float((expression - targets.expression).abs()[active].mean())


def rankings(predicted: Float[Tensor, "n e"], truth: Float[Tensor, "n e"]) -> Float[Tensor, "e"]:
    """ROC area of active (truth above 0.5) against resting (0), blendshape by blendshape; NaN without either."""
    active, resting = truth > 0.5, truth == 0
    among = torch.where(active | resting, predicted, torch.inf).argsort(0).argsort(0).double()
    ups, downs = active.sum(0), resting.sum(0)
    return ((among * active).sum(0) - ups * (ups - 1) / 2) / (ups * downs)


def correlations(predicted: Float[Tensor, "n e"], truth: Float[Tensor, "n e"]) -> Float[Tensor, "e"]:
    """Pearson's, blendshape by blendshape; 0 where either does not move."""
    a, b = predicted - predicted.mean(0), truth - truth.mean(0)
    return (a * b).sum(0) / (a.square().sum(0) * b.square().sum(0)).sqrt().clamp_min(1e-12)


def angles_deg(predicted: Float[Tensor, "n 4"], truth: Float[Tensor, "n 4"]) -> Float[Tensor, "n"]:
    """Angle between rotations."""
    return torch.rad2deg(2 * (predicted * truth).sum(-1).abs().clamp_max(1).acos())


def verification(found: Float[Tensor, "n e"], person: Int[Tensor, "n"]) -> tuple[float, float]:
    """Embeddings and who they are to the share of same pairs above the best 1 % of others, and the equal error rate."""
    above = torch.ones(len(found), len(found), dtype=torch.bool).triu(1)
    cosine, is_same = (found @ found.T)[above], (person[:, None] == person[None, :])[above]
    same, other = cosine[is_same].sort().values, cosine[~is_same].sort().values
    if not len(same) or not len(other):
        return float("nan"), float("nan")
    limit = other[int(0.99 * len(other))]
    rejected = torch.arange(len(same)) / len(same)
    accepted = 1 - torch.searchsorted(other, same) / len(other)
    equal = (rejected - accepted).abs().argmin()
    return float((same > limit).float().mean()), float(rejected[equal] + accepted[equal]) / 2
