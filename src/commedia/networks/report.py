"""How large every network is and how much it computes, from shapes alone, beside the sizes paper 1 publishes."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT
from commedia.networks.paper1.mfn import MfnConfig
from commedia.networks.paper1.sfn import SfnConfig
from commedia.networks.paper3.cpem import CpemConfig
from commedia.networks.registry import NETWORKS, kind_of_config, network_for, spec_of_config

PAPER_EXPRESSION_COUNT = 46
PAPERS_OWN = ("sfn", "mfn")
"""Networks that paper 1 describes."""

VARIANTS: dict[str, Any] = {
    **{name: spec.config() for name, spec in NETWORKS.items()},
    "sfn, single scale, 2 fires": SfnConfig(scales="single"),
    "sfn, single scale, 3 fires": SfnConfig(scales="single", fires=3),
    "sfn-cpem, ResNet-18": CpemConfig("resnet18"),
    "sfn-cpem, MobileNet-V2": CpemConfig("mobilenet-v2"),
    "mfn, single scale": MfnConfig(scales="single"),
    "mfn, detection only": MfnConfig(detect_only=True),
    "mfn, single scale, detection only": MfnConfig(scales="single", detect_only=True),
    "mfn, fully connected heads": MfnConfig(grid_head="fc"),
}
"""Every network of the table, paper 3's other backbones, and the other predictions of paper 1's text."""


@dataclass(frozen=True)
class NetworkSize:
    """One line of the report."""

    name: str
    expression_count: int | None
    """None from a network that only detects."""
    parameters: int
    """What a training run keeps: trained numbers, and the running means and variances of BatchNorm."""
    multiplications: int
    """Of convolutions and linear layers, for one picture of the network's input size."""
    published_mb: float | None
    """What paper 1 says of its network for this task (section 5.5); None where it has no such network."""

    @property
    def float32_mb(self) -> float:
        """Millions of bytes at 32 bit."""
        return self.parameters * 4 / 1e6

    @property
    def float16_mb(self) -> float:
        """Millions of bytes at 16 bit."""
        return self.parameters * 2 / 1e6

    @property
    def adam_mib(self) -> float:
        """2**20 bytes with both of Adam's moments, as Keras saves a model: the published sizes fit this best."""
        return self.parameters * 12 / 2**20


def network_sizes() -> list[NetworkSize]:
    """Measure every variant; paper 1's both with its number of expressions and with ours."""
    rows: list[NetworkSize] = []
    for name, config in VARIANTS.items():
        if kind_of_config(config) in PAPERS_OWN and not _only_detects(config):
            rows.append(size_of(name, replace(config, expression_count=PAPER_EXPRESSION_COUNT), PAPER_EXPRESSION_COUNT))
        rows.append(size_of(name, config, None if _only_detects(config) else EXPRESSION_COUNT))
    return rows


def size_of(name: str, config: Any, expression_count: int | None) -> NetworkSize:
    """Measure the network of a configuration, which has this many expressions."""
    spec = spec_of_config(config)
    network = network_for(config).eval().to("meta")
    count = multiplications(network, spec.example(1, spec.input_size).to("meta"))
    return NetworkSize(name, expression_count, stored_count(network), count, _published_mb(config))


def stored_count(network: nn.Module) -> int:
    """Count the floating-point numbers of parameters and buffers."""
    return sum(tensor.numel() for tensor in network.state_dict().values() if tensor.is_floating_point())


@torch.no_grad()
def multiplications(network: nn.Module, inputs: Tensor) -> int:
    """Count the multiplications of every Conv2d and Linear in one pass; an input without values will do."""
    counts: list[int] = []

    def count(layer: nn.Module, _: Any, output: Tensor) -> None:
        counts.append(output.numel() * layer.get_parameter("weight")[0].numel())

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    try:
        network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return sum(counts)


def _published_mb(config: Any) -> float | None:
    if spec_of_config(config).reads_faces:
        return 2.0
    return 11.5 if _only_detects(config) else 13.0


def _only_detects(config: Any) -> bool:
    return getattr(config, "detect_only", False)
