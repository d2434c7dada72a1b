"""Norms of a network that begins with an .onnx file: measured, they say the same, and normalise batches as training
does without changing what the network says."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from commedia.networks.from_onnx import Norm, folded_norms
from commedia.networks.ours.identity import IdentityConfig, IdentityNet
from commedia.networks.registry import Network, made_up_pictures, spec_of
from commedia.networks.weights import start_from
from commedia.training.freeze import train_mode
from commedia.training.norms import measure_norms
from tests.networks.graphs import SMALL, SMALL_SFN, graph_file

STEPS, ROWS = 3, 8


class Pictures:
    """A task of made-up pictures; measuring asks for no more than they."""

    epoch_steps = 1

    def __init__(self, network: Network):
        self.size = spec_of(network).input_size

    def batch(self, step: int) -> Tensor:
        return made_up_pictures(STEPS * ROWS, self.size)[step * ROWS : (step + 1) * ROWS]

    def pixels(self, batch: Tensor) -> Tensor:
        return batch.sqrt()

    def read(self, network: nn.Module, pixels: Tensor) -> Any:
        return network(pixels)

    def not_asked(self, *given: Any) -> Any:
        raise AssertionError

    loss = validate = contact_sheet = not_asked

    def all(self) -> Tensor:
        return torch.cat([self.pixels(self.batch(step)) for step in range(STEPS)])


class TrunkAlone(Pictures):
    """Reads with a part of the network."""

    def read(self, network: nn.Module, pixels: Tensor) -> Any:
        return network.tracker.trunk(pixels[..., :96, :96])


@torch.no_grad()
def said(network: Network, pixels: Tensor) -> Tensor:
    answers = network(pixels)
    return torch.cat([part.flatten(1) for part in ((answers,) if isinstance(answers, Tensor) else answers)], 1)


@torch.no_grad()
def said_by_batch(network: Network, pixels: Tensor) -> Tensor:
    """As training would see it, whose norms take the batch's mean and variance; averages stay."""
    kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    answers = said(network.train(), pixels)
    network.load_state_dict(kept)
    network.eval()
    return answers


def begun(name: str, folder: Path, bits: int) -> Network:
    torch.manual_seed(3)
    network = SMALL[name]()
    start_from(graph_file(name, folder, bits=bits), network)
    return network.eval()


@pytest.mark.parametrize(("name", "bits"), [("cpem", 16), ("cpem", 8), ("regions", 8), ("mfn", 16)])
def test_measured_norms_change_nothing_in_evaluation_and_next_to_nothing_in_training(
    name: str, bits: int, tmp_path: Path
) -> None:
    network = begun(name, tmp_path, bits)
    task = Pictures(network)
    pixels = task.all()
    before, unmeasured = said(network, pixels), said_by_batch(network, pixels)
    folded = folded_norms(network)
    assert measure_norms(network, task, STEPS) == len(folded) > 10
    assert folded_norms(network) == []
    assert measure_norms(network, task, STEPS) == 0
    torch.testing.assert_close(said(network, pixels), before, atol=1e-4, rtol=1e-4)
    spread = float((before - before.mean(0)).abs().max())
    assert float((said_by_batch(network, pixels) - before).abs().max()) < 0.02 * spread
    assert float((unmeasured - before).abs().max()) > 0.5 * spread


def test_each_norm_has_the_mean_and_the_variance_of_what_it_is_given(tmp_path: Path) -> None:
    network = begun("regions", tmp_path, 16)
    task = Pictures(network)
    measure_norms(network, task, STEPS)
    told: dict[nn.Module, Tensor] = {}
    for module in network.modules():
        if isinstance(module, Norm):
            module.register_forward_pre_hook(lambda norm, given: told.__setitem__(norm, given[0]))
    said(network, task.all())
    assert len(told) > 10
    for norm, given in told.items():
        across = [axis for axis in range(given.ndim) if axis != 1]
        mean, variance = given.mean(across), given.var(across, unbiased=False)
        torch.testing.assert_close(norm.running_mean, mean, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(norm.running_var, variance, atol=1e-5, rtol=1e-3)
        torch.testing.assert_close(norm.weight, (variance + norm.eps).sqrt(), atol=1e-4, rtol=1e-3)


def test_norms_that_did_not_begin_with_the_file_or_see_nothing_stay(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = IdentityNet(IdentityConfig(SMALL_SFN, (1, 0, 0)))
    start_from(graph_file("regions", tmp_path), network)
    new = {name: tensor.clone() for name, tensor in network.more.state_dict().items()}
    measure_norms(network, TrunkAlone(network), STEPS)
    assert set(folded_norms(network)) == {m for m in network.tracker.modules() if isinstance(m, Norm)} - {
        m for m in network.tracker.trunk.modules() if isinstance(m, Norm)
    }
    assert all(torch.equal(tensor, new[name]) for name, tensor in network.more.state_dict().items())


def test_frozen_parts_say_the_same_when_others_train(tmp_path: Path) -> None:
    network = begun("regions", tmp_path, 16)
    task = Pictures(network)
    pixels = nn.functional.avg_pool2d(task.all(), 2) * 2 - 1
    with torch.no_grad():
        before = network.trunk(pixels)
        measure_norms(network, task, STEPS)
        train_mode(network, ("trunk",))
        said(network, task.all())
        torch.testing.assert_close(network.trunk(pixels), before, atol=1e-4, rtol=1e-4)
