"""Weights files: safetensors whose header says which network they fit. They load strictly or not at all.

Unlike `faces/weights.py`, which finds the ONNX files of the live path without torch, this is for training,
fine-tuning and export.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from commedia.errors import UnknownName, WeightsMismatch
from commedia.files import write_file
from commedia.networks.registry import config_from_json, config_to_json, kind_of, network_for

WEIGHTS_FOLDER = Path(__file__).resolve().parents[1] / "assets" / "weights"


def trainable_weights() -> list[str]:
    """List the weights that training may begin with, by name; a checkout has them, a wheel has not."""
    return sorted(path.stem for path in WEIGHTS_FOLDER.glob("*.safetensors"))


def named_weights(name: str) -> Path:
    """Find trainable weights by name, or take the name as a path when it ends in .safetensors."""
    if name.endswith(".safetensors"):
        return Path(name)
    if name not in trainable_weights():
        raise UnknownName("weights", name, trainable_weights())
    return WEIGHTS_FOLDER / f"{name}.safetensors"


def save_weights(path: Path, network: nn.Module, facts: Mapping[str, str], *, half: bool = False) -> None:
    """Write parameters and buffers with the network's configuration; whole or not at all.

    What `facts` say of kind and configuration gives way to the network's own. With `half`, matrices and kernels are
    stored in 16 bit, as shipped weights are; biases and norms stay as they are.
    """
    header = {**facts, "network": kind_of(network), "config": json.dumps(config_to_json(network))}
    state = {
        name: (tensor.half() if half and tensor.ndim > 1 else tensor).detach().contiguous().cpu()
        for name, tensor in network.state_dict().items()
    }
    write_file(path, save(state, metadata=header))


def facts_of_weights(path: Path) -> dict[str, str]:
    """Read what a weights file says about itself."""
    try:
        with safe_open(path, framework="pt") as weights:
            return dict(weights.metadata() or {})
    except (OSError, SafetensorError) as problem:
        raise WeightsMismatch(f"'{path}' is not a readable weights file: {problem}") from problem


def network_from_weights(path: Path) -> nn.Module:
    """Build the network a weights file was saved from and load it; raises WeightsMismatch when it is none of ours."""
    facts = facts_of_weights(path)
    try:
        network: nn.Module = network_for(config_from_json(facts["network"], json.loads(facts["config"])))
    except (KeyError, TypeError, ValueError) as problem:
        raise WeightsMismatch(f"'{path}' does not say which network it is for: {problem!r}") from problem
    load_weights(path, network)
    return network.eval()


def load_weights(path: Path, network: nn.Module) -> None:
    """Fill a network; raises WeightsMismatch when a name is missing or unknown, or a shape differs."""
    wanted = network.state_dict()
    found = _tensors(path)
    problems = [f"lacks '{name}'" for name in wanted.keys() - found.keys()]
    problems += [f"has unknown '{name}'" for name in found.keys() - wanted.keys()]
    problems += [
        f"'{name}' is {tuple(found[name].shape)}, expected {tuple(wanted[name].shape)}"
        for name in wanted.keys() & found.keys()
        if wanted[name].shape != found[name].shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise WeightsMismatch(
            f"'{path}' does not fit {type(network).__name__}: {'; '.join(sorted(problems)[:3])}{more}"
        )
    network.load_state_dict(found)


def start_from(path: Path, network: nn.Module) -> int:
    """Copy every tensor whose name and shape fit, as MFN's trunk fits SFN's; returns how many were copied.

    What a network has below `tracker` begins with the weights of a tracker alone, too.
    """
    wanted, found = network.state_dict(), _tensors(path)
    found |= {f"tracker.{name}": tensor for name, tensor in found.items()}
    fitting = {name: found[name] for name in wanted.keys() & found.keys() if found[name].shape == wanted[name].shape}
    with torch.no_grad():
        for name, tensor in fitting.items():
            wanted[name].copy_(tensor)
    return len(fitting)


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as weights:
            found = {name: weights.get_tensor(name) for name in weights.keys()}
    except (OSError, SafetensorError) as problem:
        raise WeightsMismatch(f"'{path}' is not a readable weights file: {problem}") from problem
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in found.items()}
