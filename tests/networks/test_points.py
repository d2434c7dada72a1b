"""The points network: windows are what an oracle samples, and nothing learnt leaves points where the trunk says."""

import numpy as np
import pytest
import torch

from commedia.faces.points import triangles
from commedia.networks.ours.points import SURE_AT_FIRST, PointsNet, cut_windows
from commedia.networks.registry import made_up_pictures


def sampled(seen: np.ndarray, x: float, y: float) -> np.ndarray:
    """Mix the four cells around a place in crop units by hand; cells beyond the crop are 0."""
    side = seen.shape[-1]
    column, row = (x + 0.5) * side - 0.5, (y + 0.5) * side - 0.5
    found = np.zeros(len(seen))
    for j in (int(np.floor(row)), int(np.floor(row)) + 1):
        for i in (int(np.floor(column)), int(np.floor(column)) + 1):
            if 0 <= i < side and 0 <= j < side:
                found += seen[:, j, i] * (1 - abs(row - j)) * (1 - abs(column - i))
    return found


def test_windows_are_small_grids_around_points() -> None:
    chance = np.random.default_rng(0)
    seen, places = chance.normal(size=(2, 3, 12, 12)), chance.uniform(-0.52, 0.52, (2, 68, 2))
    cut = cut_windows(torch.from_numpy(seen), torch.from_numpy(places), 4, 0.05).unflatten(2, (3, 4, 4)).numpy()
    for face, point, row, column in ((0, 0, 0, 0), (0, 30, 1, 3), (1, 67, 3, 0), (1, 5, 2, 2)):
        x, y = places[face, point] + 0.05 * (np.array([column, row]) - 1.5)
        np.testing.assert_allclose(cut[face, point, :, row, column], sampled(seen[face], x, y), atol=1e-6)


def test_a_network_that_learnt_nothing_says_what_the_trunk_says() -> None:
    torch.manual_seed(0)
    network = PointsNet().eval()
    read = network.read(made_up_pictures(2, 192))
    torch.testing.assert_close(read.first, read.begun)
    torch.testing.assert_close(read.points, read.begun)
    torch.testing.assert_close(read.sure, torch.tensor([SURE_AT_FIRST, 0.0, SURE_AT_FIRST]).expand_as(read.sure))
    points, sure = network(made_up_pictures(2, 192))
    torch.testing.assert_close(points, read.points)
    assert triangles(sure.detach().numpy())[..., 1, 1] / SURE_AT_FIRST == pytest.approx(1.0, rel=1e-5)
