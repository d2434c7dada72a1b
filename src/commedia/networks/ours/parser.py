"""Face parser: a crop to the class of every pixel, at half the crop's side. An encoder, and a decoder that adds to each
finer scale what the coarser one says (a U-Net whose skip connections are sums).

    crop 128 --> 64 --> 32 --> 16 --> 8
                  |      |      |     |
    classes 64 <--+------+------+-----+

Reference: Ronneberger et al. 2015 (U-Net); which classes, Chaudhuri et al. 2020, Eq. 5.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from commedia.networks.backbones import ConvUnit
from commedia.networks.ours.residual import Bottleneck

PARSER_SIZE = 128
"""Side of the crop in pixels; the map has half of it."""


@dataclass(frozen=True)
class ParserConfig:
    """0.42 million numbers, 0.84 MB in 16 bit."""

    widths: tuple[int, ...] = (16, 48, 80, 112)
    """At a half, a quarter, an eighth and a sixteenth of the crop's side."""
    blocks: tuple[int, ...] = (0, 1, 2, 2)
    classes: int = 10
    """Background, then the nine regions of Chaudhuri et al."""


class FaceParser(nn.Module):
    """See the file."""

    def __init__(self, config: ParserConfig | None = None):
        super().__init__()
        self.config = config = config or ParserConfig()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        channels = 3
        for width, count in zip(config.widths, config.blocks, strict=True):
            halved = ConvUnit(channels, width, 3, stride=2, norm=True)
            self.down.append(nn.Sequential(halved, *(Bottleneck(width) for _ in range(count))))
            channels = width
        for width in reversed(config.widths[:-1]):
            fitted, joined = ConvUnit(channels, width, 1, norm=True), ConvUnit(width, width, 3, norm=True)
            self.up.append(nn.ModuleList([fitted, joined]))
            channels = width
        self.classes = nn.Conv2d(channels, config.classes, 1)

    def read(self, pixels: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b k h h"]:
        """Say the logits of the classes, of RGB crops in [0, 1]."""
        # Centred on grey, so that grey padding is the zero that convolutions pad with.
        features, scales = pixels * 2 - 1, []
        for stage in self.down:
            features = stage(features)
            scales.append(features)
        scales.pop()
        for stage in self.up:
            fitted, joined = stage.children()
            wider = nn.functional.interpolate(fitted(features), scale_factor=2.0, mode="nearest")
            features = joined(wider + scales.pop())
        return self.classes(features)

    def forward(self, pixels: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b k h h"]:
        """Say how likely each class is at each pixel of the map."""
        return self.read(pixels).softmax(1)
