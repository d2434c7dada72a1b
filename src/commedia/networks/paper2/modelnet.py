"""ModelNet, which makes a face model somebody's own in paper 2: frames of one person to corrections as maps.

A shared encoder reads each frame; the mean over the frames goes through two decoders, one for shape, one for colour.
Each says 3 channels for the face at rest and 3 for each blendshape. The last layers begin at zero: an untrained network
leaves the template as it is.

A frame is a picture, as in the paper, or what of it lies on the chart of the face (`FrameKind`): there all frames and
the corrections lie over each other, so that fine features may skip the bottleneck as in a U-Net.

Reference: Chaudhuri et al. 2020, section 3.2.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT
from commedia.networks.backbones import ConvUnit

FrameKind = Literal["pictures", "charts"]
CHART_CHANNELS = 10
"""What a frame on the chart shows: how its colours differ from the prior's (3), its colours (3), how the expression
moves the face (3), and whether it is seen (1)."""
SHAPE_UNIT_M, WHO_UNIT_M, COLOUR_UNIT = 0.002, 0.008, 0.1
"""What a decoder's 1 means; the second is of what follows from who it is, which is found soonest by large steps."""
COARSE = 16
"""Side of the maps that follow from who it is."""
BOTTLENECK = 4
"""Side of a picture's features, which do not lie as the maps do."""


@dataclass(frozen=True)
class ModelNetConfig:
    """Sizes; the paper tells of the maps' alone."""

    frames: FrameKind = "pictures"
    map_size: int = 128
    encoder: tuple[int, ...] = (32, 64, 128, 256, 512)
    """Channels, each at half the size of the one before."""
    decoder: tuple[int, ...] = (256, 128, 64, 64, 32)
    """The same upwards, to `map_size`."""
    shape: bool = True
    albedo: bool = True
    """Whether there is a decoder for each."""
    expression_count: int = EXPRESSION_COUNT
    who_count: int = 0
    """Numbers of who it is, as the mean over the frames says it; 0 leaves that to the frames, as in the paper."""


class CorrectionMaps(NamedTuple):
    """Of each person the face at rest, then every blendshape; before masks. None where there is no decoder."""

    shape: Float[Tensor, "g k 3 s s"] | None
    """Metres of the head frame."""
    albedo: Float[Tensor, "g k 3 s s"] | None


class ModelNet(nn.Module):
    """See the file."""

    def __init__(self, config: ModelNetConfig):
        super().__init__()
        self.config = config
        charts = config.frames == "charts"
        widths = (CHART_CHANNELS if charts else 3, *config.encoder)
        self.encoder = nn.ModuleList(
            ConvUnit(before, after, 3, stride=1 if charts and not number else 2, norm=True)
            for number, (before, after) in enumerate(pairwise(widths))
        )
        self.shape = Decoder(config) if config.shape else None
        self.albedo = Decoder(config) if config.albedo else None
        self.who = Resting(config) if config.who_count and config.shape else None

    def forward(
        self, frames: Float[Tensor, "b c s s"], group_size: int, who: Float[Tensor, "g i"] | None = None
    ) -> CorrectionMaps:
        """Read people, each in `group_size` frames that follow each other; `who` is what is known of them besides."""
        scales: list[Tensor] = []
        for unit in self.encoder:
            frames = unit(frames)
            scales.append(frames)
        means = [scale.unflatten(0, (-1, group_size)).mean(1) for scale in scales]
        shape = None if self.shape is None else SHAPE_UNIT_M * self.shape(means)
        if shape is not None and self.who is not None:
            assert who is not None
            shape = torch.cat([shape[:, :1] + WHO_UNIT_M * self.who(who)[:, None], shape[:, 1:]], 1)
        return CorrectionMaps(
            shape,
            None if self.albedo is None else COLOUR_UNIT * self.albedo(means),
        )


class Decoder(nn.Module):
    """Features of a person to maps."""

    def __init__(self, config: ModelNetConfig):
        super().__init__()
        self.charts = config.frames == "charts"
        below = config.encoder[-1]
        skipped = config.encoder[-2::-1] if self.charts else (0,) * len(config.decoder)
        self.steps = nn.ModuleList()
        for width, skip in zip(config.decoder, skipped, strict=True):
            self.steps.append(ConvUnit(below + skip, width, 3, norm=True))
            below = width
        self.last = nn.Linear(below, 3 * (1 + config.expression_count))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, scales: list[Tensor]) -> Float[Tensor, "g k 3 s s"]:
        features, finer = scales[-1], scales[-2::-1]
        if not self.charts:
            features = nn.functional.adaptive_avg_pool2d(features, BOTTLENECK)
        for number, step in enumerate(self.steps):
            features = nn.functional.interpolate(features, scale_factor=2.0)
            features = step(torch.cat([features, finer[number]], 1) if self.charts else features)
        # A texel's channels side by side: so they are masked and read at the vertices at once.
        return self.last(features.movedim(1, -1)).unflatten(-1, (-1, 3)).movedim((-2, -1), (1, 2))


class Resting(nn.Module):
    """Who somebody is to a smooth map of how their face at rest differs."""

    def __init__(self, config: ModelNetConfig):
        super().__init__()
        self.size = config.map_size
        self.last = nn.Linear(config.who_count, 3 * COARSE**2)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, who: Float[Tensor, "g i"]) -> Float[Tensor, "g 3 s s"]:
        coarse = self.last(who).unflatten(1, (3, COARSE, COARSE))
        return nn.functional.interpolate(coarse, (self.size, self.size), mode="bilinear")
