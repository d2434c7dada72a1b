"""Loss of a parser's map: numbers worked by hand, gradients, and what is unknown counts for nothing."""

import math

import pytest
import torch

from commedia.losses.parse_map import (
    ParseMapLossConfig,
    class_overlap,
    confusion,
    intersection_over_union,
    parse_map_loss,
)


def one_hot(classes: list[list[int]], count: int) -> torch.Tensor:
    """(1, k, h, w); -1 is unknown."""
    told = torch.tensor(classes)
    return torch.stack([told == number for number in range(count)])[None].double()


def test_entropy_is_the_mean_over_what_is_known() -> None:
    truth = one_hot([[0, 1], [-1, 1]], 2)
    logits = torch.zeros(1, 2, 2, 2, dtype=torch.float64)
    logits[0, 1, 0, 1] = math.log(3)
    loss = parse_map_loss(logits, truth, ParseMapLossConfig(entropy=2.0, overlap=0.0))
    # Half, three quarters and half of the truth.
    expected = (2 * math.log(2) + math.log(4 / 3)) / 3
    assert dict(loss.parts)["entropy"].item() == pytest.approx(expected)
    assert loss.total.item() == pytest.approx(2 * expected)


def test_overlap_is_dice_over_the_batch() -> None:
    truth = one_hot([[0, 1], [1, 1]], 3)
    said = one_hot([[0, 0], [1, 1]], 3)
    found = class_overlap(said, truth)
    assert found[0].item() == pytest.approx(2 / 3, abs=1e-3)
    assert found[1].item() == pytest.approx(4 / 5, abs=1e-3)
    assert found[2].item() == 1


def test_what_nobody_knows_moves_nothing() -> None:
    truth, logits = one_hot([[0, -1], [1, -1]], 2), torch.randn(1, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    parse_map_loss(logits, truth, ParseMapLossConfig()).total.backward()
    assert logits.grad is not None
    assert (logits.grad[..., 1] == 0).all()
    assert (logits.grad[..., 0] != 0).all()


def test_gradients() -> None:
    logits = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    truth = torch.rand(2, 3, 2, 2, dtype=torch.float64)
    truth = 0.8 * truth / truth.sum(1, keepdim=True)
    assert torch.autograd.gradcheck(lambda x: parse_map_loss(x, truth, ParseMapLossConfig()).total, (logits,))


def test_intersection_over_union() -> None:
    truth, said = torch.tensor([0, 0, 1, 1, 1, 254]), torch.tensor([0, 1, 1, 1, 0, 1])
    counts = confusion(said, truth, 3)
    assert counts.tolist() == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]
    found = intersection_over_union(counts)
    assert found[:2].tolist() == [1 / 3, 1 / 2]
    assert found[2].isnan()
