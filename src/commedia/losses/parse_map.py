"""How a parser's map differs from the true one: cross-entropy and overlap, of the pixels that anybody knows."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from commedia.losses.faces import Loss


@dataclass(frozen=True)
class ParseMapLossConfig:
    """Weights."""

    entropy: float = 1.0
    overlap: float = 2.0
    """Of what the classes' overlaps lack, each class alike: brows and lips are a hundredth of the pixels."""


def parse_map_loss(
    logits: Float[Tensor, "b k h w"], truth: Float[Tensor, "b k h w"], config: ParseMapLossConfig
) -> Loss:
    """Compare classes pixel by pixel. `truth` are shares of each pixel; they sum to how much of it is known."""
    entropy = -(truth * logits.log_softmax(1)).sum() / truth.sum().clamp_min(1)
    lacking = 1 - class_overlap(logits.softmax(1) * truth.sum(1, keepdim=True), truth)
    lacking = lacking.mean()
    total = config.entropy * entropy + config.overlap * lacking
    return Loss(total, (("entropy", entropy), ("overlap", lacking)))


def class_overlap(said: Float[Tensor, "b k h w"], truth: Float[Tensor, "b k h w"]) -> Float[Tensor, "k"]:
    """Soft overlap of each class over the whole batch, 0 to 1 (Dice); a class that is nowhere overlaps fully.

    Reference: Milletari et al. 2016, V-Net, with the squares of its denominator.
    """
    both = (said * truth).sum((0, 2, 3))
    each = said.square().sum((0, 2, 3)) + truth.square().sum((0, 2, 3))
    return (2 * both + 1e-3) / (each + 1e-3)


def confusion(said: Tensor, truth: Tensor, classes: int) -> Float[Tensor, "k k"]:
    """Count pixels by true class (rows) and class said; a true class outside 0 to `classes` - 1 is not counted."""
    known = (truth >= 0) & (truth < classes)
    pairs = truth[known].long() * classes + said[known].long()
    return torch.bincount(pairs, minlength=classes**2).view(classes, classes).double()


def intersection_over_union(counts: Float[Tensor, "k k"]) -> Float[Tensor, "k"]:
    """Of each class; NaN where it is neither true nor said."""
    both = counts.diagonal()
    either = counts.sum(0) + counts.sum(1) - both
    return both / either
