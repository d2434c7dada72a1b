"""Everything a run needs to go on exactly where it stopped, in one file that is never half-written."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from commedia.errors import WeightsMismatch
from commedia.files import write_file
from commedia.training.config import Finish


@dataclass
class Progress:
    """Where a run is; changes as it goes."""

    step: int = 0
    """Of the whole run, as is the time."""
    elapsed_s: float = 0.0
    stage: int = 0
    epoch: int = 1
    """Of the stage, as is all that follows."""
    best_loss: float = float("inf")
    stale_epochs: int = 0
    """Epochs since the validation loss was last better; the plateau schedule counts them."""
    drops: int = 0
    """How often the plateau schedule has divided the learning rate by ten."""
    averaged: int = 0
    """Steps that the running average has seen, and ..."""
    in_mean: int = 0
    """... those that the mean at the end of the stage is made of."""
    finished: list[dict[str, Any]] = field(default_factory=list)
    """What the card says of the stages that are over."""

    def begin(self, stage: int) -> None:
        """Go to a stage: its epochs and averages start anew."""
        done = Progress(self.step, self.elapsed_s, stage, finished=self.finished)
        vars(self).update(vars(done))


class Average:
    """Average of a network's parameters and buffers over a stage, kept as a network of its own."""

    def __init__(self, network: nn.Module, decay: float, finish: Finish):
        network.eval().requires_grad_(False)
        self.network, self.decay, self.finish = network, decay, finish

    @torch.no_grad()
    def update(self, network: nn.Module, progress: Progress, share: float) -> None:
        """Move towards the network at a share of the stage."""
        if self.finish.kind == "mean" and share >= 1 - self.finish.over:
            progress.in_mean += 1
            move = 1 / progress.in_mean
        else:
            # Early averages are short, or they would remember the untrained start.
            move = 1 - min(self.decay, (1 + progress.averaged) / (10 + progress.averaged))
            progress.averaged += 1
        for mine, theirs in zip(_floats(self.network), _floats(network), strict=True):
            mine.lerp_(theirs, move)


def _floats(network: nn.Module) -> list[Tensor]:
    tensors = (*network.parameters(), *network.buffers())
    return [tensor.data for tensor in tensors if tensor.is_floating_point()]


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write everything that a resumed run needs; whole or not at all."""
    encoded = io.BytesIO()
    torch.save(state, encoded)
    write_file(path, encoded.getbuffer())


def load_checkpoint(path: Path, recipe: str) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote; raises WeightsMismatch for another recipe's file or one that is none."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        written = state["recipe"]
    except (OSError, KeyError, RuntimeError, TypeError, EOFError) as problem:
        raise WeightsMismatch(f"'{path}' is not a checkpoint: {problem}") from problem
    if written != recipe:
        raise WeightsMismatch(f"'{path}' was written by the recipe '{written}', not by '{recipe}'")
    return state
