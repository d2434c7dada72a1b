"""The points network: windows are what an oracle samples, and nothing learnt leaves points where the trunk says."""

import numpy as np
import pytest
import torch

from commedia.conventions import LANDMARK_MIRROR
from commedia.faces.points import triangles
from commedia.networks.ours.points import SURE_AT_FIRST, PointsNet, cut_windows
from commedia.networks.registry import made_up_pictures

MIRROR = list(LANDMARK_MIRROR)


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
    pixels = made_up_pictures(2, 192)
    read = network.read(pixels)
    torch.testing.assert_close(read.first, read.begun)
    torch.testing.assert_close(read.points, read.begun)
    torch.testing.assert_close(read.sure, torch.tensor([SURE_AT_FIRST, 0.0, SURE_AT_FIRST]).expand_as(read.sure))
    points, sure = network(pixels)
    # The file says the mean of a crop and its mirror.
    mirrored = network.read(pixels.flip(3)).points[:, MIRROR] * torch.tensor([-1.0, 1.0])
    torch.testing.assert_close(points, (read.points + mirrored) / 2)
    assert triangles(sure.detach().numpy())[..., 1, 1] / SURE_AT_FIRST == pytest.approx(1.0, rel=1e-5)


@torch.no_grad()
def test_a_mirrored_crop_has_mirrored_points_and_errors_weigh_the_same() -> None:
    network, pixels = stirred(), made_up_pictures(2, 192)
    (points, sure), (others, others_sure) = network(pixels), network(pixels.flip(3))
    assert (points[:, :, 0] + points[:, MIRROR, 0]).abs().max() > 0.01
    torch.testing.assert_close(others[:, MIRROR] * torch.tensor([-1.0, 1.0]), points, atol=1e-5, rtol=0)
    off = np.array([0.01, 0.02])
    weighed = triangles(sure.numpy()) @ off
    mirrored = triangles(others_sure[:, MIRROR].numpy()) @ (off * [-1, 1])
    np.testing.assert_allclose(np.linalg.norm(mirrored, axis=-1), np.linalg.norm(weighed, axis=-1), rtol=1e-4)


@torch.no_grad()
def test_points_are_told_what_other_points_see() -> None:
    """Tokens attend to each other: another window at the mouth moves the brows as well."""
    network = stirred()
    windows, places = torch.rand(1, 68, 576), torch.zeros(1, 68, 2)
    face = torch.rand(1, 256)
    before, _ = network.first(windows, places, face)
    windows[:, 48:] += 1
    after, _ = network.first(windows, places, face)
    assert (after - before)[:, 17:27].abs().max() > 1e-3


def test_every_weight_learns() -> None:
    network = stirred().train()
    read = network.read(made_up_pictures(4, 192))
    sum(part.square().sum() for part in read).backward()
    unmoved = [name for name, part in network.named_parameters() if part.grad is None or not part.grad.any()]
    assert unmoved == []


def stirred() -> PointsNet:
    """A network whose last layers have learnt something."""
    torch.manual_seed(1)
    network = PointsNet().eval()
    for mover in (network.first, network.second):
        torch.nn.init.normal_(mover.move, 0, 0.1)
    return network
