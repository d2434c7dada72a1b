"""SFN with points: a heat map's peak is the point's place, and before any training points correct nothing."""

import pytest
import torch

from commedia.networks.ours.sfn_base import SfnBase, SfnBaseConfig
from commedia.networks.ours.sfn_points import CELLS, REACH, SfnPoints, SfnPointsConfig
from commedia.networks.weights import save_weights, start_from

BASE = SfnBaseConfig(stem=8, widths=(8, 16, 16), blocks=(1, 1, 1), fine=8)
SMALL = SfnPointsConfig(BASE, points=70, channels=8, hidden=8)


@pytest.fixture
def network() -> SfnPoints:
    torch.manual_seed(0)
    return SfnPoints(SMALL).eval()


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, CELLS - 1), (CELLS - 1, 3), (7, 8)])
def test_a_sharp_peak_is_at_its_cell_and_x_comes_first(network: SfnPoints, row: int, column: int) -> None:
    """All heat in one cell: the point is at the middle of that cell, on a grid that reaches beyond the crop."""

    class Peak(torch.nn.Module):
        def forward(self, features: torch.Tensor) -> torch.Tensor:
            heat = torch.zeros(len(features), SMALL.points, CELLS, CELLS)
            heat[..., row, column] = 50.0
            return heat

    network.heat = Peak()  # type: ignore[assignment]
    read = network(torch.rand(2, 3, 128, 128))
    points = read.points
    assert float(read.spread.max()) < 1e-2
    expected = torch.tensor([REACH * ((column + 0.5) / CELLS - 0.5), REACH * ((row + 0.5) / CELLS - 0.5)])
    torch.testing.assert_close(points, expected.expand(2, SMALL.points, 2), atol=1e-4, rtol=0)


def test_heat_in_two_cells_spreads_half_their_distance(network: SfnPoints) -> None:
    class Peaks(torch.nn.Module):
        def forward(self, features: torch.Tensor) -> torch.Tensor:
            heat = torch.zeros(len(features), SMALL.points, CELLS, CELLS)
            heat[..., 4, 5], heat[..., 7, 9] = 50.0, 50.0
            return heat

    network.heat = Peaks()  # type: ignore[assignment]
    half = REACH / CELLS * 5 / 2
    torch.testing.assert_close(
        network(torch.rand(2, 3, 128, 128)).spread, torch.full((2, SMALL.points), half), atol=1e-4, rtol=0
    )


def test_a_network_that_knows_no_points_answers_as_the_one_inside(network: SfnPoints) -> None:
    torch.nn.init.zeros_(network.meaning.last.weight)  # type: ignore[union-attr]
    pixels = torch.rand(2, 3, 128, 128)
    for first, second in zip(network.base(pixels), network(pixels).faces, strict=True):
        torch.testing.assert_close(first, second)


def test_it_begins_with_the_weights_of_sfn_base(network: SfnPoints, tmp_path) -> None:
    torch.manual_seed(1)
    trained = SfnBase(BASE)
    save_weights(tmp_path / "base.safetensors", trained, {})
    assert start_from(tmp_path / "base.safetensors", network) == len(trained.state_dict())
    for name, tensor in trained.state_dict().items():
        torch.testing.assert_close(network.base.state_dict()[name], tensor)
