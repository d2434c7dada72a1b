"""A crop to its 68 points, finer than SFN's, and how sure each is: SFN's trunk begins, windows of the crop correct.

    crop 192 --+-- mean 2x2 --> SFN's trunk (frozen) --> points | face features ---------------+
               +-- convolutions --> map 48 --> windows at the points --> reader --> all mixed --+--> points, twice

Windows are read by one reader for all points, that knows which point it is at; then one layer sees what all windows
and the trunk say, and moves all points. The second time windows lie where the first has put the points.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import IDENTITY_COUNT, LANDMARK_COUNT
from commedia.networks.backbones import ConvUnit
from commedia.networks.ours.sfn import DESKTOP, INPUT_SIZE, POOL, Reader, SfnRegionsConfig, last_layer

STEP = 0.1
"""Crop sides that a correction of 1 moves a point."""
SURE_AT_FIRST = 60.0
"""Of a point, per crop side: an error of 1 / 60 of the crop is as good as any other."""


@dataclass(frozen=True)
class PointsConfig:
    """0.87 million numbers, stored in 8 bit."""

    trunk: SfnRegionsConfig = DESKTOP
    widths: tuple[int, int] = (16, 32)
    """Of the map at a half and a quarter of the crop's side."""
    window: int = 4
    """Places, each way, that are read around a point ..."""
    spacing_px: float = 6.0
    """... and what lies between two, in pixels of the crop."""
    window_features: int = 64
    point_features: int = 8
    """What one window tells to the layer that sees all."""
    hidden: tuple[int, int] = (72, 120)
    """Of that layer, the first time and the second."""


class FoundPoints(NamedTuple):
    """What the file says of each crop."""

    points: Float[Tensor, "b 68 2"]
    sure: Float[Tensor, "b 68 3"]
    """That of `PointsRead`: logarithm of the first number, the second as a multiple of the first, logarithm of the
    third."""


class PointsRead(NamedTuple):
    """What is said of each crop, in crop units, y down."""

    points: Float[Tensor, "b 68 2"]
    sure: Float[Tensor, "b 68 3"]
    """Lower triangle (across, mixed, down) that errors are multiplied with: they are then alike in all directions and
    of length 1 or so."""
    begun: Float[Tensor, "b 68 2"]
    """Where the trunk puts the points, and ..."""
    first: Float[Tensor, "b 68 2"]
    """... where they are after the first time."""
    identity: Float[Tensor, "b i"]
    """Asked in training: who it is, is in the depth too, which points do not show."""


class PointsNet(nn.Module):
    """Corrects the points of SFN's trunk twice, by what windows of the crop show."""

    def __init__(self, config: PointsConfig | None = None):
        super().__init__()
        self.config = config = config or PointsConfig()
        # As in SFN, by name and shape, so that its weights fit.
        self.trunk = Reader(
            INPUT_SIZE // POOL, (config.trunk.stem, *config.trunk.widths), (0, *config.trunk.blocks),
            config.trunk.cell_channels, config.trunk.face_features, plain=False,
        )  # fmt: skip
        self.points = last_layer(config.trunk.face_features, 2 * LANDMARK_COUNT, 0.0)
        fine, coarse = config.widths
        self.encoder = nn.Sequential(
            ConvUnit(3, fine, 3, stride=2, norm=True), ConvUnit(fine, coarse, 3, stride=2, norm=True),
            ConvUnit(coarse, coarse, 3, norm=True),
        )  # fmt: skip
        self.reader = nn.Linear(coarse * config.window**2, config.window_features)
        self.which = nn.Parameter(0.1 * torch.randn(LANDMARK_COUNT, config.window_features))
        told = config.point_features
        spread = config.window_features**-0.5
        self.told = nn.Parameter(spread * torch.randn(LANDMARK_COUNT, config.window_features, told))
        self.direct = nn.Parameter(torch.zeros(LANDMARK_COUNT, config.window_features, 5))
        everything = LANDMARK_COUNT * told + config.trunk.face_features
        first, second = config.hidden
        self.mix_first = _mixed(everything, first)
        self.mix_second = _mixed(everything + first, second)
        self.move_first = last_layer(first, 2 * LANDMARK_COUNT, 0.0)
        self.move_second = last_layer(second, 5 * LANDMARK_COUNT, 0.0)
        self.identity = last_layer(second, IDENTITY_COUNT, 0.0)
        for layer in (self.move_first, self.move_second):
            nn.init.zeros_(layer.weight)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> FoundPoints:
        """Say the points of RGB crops in [0, 1], and how sure they are."""
        read = self.read(pixels)
        first, mixed, last = read.sure.unbind(-1)
        return FoundPoints(read.points, torch.stack([first.log(), mixed / first, last.log()], -1))

    def read(self, pixels: Float[Tensor, "b 3 h w"]) -> PointsRead:
        """Say all that training asks."""
        # Centred on grey, so that grey padding is the zero that convolutions pad with.
        face = self.trunk(nn.functional.avg_pool2d(pixels, POOL) * 2 - 1)
        begun = self.points(face).unflatten(1, (LANDMARK_COUNT, 2)).float()
        seen = self.encoder(pixels * 2 - 1).float()
        # What the first time sees is learnt from the second: half the time of the windows' gradients.
        told, direct = self._read_windows(seen.detach(), begun)
        hidden = self.mix_first(torch.cat([told, face], 1))
        moved = self.move_first(hidden).unflatten(1, (LANDMARK_COUNT, 2)) + direct[..., :2]
        first = begun + STEP * moved.float()
        told, direct = self._read_windows(seen, first.detach())
        hidden = self.mix_second(torch.cat([told, face, hidden], 1))
        moved = (self.move_second(hidden).unflatten(1, (LANDMARK_COUNT, 5)) + direct).float()
        points = first.detach() + STEP * moved[..., :2]
        diagonal = SURE_AT_FIRST * torch.exp(moved[..., 2:4].clamp(-4, 4))
        sure = torch.stack([diagonal[..., 0], SURE_AT_FIRST * moved[..., 4], diagonal[..., 1]], -1)
        return PointsRead(points, sure, begun, first, self.identity(hidden))

    def _read_windows(
        self, seen: Float[Tensor, "b c m m"], places: Float[Tensor, "b 68 2"]
    ) -> tuple[Float[Tensor, "b f"], Float[Tensor, "b 68 5"]]:
        """What each window tells to all, one after the other, and how its own point should move."""
        windows = cut_windows(seen, places, self.config.window, self.config.spacing_px / INPUT_SIZE)
        features = torch.relu(self.reader(windows) + self.which)
        told = torch.einsum("bpf,pfo->bpo", features, self.told)
        return told.flatten(1), torch.einsum("bpf,pfo->bpo", features, self.direct)


def cut_windows(
    seen: Float[Tensor, "b c m m"], places: Float[Tensor, "b p 2"], count: int, spacing: float
) -> Float[Tensor, "b p f"]:
    """Sample a map of the crop on small upright grids around places (crop units); 0 beyond the crop."""
    steps = spacing * (torch.arange(count, device=seen.device) - (count - 1) / 2)
    around = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1).reshape(-1, 2)
    # grid_sample counts from -1 to 1.
    at = 2 * (places[:, :, None] + around)
    sampled = nn.functional.grid_sample(seen, at, mode="bilinear", padding_mode="zeros", align_corners=False)
    return sampled.transpose(1, 2).flatten(2)


def _mixed(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU())
