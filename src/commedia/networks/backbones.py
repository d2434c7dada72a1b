"""The blocks paper 1 builds from: convolution units, Fire modules, squeeze-and-excite, and the shared trunk.

Which scales feed which parameters is said in `sfn.py` and `mfn.py`. Reference: Chaudhuri et al. 2019, section 4.3.2;
Iandola et al. 2016 (Fire); Hu et al. 2018 (squeeze-and-excite, r = 16).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

SQUEEZE = 16
"""Channels of a Fire module's squeeze convolution, before `width_mult`."""
EXPAND = 64
"""Channels of each of its two expand convolutions: the paper's "64" read per branch, as in SqueezeNet."""
STEM = 64
"""Channels of the first convolution. Half of all multiplications are in it."""
REDUCTION = 16
"""Squeeze-and-excite keeps one hidden channel per sixteen."""


def scaled(channels: int, width_mult: float) -> int:
    """Widen or narrow a layer, in steps of 8 channels so that vector units stay full."""
    return max(8, 8 * round(channels * width_mult / 8))


class ConvUnit(nn.Module):
    """Convolution, optional BatchNorm, ReLU unless told otherwise. With `norm` the bias lives in the norm."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        norm: bool = False,
        relu: bool = True,
        groups: int = 1,
        padding: int | None = None,
    ):
        super().__init__()
        self.relu = relu
        padding = kernel // 2 if padding is None else padding
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=not norm)
        self.norm = nn.BatchNorm2d(outputs) if norm else nn.Identity()
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        weight, bias, stride = self.conv.weight, self.conv.bias, self.conv.stride
        if self.training and self.conv.kernel_size == (1, 1) and stride == (2, 2):
            # The same numbers; but the gradient of a strided 1x1 convolution of 8 channels, float32 and channels-last,
            # writes outside its memory in torch 2.13 on AVX-512 (seen here: "double free or corruption").
            strided = nn.functional.conv2d(features[:, :, ::2, ::2], weight, bias)
        elif self.training and self.conv.groups > 1 and stride == (2, 2):
            # The same numbers; but the gradient of strided convolutions of single channels takes torch 2.13 in bfloat16
            # three to ten times as long as that of all places, half of them thrown away.
            everywhere = nn.functional.conv2d(features, weight, bias, 1, self.conv.padding, 1, self.conv.groups)
            strided = everywhere[:, :, ::2, ::2]
        else:
            strided = self.conv(features)
        normed = self.norm(strided)
        return nn.functional.relu(normed, inplace=True) if self.relu else normed


class Fire(nn.Module):
    """Squeeze to few channels, then expand by 1x1 and 3x3 convolutions side by side; `slim` halves every width."""

    def __init__(
        self, inputs: int, *, width_mult: float = 1.0, slim: bool = False, stride: int = 1, norm: bool = False
    ):
        super().__init__()
        half = 2 if slim else 1
        squeeze, expand = scaled(SQUEEZE // half, width_mult), scaled(EXPAND // half, width_mult)
        self.squeeze = ConvUnit(inputs, squeeze, 1, norm=norm)
        self.expand1 = ConvUnit(squeeze, expand, 1, stride=stride, norm=norm)
        self.expand3 = ConvUnit(squeeze, expand, 3, stride=stride, norm=norm)
        self.outputs = 2 * expand

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        squeezed = self.squeeze(features)
        return torch.cat([self.expand1(squeezed), self.expand3(squeezed)], dim=1)


class SqueezeExcite(nn.Module):
    """Scale each channel by a gate read from the mean of all channels."""

    def __init__(self, channels: int):
        super().__init__()
        hidden = max(channels // REDUCTION, 4)
        self.down = nn.Linear(channels, hidden)
        self.up = nn.Linear(hidden, channels)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        gate = torch.sigmoid(self.up(torch.relu(self.down(features.mean(dim=(2, 3))))))
        return features * gate[:, :, None, None]


class Trunk(nn.Module):
    """Stem (7x7 stride 2, max-pool 2), then blocks of `fires` Fire modules and a squeeze-and-excite, max-pools between.

    Returns the features of every block, finest first; each has half the resolution of the one before.
    """

    def __init__(self, blocks: int, *, fires: int = 2, stem: int = STEM, width_mult: float = 1.0, norm: bool = False):
        super().__init__()
        channels = scaled(stem, width_mult)
        self.stem = ConvUnit(3, channels, 7, stride=2, norm=norm)
        self.blocks = nn.ModuleList()
        for _ in range(blocks):
            steps: list[nn.Module] = []
            for _ in range(fires):
                steps.append(fire := Fire(channels, width_mult=width_mult, norm=norm))
                channels = fire.outputs
            self.blocks.append(nn.Sequential(*steps, SqueezeExcite(channels)))
        self.outputs = channels

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        # Centred on grey, so that the grey padding of a letterboxed picture is the zero that convolutions pad with.
        features = self.stem(pixels * 2 - 1)
        scales: list[Tensor] = []
        for block in self.blocks:
            features = block(nn.functional.max_pool2d(features, 2))
            scales.append(features)
        return scales


class Branch(nn.Module):
    """Slim path from a fine scale to the last one: per halving, two slim Fires (the second strided) and a gate."""

    def __init__(self, inputs: int, halvings: int, *, width_mult: float = 1.0, norm: bool = False):
        super().__init__()
        steps: list[nn.Module] = []
        channels = inputs
        for _ in range(halvings):
            first = Fire(channels, width_mult=width_mult, slim=True, norm=norm)
            second = Fire(first.outputs, width_mult=width_mult, slim=True, stride=2, norm=norm)
            steps += [first, second, SqueezeExcite(second.outputs)]
            channels = second.outputs
        self.steps = nn.Sequential(*steps)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        return self.steps(features)


def branches(inputs: int, halvings: Sequence[int], *, width_mult: float, norm: bool) -> nn.ModuleList:
    """Build one `Branch` per number of halvings; each has `branch_outputs` channels at its end."""
    return nn.ModuleList(Branch(inputs, count, width_mult=width_mult, norm=norm) for count in halvings)


def branch_outputs(width_mult: float) -> int:
    """Channels at the end of a `Branch`."""
    return 2 * scaled(EXPAND // 2, width_mult)


def parameter_count(network: nn.Module) -> int:
    """Count trainable numbers."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
