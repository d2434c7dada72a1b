"""Everything a run needs to go on exactly where it stopped, in one file that is never half-written."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from commedia.errors import WeightsMismatch
from commedia.files import write_file
from commedia.networks.registry import Network


@dataclass
class Progress:
    """Where a run is; changes as it goes."""

    step: int = 0
    elapsed_s: float = 0.0
    epoch: int = 1
    best_loss: float = float("inf")
    stale_epochs: int = 0
    """Epochs since the validation loss was last better; the plateau schedule counts them."""
    drops: int = 0
    """How often the plateau schedule has divided the learning rate by ten."""


class Average:
    """Running average of a network's parameters and buffers, kept as a network of its own."""

    def __init__(self, network: Network, decay: float):
        network.eval().requires_grad_(False)
        self.network, self.decay = network, decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the network; early averages are short, or they would remember the untrained start."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        for mine, theirs in zip(_floats(self.network), _floats(network), strict=True):
            mine.lerp_(theirs, share)


def _floats(network: nn.Module) -> list[Tensor]:
    tensors = (*network.parameters(), *network.buffers())
    return [tensor.data for tensor in tensors if tensor.is_floating_point()]


def save_checkpoint(
    path: Path,
    recipe: str,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Write everything that a resumed run needs."""
    state = {
        "recipe": recipe,
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "progress": vars(progress),
        "random": torch.get_rng_state(),
    }
    encoded = io.BytesIO()
    torch.save(state, encoded)
    write_file(path, encoded.getbuffer())


def load_checkpoint(
    path: Path, recipe: str, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer
) -> Progress:
    """Restore everything; raises WeightsMismatch for another recipe's checkpoint or one that cannot be read."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if state["recipe"] != recipe:
            raise WeightsMismatch(f"'{path}' was written by the recipe '{state['recipe']}', not by '{recipe}'")
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        return Progress(**state["progress"])
    except (OSError, KeyError, RuntimeError, TypeError, EOFError) as problem:
        raise WeightsMismatch(f"'{path}' is not a checkpoint of this network: {problem}") from problem
