"""Muon: what it does to singular values, what it leaves to AdamW, and that it finds a minimum."""

import copy

import pytest
import torch
from torch import nn

from commedia.training.muon import Muon, matrices_and_rest, orthogonalised


@pytest.mark.parametrize("shape", [(4, 4), (3, 9), (9, 3)])
def test_singular_values_come_near_one_and_vectors_stay(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    values = torch.linspace(0.2, 3.0, min(shape))
    found = orthogonalised(left @ values.diag() @ right)
    rebuilt = left.T @ found @ right.T
    assert ((rebuilt.diag() > 0.6) & (rebuilt.diag() < 1.3)).all()
    torch.testing.assert_close(rebuilt, rebuilt.diag().diag(), atol=1e-4, rtol=0)


def test_output_layers_biases_and_norms_are_not_matrices() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 5))
    network.add_module("last", nn.Linear(5, 2))
    matrices, rest = matrices_and_rest(network)
    assert [tuple(each.shape) for each in matrices] == [(4, 3, 3, 3), (5, 4)]
    assert len(rest) == 6


def test_the_rest_moves_exactly_as_adamw_moves_it() -> None:
    torch.manual_seed(0)
    ours = nn.Sequential()
    ours.add_module("last", nn.Linear(6, 3))
    theirs = copy.deepcopy(ours)
    mine = Muon(ours, rate=1e-2, weight_decay=0.1)
    adamw = torch.optim.AdamW(theirs.parameters(), lr=1e-2, weight_decay=0.0)
    for _ in range(5):
        inputs = torch.randn(8, 6)
        for network, optimiser in ((ours, mine), (theirs, adamw)):
            optimiser.zero_grad()
            network(inputs).square().sum().backward()
            optimiser.step()
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())


def test_a_convolution_learns_a_known_kernel() -> None:
    torch.manual_seed(0)
    truth, learner = (nn.Conv2d(3, 4, 3, bias=False) for _ in range(2))
    optimiser = Muon(learner, rate=5e-3, weight_decay=0.0)
    for step in range(300):
        for group in optimiser.param_groups:
            group["lr"] = 5e-3 * (1 - step / 300)
        pixels = torch.randn(16, 3, 5, 5)
        optimiser.zero_grad()
        (learner(pixels) - truth(pixels)).square().mean().backward()
        optimiser.step()
    torch.testing.assert_close(learner.weight, truth.weight, atol=0.01, rtol=0)
