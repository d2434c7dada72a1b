"""Parts of a network that do not move: their parameters get no gradient, their BatchNorm keeps its averages."""

from collections.abc import Sequence

from torch import nn

from commedia.errors import UnknownName


def freeze(network: nn.Module, prefixes: Sequence[str]) -> None:
    """Let every parameter move but those below the modules named; raises UnknownName for a name that means nothing."""
    names = {name for name, _ in network.named_modules() if name} | {name for name, _ in network.named_parameters()}
    for prefix in prefixes:
        if prefix not in names:
            raise UnknownName("module to freeze", prefix, sorted(names))
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not is_frozen(name, prefixes))


def train_mode(network: nn.Module, prefixes: Sequence[str]) -> None:
    """Put a network in training mode, its frozen modules in evaluation mode."""
    network.train()
    for name, module in network.named_modules():
        if is_frozen(name, prefixes):
            module.training = False


def is_frozen(name: str, prefixes: Sequence[str]) -> bool:
    """Say whether a module or parameter is, or lies below, one of those named."""
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)
