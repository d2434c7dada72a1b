"""Errors that validation reports; the numbers that are published come from `evaluation/`."""

from jaxtyping import Float
from torch import Tensor

from commedia.losses.faces import FaceTargets


def normalised_error(predicted: Float[Tensor, "b 68 2"], targets: FaceTargets) -> float:
    """Mean distance of trusted points in % of the root of the area of their true tight box; NaN without any."""
    if not targets.landmark_trust.any():
        return float("nan")
    extent = targets.landmarks.amax(1) - targets.landmarks.amin(1)
    distance = (predicted - targets.landmarks).norm(dim=-1).mean(-1) / extent.prod(-1).clamp_min(1e-9).sqrt()
    return float(100 * (distance * targets.landmark_trust).sum() / targets.landmark_trust.sum())


def active_error(expression: Float[Tensor, "b e"], targets: FaceTargets) -> float:
    """Mean absolute error of well trusted units that are really active; NaN when there is none."""
    active = (targets.expression > 0.5) & (targets.expression_trust > 0.5)
    if not active.any():
        return float("nan")
    return float((expression - targets.expression).abs()[active].mean())
