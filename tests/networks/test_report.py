"""The report's counts: by hand on a small module, and those worked out from paper 1's text."""

import pytest
import torch
from torch import nn

from commedia.networks.paper1.mfn import MfnConfig
from commedia.networks.paper1.sfn import SfnConfig
from commedia.networks.registry import NETWORKS
from commedia.networks.report import VARIANTS, multiplications, network_sizes, size_of, stored_count


def test_multiplications_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 8, 3, padding=1, groups=4),
        nn.Flatten(),
        nn.Linear(8 * 4 * 4, 10),
    ).eval()
    first, second, last = 8 * 4 * 4 * 27, 8 * 4 * 4 * 18, 10 * 128
    assert multiplications(network, torch.zeros(1, 3, 8, 8)) == first + second + last
    assert not any(layer._forward_hooks for layer in network)
    # Weights and biases, and BatchNorm's four numbers per channel; how many batches it saw is no weight.
    assert stored_count(network) == (216 + 8) + 4 * 8 + (144 + 8) + (1280 + 10)


def test_the_layers_of_tiny_yolo_by_hand() -> None:
    """paper-facts C4 at a quarter of the width: a pooling quarters the places, a layer doubles the channels."""
    row = size_of("detector", MfnConfig(scales="single", detect_only=True), None)
    convolutions = 288**2 * 4 * 27 + 5 * 144**2 * 8 * 36 + 81 * 256 * (1152 + 2304)
    assert row.multiplications == convolutions + 81 * 25 * 256


@pytest.mark.parametrize(
    ("config", "parameters", "adam_mib", "published_mb"),
    [
        (SfnConfig(expression_count=46), 178_928, 2.05, 2.0),
        (SfnConfig(expression_count=46, scales="single", fires=3), 174_928, 2.00, 2.0),
        (MfnConfig(expression_count=46), 251_597, 2.88, 13.0),
        (MfnConfig(expression_count=46, scales="single"), 1_126_173, 12.89, 13.0),
        (MfnConfig(scales="single", detect_only=True), 992_533, 11.36, 11.5),
    ],
)
def test_sizes_of_the_paper(config, parameters: int, adam_mib: float, published_mb: float) -> None:
    # paper-facts C3: with 12 bytes per parameter the literal widths fit what the paper says.
    row = size_of("any", config, 46)
    assert row.parameters == parameters
    assert row.adam_mib == pytest.approx(adam_mib, abs=0.006)
    assert row.published_mb == published_mb
    assert (row.float32_mb, row.float16_mb) == (parameters * 4 / 1e6, parameters * 2 / 1e6)


def test_every_network_is_reported() -> None:
    rows = network_sizes()
    assert NETWORKS.keys() <= VARIANTS.keys() == {row.name for row in rows}
    counts = {name: [row.expression_count for row in rows if row.name == name] for name in VARIANTS}
    assert counts["sfn"] == counts["mfn, single scale"] == [46, 52]
    assert counts["mfn-base"] == [52]
    assert counts["mfn, detection only"] == [None]
    assert all(row.multiplications > row.parameters > 0 for row in rows)
