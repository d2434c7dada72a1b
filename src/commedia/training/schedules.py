"""How the learning rate follows the budget, and how the optimisers are made."""

import math

import torch
from torch import nn

from commedia.training.checkpoints import Progress
from commedia.training.config import Optimisation
from commedia.training.freeze import is_frozen

WARM_UP_SHARE = 0.02
LOWEST_RATE = 1e-6
PATIENCE = 5
"""Epochs without a better validation loss after which the plateau schedule divides by ten (paper 1, 4.3.1)."""


def learning_rate(config: Optimisation, share: float, progress: Progress) -> float:
    """Say the rate at a share (0 to 1) of the budget."""
    if config.schedule == "constant":
        return config.learning_rate
    if config.schedule == "plateau":
        return max(LOWEST_RATE, config.learning_rate * 0.1**progress.drops)
    if share < WARM_UP_SHARE:
        return config.learning_rate * (0.05 + 0.95 * share / WARM_UP_SHARE)
    fallen = (share - WARM_UP_SHARE) / (1 - WARM_UP_SHARE)
    return max(LOWEST_RATE, config.learning_rate * (1 + math.cos(math.pi * fallen)) / 2)


def watch_plateau(progress: Progress, validation_loss: float) -> None:
    """Count epochs without a better loss, and drop the rate after `PATIENCE` of them."""
    if validation_loss < progress.best_loss:
        progress.best_loss, progress.stale_epochs = validation_loss, 0
        return
    progress.stale_epochs += 1
    if progress.stale_epochs >= PATIENCE:
        progress.drops, progress.stale_epochs = progress.drops + 1, 0


def optimiser_for(network: nn.Module, config: Optimisation) -> torch.optim.Optimizer:
    """Make the optimiser of all that is not frozen; biases and norms are never decayed."""
    groups = []
    for share in (1.0, config.slow_share):
        moving = [
            parameter
            for name, parameter in network.named_parameters()
            if parameter.requires_grad and is_frozen(name, config.slow) == (share != 1.0)
        ]
        decayed = [parameter for parameter in moving if parameter.ndim > 1]
        free = [parameter for parameter in moving if parameter.ndim <= 1]
        groups += [
            {"params": decayed, "weight_decay": config.weight_decay, "share": share},
            {"params": free, "weight_decay": 0.0, "share": share},
        ]
    kind = torch.optim.Adam if config.optimiser == "adam" else torch.optim.AdamW
    return kind([group for group in groups if group["params"]], lr=config.learning_rate, foreach=True)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give each group of weights its share of a learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["share"]
