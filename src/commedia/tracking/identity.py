"""Who a track is: the mean of its identity predictions, each as heavy as it is believable.

As it goes, `updated_mean`; of a whole take at once `robust_mean`, which also sees who does not fit.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

COARSE_WEIGHT = 0.25
"""Weight of a prediction from the whole picture (MFN) against one from a full-resolution crop (SFN)."""

PROFILE_WEIGHT = 0.2
"""Weight of a face seen from the side against one seen from the front: half of it is hidden."""

SURE = 30.0
"""Weight at which somebody is known: a second, at 30 frames per second, seen from the front and in full resolution."""

ROUNDS = 8
FAR = 1.5
"""Predictions further from the mean than this many times the middle distance pull no harder than at that distance."""


class IdentityMean(NamedTuple):
    """Weighted mean so far."""

    value: Float[np.ndarray, "i"]
    weight: float


def prediction_weight(confidence: float, wxyz: Float[np.ndarray, "4"], *, refined: bool) -> float:
    """Say how much one prediction counts."""
    # The last element of the rotation matrix: the cosine between the face's axis and the line of sight.
    frontal = max(PROFILE_WEIGHT, 1 - 2 * float(wxyz[1] ** 2 + wxyz[2] ** 2))
    return max(confidence, 1e-3) * frontal * (1.0 if refined else COARSE_WEIGHT)


def updated_mean(
    mean: IdentityMean | None, identity: Float[np.ndarray, "i"], weight: float, *, sure: float | None = None
) -> IdentityMean:
    """Add one prediction of positive weight; a mean that weighs `sure` or more stays as it is."""
    if mean is None:
        return IdentityMean(identity.astype(np.float32), weight)
    if sure is not None and mean.weight >= sure:
        return mean
    total = mean.weight + weight
    value = mean.value + (identity - mean.value) * np.float32(weight / total)
    return IdentityMean(value.astype(np.float32), total)


def robust_mean(identities: Float[np.ndarray, "n i"], weights: Float[np.ndarray, "n"]) -> Float[np.ndarray, "i"]:
    """All predictions of one person and their weights, some positive, to a mean that few wrong ones do not move.

    Reference: Huber 1964, by reweighting.
    """
    identities, weights = identities.astype(np.float32), weights.astype(np.float32)
    mean = np.median(identities[weights > 0], axis=0)
    for _ in range(ROUNDS):
        distances = np.linalg.norm(identities - mean, axis=1)
        usual = FAR * float(np.median(distances[weights > 0]))
        if usual == 0:
            # More than half say the same.
            break
        pull = weights * np.minimum(1, usual / np.maximum(distances, 1e-9))
        mean = pull @ identities / pull.sum()
    return mean.astype(np.float32)
