"""Small networks as training leaves them, and their graphs: torch writes each once, which takes seconds."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import torch
from torch import nn

from commedia.networks.export import write_onnx
from commedia.networks.half_storage import stored_in_bytes, stored_in_half
from commedia.networks.ours.embedding import Embedding
from commedia.networks.ours.points import PointsConfig, PointsNet
from commedia.networks.ours.sfn import SfnRegions, SfnRegionsConfig
from commedia.networks.paper1.mfn import Mfn, MfnConfig
from commedia.networks.paper3.cpem import Cpem, CpemConfig
from commedia.networks.registry import Network, spec_of

SMALL_SFN = SfnRegionsConfig(
    stem=8, widths=(8, 16, 16), cell_channels=8, face_features=32, eye_size=24, mouth_size=24,
    reader_widths=(8, 16, 16), reader_cell_channels=8, reader_features=16, hidden=32,
)  # fmt: skip
SMALL_POINTS = PointsConfig(trunk=SMALL_SFN, widths=(8, 16), bottlenecks=1, windows=(2, 2), token=24, heads=2)
SMALL: dict[str, Callable[[], Network]] = {
    "cpem": lambda: Cpem(CpemConfig("resnet18", 0.125, 32)),
    "regions": lambda: SfnRegions(SMALL_SFN),
    "points": lambda: PointsNet(SMALL_POINTS),
    "embedding": Embedding,
    "mfn": lambda: Mfn(MfnConfig(width_mult=0.25, norm=True)),
}


def lived_in(network: Network) -> Network:
    """Give norms the uneven statistics that training leaves, and what begins at zero other numbers."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean = torch.randn(module.num_features) * 0.1
            module.running_var = torch.rand(module.num_features) + 0.5
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.5, 2.0)
            nn.init.normal_(module.bias, 0, 0.1)
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, 0, 0.1)
    return network.eval()


def graph_file(name: str, folder: Path, *, bits: int = 16) -> Path:
    """Write the graph of a lived-in network of SMALL, as export stores it."""
    model = onnx.load_from_string(_graph(name))
    onnx.save(stored_in_bytes(model) if bits == 8 else stored_in_half(model), path := folder / f"{name}-{bits}.onnx")
    return path


@cache
def _graph(name: str) -> bytes:
    torch.manual_seed(0)
    return written(lived_in(SMALL[name]()))


def written(network: Network) -> bytes:
    """Say a network as a graph in 32 bit."""
    with TemporaryDirectory() as folder:
        write_onnx(network, Path(folder) / "net.onnx", {}, batch=spec_of(network).batch)
        return (Path(folder) / "net.onnx").read_bytes()
