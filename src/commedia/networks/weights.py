"""Weights files: safetensors whose header says which network they fit. They load strictly or not at all.

Training may begin with an .onnx file that `export` wrote, too (`from_onnx.py`); it says no configuration. Unlike
`faces/weights.py`, which finds the ONNX files of the live path without torch, this is for training, fine-tuning and
export.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from commedia.errors import UnknownName, WeightsMismatch
from commedia.files import write_file
from commedia.networks.from_onnx import OnnxWeights, fold_norms, names_by_shape, read_onnx
from commedia.networks.registry import config_from_json, config_to_json, kind_of, network_for

WEIGHTS_FOLDER = Path(__file__).resolve().parents[1] / "assets" / "weights"


WHOLE = (".safetensors",)
"""Ends of files that say their network's configuration, ..."""
BEGINNINGS = (".safetensors", ".onnx")
"""... and of all that training may begin with; where a name has both, the first."""


class Begun(NamedTuple):
    """What came of beginning with a file."""

    copied: int
    """Tensors."""
    untrained: list[str]
    """Parameters that the file has not got, or in another shape: as they were before."""


def trainable_weights(ends: Sequence[str] = BEGINNINGS) -> list[str]:
    """List the weights that training may begin with, by name; a wheel has only .onnx files."""
    return sorted({path.stem for end in ends for path in WEIGHTS_FOLDER.glob(f"*{end}")})


def named_weights(name: str, ends: Sequence[str] = BEGINNINGS) -> Path:
    """Find trainable weights by name, or take the name as a path when it ends as their files do."""
    if name.endswith(tuple(ends)):
        return Path(name)
    if name not in trainable_weights(ends):
        raise UnknownName("weights", name, trainable_weights(ends), hint=_only_onnx(name, ends))
    return next(path for end in ends if (path := WEIGHTS_FOLDER / f"{name}{end}").is_file())


def _only_onnx(name: str, ends: Sequence[str]) -> str:
    """Say why a file that training may begin with is not enough."""
    if not name.endswith(BEGINNINGS) and name not in trainable_weights():
        return ""
    return f"{' or '.join(ends)} is needed, which says its network's configuration; "


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


def start_from(path: Path, network: nn.Module) -> Begun:
    """Copy every tensor whose name and shape fit, as MFN's trunk fits SFN's, from .safetensors or .onnx.

    A kernel for a finer picture begins as that for a coarser one, of which each pixel is the mean of several.

    What a network has below `tracker` begins with the weights of a tracker alone, too. Norms that an .onnx file has
    not got any more add its shifts (`from_onnx.py`), and are to be measured before they are trained.
    """
    read = read_onnx(path) if path.suffix == ".onnx" else None
    wanted, found = network.state_dict(), _tensors(path) if read is None else read.tensors
    found = found | {f"tracker.{name}": tensor for name, tensor in found.items()}
    if read is not None:
        found |= _nameless(read, network, found)
    shared = {name: _as_fine_as(found[name], wanted[name]) for name in wanted.keys() & found.keys()}
    fitting = {name: tensor for name, tensor in shared.items() if tensor.shape == wanted[name].shape}
    with torch.no_grad():
        for name, tensor in fitting.items():
            wanted[name].copy_(tensor)
    folded = set() if read is None else fold_norms(network, found, fitting)
    left = {name for name, _ in network.named_parameters()} - fitting.keys() - folded
    return Begun(len(fitting), sorted(left))


def _as_fine_as(kernel: Tensor, wanted: Tensor) -> Tensor:
    """Spread a convolution's kernel over the pixels that take the place of one, or gather it; others stay."""
    if kernel.ndim != 4 or kernel.shape[:2] != wanted.shape[:2] or min(kernel.shape[2], wanted.shape[2]) == 1:
        return kernel
    old, new = kernel.shape[2], wanted.shape[2]
    if new % old == 0:
        times = new // old
        return kernel.repeat_interleave(times, 2).repeat_interleave(times, 3) / times**2
    if old % new == 0:
        return kernel.unflatten(3, (new, -1)).unflatten(2, (new, -1)).sum((3, 5))
    return kernel


def _nameless(read: OnnxWeights, network: nn.Module, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name what a file of the same kind of network leaves without a name."""
    return names_by_shape(read.nameless, network, found) if read.network == kind_of(network) else {}


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as weights:
            found = {name: weights.get_tensor(name) for name in weights.keys()}
    except (OSError, SafetensorError) as problem:
        raise WeightsMismatch(f"'{path}' is not a readable weights file: {problem}") from problem
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in found.items()}
