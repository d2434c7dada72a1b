"""A network whose norms are folded, as one that begins with an .onnx file, to the same with norms that may be trained.

Training normalises by the batch: a norm that says mean 0 and variance 1 whatever it is given would change what the
network says at the first step. Each gets the mean and the variance of what it is given, and a scale and a shift that
undo both.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from commedia.networks.from_onnx import Norm, folded_norms
from commedia.training.tasks import Task

BATCHES = 8


def measure_norms(network: nn.Module, task: Task, batches: int = BATCHES) -> int:
    """Unfold norms by what they are given in the first batches of a task; returns how many were folded.

    What the network says in evaluation mode stays, and it is left in that mode.
    """
    if not folded_norms(network):
        return 0
    return unfold_norms(network, task, (task.pixels(task.batch(step)) for step in range(batches)))


@torch.no_grad()
def unfold_norms(network: nn.Module, task: Task, seen: Iterable[Any]) -> int:
    """The same by what a task's network reads in `seen`; norms that it does not reach stay folded."""
    network.eval()
    norms = {norm: Spread() for norm in folded_norms(network)}
    with ExitStack() as hooks:
        for norm, spread in norms.items():
            hooks.enter_context(norm.register_forward_pre_hook(spread))
        for pixels in seen:
            task.read(network, pixels)
    for norm, spread in norms.items():
        if spread.count:
            _unfold(norm, *spread.mean_and_variance())
    return len(norms)


class Spread:
    """Mean and variance of each channel over all that a norm is told."""

    def __init__(self) -> None:
        self.count = 0
        self.sum: Tensor | float = 0.0
        self.squares: Tensor | float = 0.0

    def __call__(self, norm: nn.Module, told: tuple[Tensor]) -> None:
        values = told[0].double().transpose(0, 1).flatten(1)
        self.count += values.shape[1]
        self.sum = self.sum + values.sum(1)
        self.squares = self.squares + values.square().sum(1)

    def mean_and_variance(self) -> tuple[Tensor, Tensor]:
        mean = torch.as_tensor(self.sum / self.count)
        return mean, (torch.as_tensor(self.squares / self.count) - mean.square()).clamp_min(0)


def _unfold(norm: Norm, mean: Tensor, variance: Tensor) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.add_(norm.running_mean)
