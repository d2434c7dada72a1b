"""The points network's loss: least where errors are as large as it says, and blind to what nobody trusts."""

import torch

from commedia.losses.faces import FaceTargets
from commedia.losses.points import PointsLossConfig, points_loss, surprise
from commedia.networks.ours.points import PointsRead


def errors() -> torch.Tensor:
    """Lengths exp(-length) in the plane, the second direction half as long and leaning on the first."""
    chance = torch.Generator().manual_seed(0)
    length = -(torch.rand(2, 20000, generator=chance).log()).sum(0)
    angle = 2 * torch.pi * torch.rand(20000, generator=chance)
    plain = length[:, None] * torch.stack([angle.cos(), angle.sin()], -1)
    return plain @ torch.linalg.inv(torch.tensor([[20.0, 0.0], [5.0, 40.0]])).T


def test_surprise_is_least_where_a_network_knows_how_wrong_it_is() -> None:
    off = errors()[None]
    zero = torch.zeros_like(off)
    found = {
        known: surprise(zero, torch.tensor(known).expand(*off.shape[:2], 3), off).mean().item()
        for known in ((20.0, 5.0, 40.0), (10.0, 2.5, 20.0), (40.0, 10.0, 80.0), (20.0, -5.0, 40.0), (30.0, 0.0, 30.0))
    }
    assert min(found, key=lambda known: found[known]) == (20.0, 5.0, 40.0)
    right = surprise(zero, torch.tensor([20.0, 5.0, 40.0]).expand(*off.shape[:2], 3), off).mean()
    assert abs(right + torch.tensor(20.0 * 40.0).log() - 2) < 0.05  # the mean length, as the network's docstring says


def test_only_what_is_trusted_teaches() -> None:
    chance = torch.Generator().manual_seed(1)
    points = torch.rand(3, 68, 2, generator=chance)
    sure = torch.tensor([60.0, 0.0, 60.0]).expand(3, 68, 3)
    read = PointsRead(points, sure, points, points, torch.zeros(3, 50))
    nothing, one = torch.zeros(3), torch.tensor([0.0, 1.0, 0.0])
    targets = FaceTargets(
        points + 0.01,
        torch.ones(3, 50),
        nothing,
        torch.zeros(3, 52),
        torch.zeros(3, 52),
        torch.zeros(3, 4),
        nothing,
        one,
    )
    whole = points_loss(read, targets, PointsLossConfig())
    spoiled = points_loss(
        read._replace(points=points.index_fill(0, torch.tensor([0, 2]), 9.0)), targets, PointsLossConfig()
    )
    assert whole.total == spoiled.total
    assert dict(whole.parts)["identity"] == 0
    unknown = points_loss(read, targets._replace(landmark_weight=nothing), PointsLossConfig())
    assert unknown.total == 0
