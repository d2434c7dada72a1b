"""A network that begins with an .onnx file says what the file says, whatever bits it stores and however norms stood."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from commedia.errors import UnknownName, WeightsMismatch
from commedia.networks.from_onnx import folded_norms, read_onnx
from commedia.networks.ours.identity import IdentityConfig, IdentityNet
from commedia.networks.ours.points import PointsNet
from commedia.networks.registry import Network, made_up_pictures, spec_of
from commedia.networks.weights import WHOLE, named_weights, start_from, trainable_weights
from tests.networks.graphs import SMALL, SMALL_POINTS, SMALL_SFN, graph_file, written

ASKED_IN_TRAINING = {"points": {"identity"}, "cpem": {"texture", "light"}}
"""What graphs have not got."""
NEAR = {"points": 1e-3}
"""1e-4 for others. Points place windows, so that rounding, which depends on the threads, shows other pixels."""


def said_by(file: Path, pixels: Tensor) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return [np.asarray(part) for part in session.run(None, {"pixels": pixels.numpy()})]


def kept_by(file: Path) -> list[str]:
    return [one.name for one in onnx.load(file).graph.initializer]


def norms_of(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]


@torch.no_grad()
def said_in_torch(network: Network, pixels: Tensor) -> list[np.ndarray]:
    said = network.eval()(pixels)
    return [part.numpy() for part in ((said,) if isinstance(said, Tensor) else said)]


@pytest.mark.parametrize("bits", [16, 8])
@pytest.mark.parametrize("name", SMALL)
def test_a_network_begins_with_what_the_file_says(name: str, bits: int, tmp_path: Path) -> None:
    file = graph_file(name, tmp_path, bits=bits)
    torch.manual_seed(3)
    network = SMALL[name]()
    spec = spec_of(network)
    pixels = spec.example(spec.batch or 2, spec.input_size)
    known, before = said_by(file, pixels), said_in_torch(network, pixels)
    begun = start_from(file, network)
    assert len(folded_norms(network)) == len(norms_of(network)) > 3
    for one, other, untrained in zip(said_in_torch(network, pixels), known, before, strict=True):
        np.testing.assert_allclose(one, other, atol=NEAR.get(name, 1e-4), rtol=1e-4)
        assert np.abs(untrained - other).max() > 2 * NEAR.get(name, 1e-4)
    assert {parameter.rpartition(".")[0] for parameter in begun.untrained} == ASKED_IN_TRAINING.get(name, set())


def test_below_tracker_a_network_begins_with_a_tracker(tmp_path: Path) -> None:
    network = IdentityNet(IdentityConfig(SMALL_SFN, (1, 0, 0)))
    begun = start_from(file := graph_file("regions", tmp_path), network)
    assert {name.partition(".")[0] for name in begun.untrained} == {"more", "sure", "beyond"}
    pixels = made_up_pictures(2, 192)
    for one, other in zip(said_in_torch(network.tracker, pixels), said_by(file, pixels), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=1e-4)
    # Norms of which the file says nothing are as they were, so that training does not measure them.
    assert set(folded_norms(network)) == set(norms_of(network.tracker)) != set(norms_of(network))


def test_a_bias_that_a_file_keeps_once_for_several_layers_is_found_for_each(tmp_path: Path) -> None:
    torch.manual_seed(0)
    (file := tmp_path / "net.onnx").write_bytes(written(SMALL["cpem"]().eval()))  # norms that all add the same nothing
    network = SMALL["cpem"]()
    assert sum(name.endswith("conv.bias") for name in kept_by(file)) < len(norms_of(network))
    for norm in norms_of(network):
        nn.init.normal_(norm.bias)
    start_from(file, network)
    pixels = made_up_pictures(2, 32)
    for one, known in zip(said_in_torch(network, pixels), said_by(file, pixels), strict=True):
        np.testing.assert_allclose(one, known, atol=1e-4, rtol=1e-4)


def test_matrices_that_could_be_two_stay_untrained(tmp_path: Path) -> None:
    network = PointsNet(SMALL_POINTS)
    network.asked = nn.Linear(SMALL_POINTS.token, SMALL_POINTS.token, bias=False)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    begun = start_from(graph_file("points", tmp_path), network)
    assert begun.untrained == ["asked.weight", "identity.bias", "identity.weight", "second.before.weight"]
    for name in begun.untrained:
        assert torch.equal(network.state_dict()[name], before[name])


def test_another_networks_file_begins_nothing(tmp_path: Path) -> None:
    network = SMALL["mfn"]()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    begun = start_from(graph_file("cpem", tmp_path), network)
    assert begun.copied == 0
    assert begun.untrained == sorted(name for name, _ in network.named_parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert folded_norms(network) == []


def test_files_that_are_none_of_ours_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(WeightsMismatch, match=r"text\.onnx' is not a readable ONNX file"):
        read_onnx(tmp_path / "text.onnx")
    with pytest.raises(WeightsMismatch, match=r"missing\.onnx' is not a readable ONNX file"):
        read_onnx(tmp_path / "missing.onnx")
    graph = onnx.helper.make_graph([], "g", [], [])
    onnx.save(model := onnx.helper.make_model(graph), tmp_path / "theirs.onnx")
    with pytest.raises(WeightsMismatch, match=r"does not say its network; known: sfn, mfn"):
        read_onnx(tmp_path / "theirs.onnx")
    onnx.helper.set_model_props(model, {"network": "yolo"})
    onnx.save(model, tmp_path / "theirs.onnx")
    with pytest.raises(WeightsMismatch, match=r"its network is 'yolo'; known: sfn, mfn"):
        read_onnx(tmp_path / "theirs.onnx")


def test_names_find_what_training_may_begin_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("commedia.networks.weights.WEIGHTS_FOLDER", tmp_path)
    for file in ("both.onnx", "both.safetensors", "graph.onnx"):
        (tmp_path / file).touch()
    assert trainable_weights() == ["both", "graph"]
    assert named_weights("both") == tmp_path / "both.safetensors"
    assert named_weights("graph") == tmp_path / "graph.onnx"
    assert named_weights("away/graph.onnx") == Path("away/graph.onnx")
    assert named_weights("both", WHOLE) == tmp_path / "both.safetensors"
    for asked in ("graph", "away/graph.onnx"):
        with pytest.raises(UnknownName, match=r"\.safetensors is needed, .* known: both$"):
            named_weights(asked, WHOLE)
