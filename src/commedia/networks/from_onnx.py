"""An .onnx file that `export` wrote to tensors by torch's names, and a network whose norms were folded to what it says.

Export multiplies every BatchNorm into the layer before it. Here such a norm is called folded: with mean 0, variance 1
and scale 1 it adds the shift that the file has instead, so that the network says at once what the file says. Training
normalises by the batch and must measure what norms are given first (`training/norms.py`).
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from torch import Tensor, nn

from commedia.errors import WeightsMismatch
from commedia.networks.registry import NETWORKS

Norm = nn.BatchNorm1d | nn.BatchNorm2d
WITH_BIAS = ("Conv", "Gemm")
"""Operators with a weight, whose name the exporter keeps, as second input and a bias as third."""
FOLDED = 0.1
"""Share of its eps by which a folded norm's variance may be off; an untrained norm's is off by all of it."""


class OnnxWeights(NamedTuple):
    """What a file holds, in 32 bit."""

    network: str
    """Its name in the registry."""
    tensors: dict[str, Tensor]
    """By torch's names; a norm that is folded away leaves the layer before it a bias."""
    nameless: list[Tensor]
    """Matrices of layers without a bias whose name the exporter took away."""


def read_onnx(path: Path) -> OnnxWeights:
    """Read a file's weights; raises WeightsMismatch when it is no ONNX file, or none that `export` wrote."""
    try:
        model = onnx.load(path)
    except (OSError, DecodeError, ValueError) as problem:
        raise WeightsMismatch(f"'{path}' is not a readable ONNX file: {problem}") from problem
    said = {entry.key: entry.value for entry in model.metadata_props}
    if said.get("network") not in NETWORKS:
        found = f"its network is '{said['network']}'" if "network" in said else "it does not say its network"
        raise WeightsMismatch(f"'{path}' was not written by commedia export: {found}; known: {', '.join(NETWORKS)}")
    stored = _widened(model.graph)
    stored |= _biases(model.graph, stored)
    named, nameless = _turned(model.graph, stored)
    tensors = {name: _tensor(value) for name, value in (named | stored).items()}
    return OnnxWeights(said["network"], tensors, [_tensor(matrix) for matrix in nameless])


def names_by_shape(nameless: Collection[Tensor], network: nn.Module, found: Collection[str]) -> dict[str, Tensor]:
    """Name those matrices that are the only ones of their shape, as is the layer without a bias that lacks its own."""
    state = network.state_dict()
    bare = {name for name in state if name.endswith(".weight") and f"{name.removesuffix('weight')}bias" not in state}
    named = {}
    for matrix in nameless:
        alike = [one for one in nameless if one.shape == matrix.shape]
        fits = [name for name in bare - set(found) if state[name].shape == matrix.shape]
        if len(alike) == len(fits) == 1:
            named[fits[0]] = matrix
    return named


@torch.no_grad()
def fold_norms(network: nn.Module, found: Mapping[str, Tensor], copied: Collection[str]) -> set[str]:
    """Let norms say what was folded into the layers before them, which were copied; returns their parameters' names."""
    names: set[str] = set()
    for layer_name, layer, norm_name, norm in _normed(network):
        mine = {f"{norm_name}.{name}" for name, _ in norm.named_parameters()}
        if f"{layer_name}.weight" not in copied or mine & set(copied):
            continue
        assert norm.running_mean is not None
        assert norm.running_var is not None
        nothing = torch.zeros_like(norm.bias)
        # A layer with a bias of its own has taken the norm's.
        shift = nothing if layer.bias is not None else found.get(f"{layer_name}.bias", nothing)
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
        norm.weight.fill_(1.0)
        norm.bias.copy_(shift)
        names |= mine
    return names


def folded_norms(network: nn.Module) -> list[Norm]:
    """Find norms as `fold_norms` leaves them; training leaves none like that."""
    return [module for module in network.modules() if isinstance(module, Norm) and _is_folded(module)]


def _is_folded(norm: Norm) -> bool:
    if norm.running_mean is None or norm.running_var is None:
        return False
    off = (norm.running_var + norm.eps - 1).abs().max()
    return not norm.running_mean.any() and bool((norm.weight == 1).all()) and bool(off < FOLDED * norm.eps)


def _normed(network: nn.Module) -> Iterator[tuple[str, nn.Conv2d | nn.Linear, str, Norm]]:
    """Name layers and the norms that follow them."""
    for above, module in network.named_modules():
        for (name, layer), (after, norm) in pairwise(module.named_children()):
            if isinstance(layer, nn.Conv2d | nn.Linear) and isinstance(norm, Norm):
                yield f"{above}.{name}".lstrip("."), layer, f"{above}.{after}".lstrip("."), norm


def _widened(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """Read what is stored, and what a Cast, or a Cast and a Mul, make of it (`half_storage.py`)."""
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Cast", "Mul") and all(name in stored for name in node.input):
            first, *second = (stored[name].astype(np.float32) for name in node.input)
            stored[node.output[0]] = first * second[0] if second else first
    return stored


def _biases(graph: onnx.GraphProto, stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name biases as the weights beside them, whatever they are called: of several equal ones a file keeps one."""
    layers = [node for node in graph.node if node.op_type in WITH_BIAS and len(node.input) == 3]
    return {
        f"{node.input[1].removesuffix('weight')}bias": stored[node.input[2]]
        for node in layers
        if node.input[1].endswith(".weight") and node.input[2] in stored
    }


def _turned(graph: onnx.GraphProto, stored: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Turn back the matrices of linear layers that see rows of rows: those that a bias names, and those without one.

    Where two matrices would have one name, or one matrix two, none gets it.
    """
    added: dict[str, str] = {}
    for node in graph.node:
        if node.op_type == "Add":
            added |= {one: bias for one, bias in zip(node.input, reversed(node.input), strict=True) if bias in stored}
    claims: dict[str, set[str]] = {}
    for node in graph.node:
        if node.op_type == "MatMul" and (matrix := node.input[1]) in stored and "." not in matrix:
            bias = added.get(node.output[0], "")
            claims.setdefault(matrix, set()).add(f"{bias[:-4]}weight" if bias.endswith(".bias") else "")
    every = [name for names in claims.values() for name in names]
    sole = {matrix: min(names) for matrix, names in claims.items() if len(names) == 1}
    named = {name: stored[matrix].T for matrix, name in sole.items() if name and every.count(name) == 1}
    return named, [stored[matrix].T for matrix, name in sole.items() if not name]


def _tensor(value: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(value, dtype=np.float32))
