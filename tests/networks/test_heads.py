"""Heads keep their hidden blendshapes alive."""

import torch

from commedia.networks.heads import GridHead, VectorHead


def alive(hidden: torch.Tensor) -> float:
    """Share of hidden blendshapes that answer for some inputs and not for others."""
    share = (hidden > 0).float().mean(0)
    return float(((share > 0.1) & (share < 0.9)).float().mean())


def test_small_and_similar_features_leave_no_unit_dead():
    """What the pooled trunk gives: all near 0.05, differing in the third decimal."""
    torch.manual_seed(0)
    pooled = 0.05 + 0.001 * torch.randn(256, 128)
    head = VectorHead(128, 52, norm=True).train()
    assert alive(torch.relu(head.norm(head.hidden(pooled)))) > 0.9
    bare = VectorHead(128, 52)
    assert alive(torch.relu(bare.hidden(pooled))) < 0.2

    grid = GridHead(128, 5, 2, norm=True).train()
    features = pooled.reshape(4, 8, 8, 128).permute(0, 3, 1, 2)
    hidden = torch.relu(grid.norm(grid.hidden(features)))
    assert alive(hidden.permute(0, 2, 3, 1).flatten(0, 2)) > 0.9
    assert grid(features).shape == (4, 8 * 8 * 2, 5)
