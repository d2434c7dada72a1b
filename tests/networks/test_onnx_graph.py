"""ONNX files as torch modules: the runtime's numbers, gradients to the picture, and what is refused."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from commedia.errors import WeightsMismatch
from commedia.faces.weights import find_weights
from commedia.networks.onnx_graph import OnnxGraph
from commedia.networks.registry import made_up_pictures


class Mixed(nn.Module):
    """Every operator that a recogniser of others may use, once."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.PReLU(8), nn.MaxPool2d(3, 2, 1))
        self.wide = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=2)
        self.last = nn.Linear(16, 5)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        seen = self.stem(pixels)
        both = torch.cat([nn.functional.leaky_relu(self.wide(seen), 0.2), torch.sigmoid(seen)], 1)
        return self.last(nn.functional.adaptive_avg_pool2d(both, 1).flatten(1))


def written(network: nn.Module, path: Path, size: int) -> Path:
    torch.onnx.export(
        network.eval(), (torch.rand(1, 3, size, size),), path, opset_version=18, dynamo=True, verbose=False
    )
    return path


@pytest.mark.filterwarnings("ignore")
def test_it_says_what_the_runtime_says(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Mixed()
    for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        nn.init.uniform_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    path = written(network, tmp_path / "mixed.onnx", 20)
    pixels = torch.rand(1, 3, 20, 20)
    (expected,) = onnxruntime.InferenceSession(str(path)).run(None, {"pixels": pixels.numpy()})
    graph = OnnxGraph(path)
    assert graph.input_size == 20
    np.testing.assert_allclose(graph(pixels).numpy(), expected, atol=1e-5)


def test_the_shipped_embedding_with_gradients() -> None:
    path = find_weights("embedding-desktop")
    pixels = made_up_pictures(2, 150)
    (expected,) = onnxruntime.InferenceSession(str(path)).run(None, {"pixels": pixels.numpy()})
    graph = OnnxGraph(path)
    pixels.requires_grad_()
    found = graph(pixels)
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-4)
    (slope,) = torch.autograd.grad(found[0, 0], pixels)
    assert slope[0].abs().max() > 0
    assert not slope[1].any()
    assert not [weight for weight in graph.buffers() if weight.requires_grad]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(WeightsMismatch, match="not a readable ONNX"):
        OnnxGraph(tmp_path / "broken.onnx")
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 4, 4])
    node = onnx.helper.make_node("GridSample", ["x", "x"], ["y"])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 3, 4, 4])
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "g", [value], [out])), tmp_path / "other.onnx")
    with pytest.raises(WeightsMismatch, match="uses GridSample"):
        OnnxGraph(tmp_path / "other.onnx")
