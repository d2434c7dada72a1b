"""A crop to its 68 points, finer than SFN's, and how sure each is: SFN's trunk begins, windows of the crop correct.

    crop 192 --+-- mean 2x2 --> SFN's trunk --> points | face features ----------------------------+
               |                  | maps 24, 12, 6                                                 |
               +-- convolutions --+--> maps 24 and 48 --> windows at the points --> one token each --+--> points, twice

Tokens of the points attend to each other, so that what is hidden is placed by what is seen. The second time windows are
finer and lie where the first has put the points.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import IDENTITY_COUNT, LANDMARK_COUNT, LANDMARK_MIRROR
from commedia.networks.backbones import ConvUnit
from commedia.networks.ours.residual import Bottleneck
from commedia.networks.ours.sfn import COARSE, INPUT_SIZE, POOL, Reader, SfnRegionsConfig, last_layer

STEP = 0.1
"""Crop sides that a correction of 1 moves a point."""
SURE_AT_FIRST = 60.0
"""Of a point, per crop side: an error of 1 / 60 of the crop is as good as any other."""


@dataclass(frozen=True)
class PointsConfig:
    """1.2 million numbers, stored in 8 bit."""

    trunk: SfnRegionsConfig = COARSE
    widths: tuple[int, int] = (32, 64)
    """Of the maps at a quarter and an eighth of the crop's side."""
    bottlenecks: int = 2
    """Of the map at an eighth."""
    windows: tuple[int, int] = (3, 4)
    """Places, each way, that are read around a point, of the coarse map and then of the fine one ..."""
    spacing_px: tuple[float, float] = (8.0, 4.0)
    """... and what lies between two, in pixels of the crop."""
    token: int = 96
    heads: int = 4
    attention: tuple[int, int] = (1, 3)
    """Blocks, the first time and the second."""


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
        self.maps = PointsMaps(config)
        fine, coarse = config.widths
        first, second = config.windows
        self.first = PointsMover(coarse * first**2, 0, 2, config, config.attention[0])
        self.second = PointsMover(fine * second**2, config.token, 5, config, config.attention[1])
        self.identity = last_layer(config.token + config.trunk.face_features, IDENTITY_COUNT, 0.0)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> FoundPoints:
        """Say the points of RGB crops in [0, 1], and how sure they are: the mean of the crop's and its mirror's."""
        read = self.read(torch.stack([pixels, pixels.flip(3)], 1).flatten(0, 1))
        first, mixed, last = read.sure.unbind(-1)
        said = torch.cat([read.points, torch.stack([first.log(), mixed / first, last.log()], -1)], -1)
        seen, mirrored = said.unflatten(0, (-1, 2)).unbind(1)
        back = mirrored[:, list(LANDMARK_MIRROR)] * said.new_tensor([-1.0, 1.0, 1.0, -1.0, 1.0])
        return FoundPoints(*((seen + back) / 2).split((2, 3), -1))

    def read(self, pixels: Float[Tensor, "b 3 h w"]) -> PointsRead:
        """Say all that training asks."""
        scales, face = self._face(nn.functional.avg_pool2d(pixels, POOL))
        begun = self.points(face).unflatten(1, (LANDMARK_COUNT, 2)).float()
        coarse, fine = self.maps(pixels, scales)
        (first, second), spacing = self.config.windows, [px / INPUT_SIZE for px in self.config.spacing_px]
        places = begun.detach()
        moved, tokens = self.first(cut_windows(coarse.float(), places, first, spacing[0]), places, face)
        after = begun + STEP * moved.float()
        places = after.detach()
        moved, tokens = self.second(cut_windows(fine.float(), places, second, spacing[1]), places, face, tokens)
        moved = moved.float()
        diagonal = SURE_AT_FIRST * torch.exp(moved[..., 2:4].clamp(-4, 4))
        sure = torch.stack([diagonal[..., 0], SURE_AT_FIRST * moved[..., 4], diagonal[..., 1]], -1)
        identity = self.identity(torch.cat([tokens.mean(1), face], 1))
        return PointsRead(places + STEP * moved[..., :2], sure, begun, after, identity)

    def _face(self, pixels: Float[Tensor, "b 3 h w"]) -> tuple[list[Tensor], Float[Tensor, "b f"]]:
        """The trunk's maps at 24, 12 and 6 places each way, and its face features."""
        # Centred on grey, so that grey padding is the zero that convolutions pad with.
        features, scales = pixels * 2 - 1, []
        for layer in self.trunk:
            features = layer(features)
            if isinstance(layer, Bottleneck):
                scales.append(features)
        return scales, features


class PointsMaps(nn.Module):
    """The crop and the trunk's maps of it to a map at an eighth of its side and one at a quarter."""

    def __init__(self, config: PointsConfig):
        super().__init__()
        fine, coarse = config.widths
        # One large step: two small ones take twice the time, nearly all of it in the first.
        self.quarter = ConvUnit(3, fine, 7, stride=4, norm=True)
        self.eighth = ConvUnit(fine, coarse, 3, stride=2, norm=True, relu=False)
        self.joined = nn.ModuleList(ConvUnit(width, coarse, 1, norm=True, relu=False) for width in config.trunk.widths)
        self.deeper = nn.Sequential(*(Bottleneck(coarse) for _ in range(config.bottlenecks)))
        self.down = ConvUnit(coarse, fine, 1, norm=True, relu=False)
        self.fine = ConvUnit(fine, fine, 3, norm=True)

    def forward(self, pixels: Float[Tensor, "b 3 h w"], scales: list[Tensor]) -> tuple[Tensor, Tensor]:
        quarter = self.quarter(pixels * 2 - 1)
        coarse = self.eighth(quarter)
        above = None
        for join, scale in zip(reversed(self.joined), reversed(scales), strict=True):
            above = join(scale) if above is None else join(scale) + _doubled(above)
        coarse = self.deeper(nn.functional.relu(coarse + above))
        return coarse, self.fine(nn.functional.relu(quarter + _doubled(self.down(coarse))))


class PointsMover(nn.Module):
    """Windows and what is known of the whole face to a correction of each point."""

    def __init__(self, window: int, before: int, said: int, config: PointsConfig, blocks: int):
        super().__init__()
        size = config.token
        self.reader = nn.Linear(window, size)
        self.place = nn.Linear(2, size)
        self.face = nn.Linear(config.trunk.face_features, size)
        self.before = nn.Linear(before, size, bias=False) if before else None
        self.which = nn.Parameter(0.5 * torch.randn(LANDMARK_COUNT, size))
        self.blocks = nn.Sequential(*(Attention(size, config.heads) for _ in range(blocks)))
        self.norm = nn.LayerNorm(size)
        self.move = nn.Parameter(torch.zeros(LANDMARK_COUNT, size, said))
        self.shift = nn.Parameter(torch.zeros(LANDMARK_COUNT, said))

    def forward(
        self, windows: Tensor, places: Tensor, face: Tensor, before: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        tokens = self.reader(windows) + self.place(4 * places) + self.face(face)[:, None] + self.which
        if self.before is not None:
            tokens = tokens + self.before(before)
        tokens = self.norm(self.blocks(tokens))
        return torch.einsum("bpf,pfo->bpo", tokens, self.move) + self.shift, tokens


class Attention(nn.Module):
    """Tokens look at each other, then each thinks for itself; both added to what they were."""

    def __init__(self, size: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(size)
        self.ask = nn.Linear(size, 3 * size)
        self.answer = nn.Linear(size, size)
        self.think = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, 2 * size), nn.ReLU(), nn.Linear(2 * size, size))

    def forward(self, tokens: Float[Tensor, "b p f"]) -> Float[Tensor, "b p f"]:
        asked = self.ask(self.norm(tokens)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = asked.unbind(0)
        share = torch.softmax(query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5, -1)
        tokens = tokens + self.answer((share.to(value.dtype) @ value).transpose(1, 2).flatten(2))
        return tokens + self.think(tokens)


def _doubled(features: Tensor) -> Tensor:
    return nn.functional.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)


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
