"""Loss of the embedding: near what a teacher says of the same face; one person's faces near, two people's far."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from commedia.losses.faces import Loss


class EmbeddingTargets(NamedTuple):
    """Truth about faces."""

    embedding: Float[Tensor, "b e"]
    """What the teacher says, without its mean and of unit length."""
    person: Int[Tensor, "b"]
    """Number of who it is; -1 where nobody knows."""


@dataclass(frozen=True)
class EmbeddingLossConfig:
    """Weights and margins."""

    teacher: float = 1.0
    people: float = 0.5
    same_least: float = 0.8
    """Cosine that two faces of one person should reach ..."""
    other_most: float = 0.25
    """... and that faces of two should stay below."""


def embedding_loss(found: Float[Tensor, "b e"], targets: EmbeddingTargets, config: EmbeddingLossConfig) -> Loss:
    """Cosine distance to the teacher, and hinges on the cosines of all pairs of known people."""
    teacher = (1 - (found * targets.embedding).sum(1)).mean()
    cosine, person = found @ found.T, targets.person
    known = (person[:, None] >= 0) & (person[None, :] >= 0) & ~torch.eye(len(person), dtype=torch.bool)
    same = known & (person[:, None] == person[None, :])
    near = _violations(config.same_least - cosine, same)
    far = _violations(cosine - config.other_most, known & ~same)
    total = config.teacher * teacher + config.people * (near + far)
    return Loss(total, (("teacher", teacher), ("same", near), ("other", far)))


def _violations(excess: Float[Tensor, "b b"], pairs: Tensor) -> Float[Tensor, ""]:
    """Mean excess of the pairs that violate their margin; 0 when none does."""
    violating = pairs & (excess > 0)
    return (excess * violating).sum() / violating.sum().clamp_min(1)
