"""Plain trunks of the literature, pictures to one vector: ResNet-18, ResNet-50, MobileNet-V2. Papers 2 and 3 use them.

`width_mult` narrows every layer alike. Reference: He et al. 2016 (a bottleneck's stride in its first convolution, as
there); Sandler et al. 2018.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.networks.backbones import ConvUnit, scaled

Backbone = Literal["resnet18", "resnet50", "mobilenet-v2"]

RESNET_WIDTHS = (64, 128, 256, 512)
BOTTLENECK_GROWTH = 4
MOBILENET_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Growth inside a block, channels after it, blocks, stride of the first: Sandler et al. 2018, Table 2."""
MOBILENET_LAST = 1280


class PlainBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        self.outputs = width
        self.first = ConvUnit(inputs, width, 3, stride=stride, norm=True)
        self.last = ConvUnit(width, width, 3, norm=True, relu=False)
        self.shortcut = _shortcut(inputs, width, stride)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        return nn.functional.relu(self.shortcut(features) + self.last(self.first(features)))


class BottleneckBlock(nn.Module):
    """1x1, 3x3 and 1x1 convolutions, the last to four times the channels, beside a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        self.outputs = BOTTLENECK_GROWTH * width
        self.squeeze = ConvUnit(inputs, width, 1, stride=stride, norm=True)
        self.middle = ConvUnit(width, width, 3, norm=True)
        self.last = ConvUnit(width, self.outputs, 1, norm=True, relu=False)
        self.shortcut = _shortcut(inputs, self.outputs, stride)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        return nn.functional.relu(self.shortcut(features) + self.last(self.middle(self.squeeze(features))))


class ClampedUnit(ConvUnit):
    """Convolution, BatchNorm, ReLU that ends at 6."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1):
        super().__init__(inputs, outputs, kernel, stride=stride, norm=True, relu=False, groups=groups)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        return nn.functional.relu6(super().forward(features), inplace=True)


class InvertedBlock(nn.Module):
    """Many channels inside, each convolved by itself; few outside, with a shortcut where shapes agree."""

    def __init__(self, inputs: int, outputs: int, growth: int, stride: int):
        super().__init__()
        inside = growth * inputs
        grow = [ClampedUnit(inputs, inside, 1)] if growth > 1 else []
        each = ClampedUnit(inside, inside, 3, stride=stride, groups=inside)
        self.steps = nn.Sequential(*grow, each, ConvUnit(inside, outputs, 1, norm=True, relu=False))
        self.skips = stride == 1 and inputs == outputs

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        return features + self.steps(features) if self.skips else self.steps(features)


class PooledTrunk(nn.Module):
    """Layers, then the mean over the picture."""

    def __init__(self, layers: nn.Sequential, outputs: int):
        super().__init__()
        self.layers, self.outputs = layers, outputs

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c"]:
        if self.training:
            pixels = pixels.contiguous(memory_format=torch.channels_last)
        return self.layers(pixels).mean((2, 3))


def trunk_named(backbone: Backbone, width_mult: float = 1.0) -> PooledTrunk:
    """Build an untrained trunk."""
    if backbone == "mobilenet-v2":
        return _mobilenet(width_mult)
    plain = backbone == "resnet18"
    return _resnet(PlainBlock if plain else BottleneckBlock, (2, 2, 2, 2) if plain else (3, 4, 6, 3), width_mult)


def _resnet(
    block: Callable[[int, int, int], PlainBlock | BottleneckBlock], counts: tuple[int, ...], width_mult: float
) -> PooledTrunk:
    channels = scaled(RESNET_WIDTHS[0], width_mult)
    layers: list[nn.Module] = [ConvUnit(3, channels, 7, stride=2, norm=True), nn.MaxPool2d(3, 2, 1)]
    for stage, (width, count) in enumerate(zip(RESNET_WIDTHS, counts, strict=True)):
        for number in range(count):
            stride = 2 if stage and not number else 1
            layers.append(made := block(channels, scaled(width, width_mult), stride))
            channels = made.outputs
    return PooledTrunk(nn.Sequential(*layers), channels)


def _mobilenet(width_mult: float) -> PooledTrunk:
    channels = scaled(32, width_mult)
    layers: list[nn.Module] = [ClampedUnit(3, channels, 3, stride=2)]
    for growth, width, count, stride in MOBILENET_STAGES:
        for number in range(count):
            layers.append(InvertedBlock(channels, scaled(width, width_mult), growth, stride if not number else 1))
            channels = scaled(width, width_mult)
    # As there: a narrow network ends as wide as the whole one.
    layers.append(ClampedUnit(channels, MOBILENET_LAST, 1))
    return PooledTrunk(nn.Sequential(*layers), MOBILENET_LAST)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return ConvUnit(inputs, outputs, 1, stride=stride, norm=True, relu=False)
