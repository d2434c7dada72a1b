"""SFN: the Single Face Network, one 128 x 128 crop to the parameters of one face.

Pose is read from the last, most global features alone; identity adds a regional scale, expression two finer ones.
Finding the face is not its business: see `faces/crop.py` for the crop, `mfn.py` for finding and reading at once.

    128 -> stem 64 -> pool 32 -> block1 (32) -> block2 (16) -> block3 (8)
                                    |              |    \\          |
                              slim, 2 halvings  slim, 1  slim, 1    |
                                    \\------+-------/       |        |
    expression <-------------------- concat <--------------|--------+
    identity   <------------------------------------------ concat <-+
    wxyz, translation, scale <--------------------------------------+

With `scales="single"` (SS-SFN) the slim paths are gone and all five heads read block3.

Reference:
    Chaudhuri et al. 2019, sections 3.2, 3.3 and 4.3.2. The number of Fire modules per block (2)
    and the branch taps are not in the text; read so, it has 178,928 parameters at 46 expressions, whose Keras file
    with optimiser state would be the published 2 MB.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.networks.backbones import STEM, Trunk, branch_outputs, branches
from commedia.networks.heads import RESTING_EXPRESSION_LOGIT, RESTING_WXYZ, FaceOutputs, VectorHead, unit_wxyz

SFN_SIZE = 128
"""Pixels of the square input."""


@dataclass(frozen=True)
class SfnConfig:
    """What can differ between two SFNs."""

    identity_count: int = IDENTITY_COUNT
    expression_count: int = EXPRESSION_COUNT
    """46 in the paper; 52 here."""
    width_mult: float = 1.0
    """Multiplies every channel count."""
    norm: bool = False
    """BatchNorm after every convolution; the paper has none. Folded away at export."""
    stem: int = STEM
    """Channels of the first convolution, before `width_mult`; 64 in the paper."""
    scales: Literal["multi", "single"] = "multi"
    """`multi`: expression and identity also see finer scales (MS-SFN); `single`: everything is read from the last."""
    fires: int = 2
    """Fire modules per block; the paper does not say."""


class Sfn(nn.Module):
    """Single Face Network, multi-scale or single-scale."""

    def __init__(self, config: SfnConfig | None = None):
        super().__init__()
        self.config = config = config or SfnConfig()
        width, norm = config.width_mult, config.norm
        self.trunk = Trunk(3, fires=config.fires, stem=config.stem, width_mult=width, norm=norm)
        channels = self.trunk.outputs
        multi = config.scales == "multi"
        self.expression_branches = branches(channels, (2, 1) if multi else (), width_mult=width, norm=norm)
        self.identity_branches = branches(channels, (1,) if multi else (), width_mult=width, norm=norm)
        slim = branch_outputs(width) if multi else 0
        self.identity = VectorHead(channels + slim, config.identity_count, width_mult=width, norm=norm)
        self.expression = VectorHead(
            channels + 2 * slim, config.expression_count, width_mult=width, norm=norm, start=RESTING_EXPRESSION_LOGIT
        )
        self.wxyz = VectorHead(channels, 4, width_mult=width, norm=norm, start=RESTING_WXYZ)
        self.translation = VectorHead(channels, 3, width_mult=width, norm=norm)
        self.scale = VectorHead(channels, 1, width_mult=width, norm=norm)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> FaceOutputs:
        """Read faces from RGB crops in [0, 1]."""
        fine, middle, last = self.trunk(pixels)
        pooled = pool(last)
        # Without branches (single scale) there is nothing to pair, and the heads see the pooled features alone.
        expression = [pool(path(scale)) for path, scale in zip(self.expression_branches, (fine, middle), strict=False)]
        identity = [pool(path(middle)) for path in self.identity_branches]
        return FaceOutputs(
            identity=self.identity(torch.cat([pooled, *identity], dim=1)),
            expression=torch.sigmoid(self.expression(torch.cat([pooled, *expression], dim=1))),
            wxyz=unit_wxyz(self.wxyz(pooled)),
            translation=self.translation(pooled),
            scale=torch.sigmoid(self.scale(pooled)),
        )


def pool(features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c"]:
    """Global average."""
    return features.mean(dim=(2, 3))
