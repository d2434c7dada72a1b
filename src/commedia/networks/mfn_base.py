"""MFN for desktops: what paper 1's MFN does, on a grid of cells of 16 pixels instead of 32.

Same input and the same numbers per prediction as `mfn.py`, which stays as the paper has it. Ours, not the paper's: the
residual trunk of `sfn_base.py` with one stage more; features of an eighth, a sixteenth and a thirty-second of the side
meet in one 18 x 18 grid, which places small boxes better and lets two people be closer to each other.

    288 -> stem 144 -> 72 -> 36 -> 18 -> 9
                              |     |    |
                              /2    |    x2
                              +-- concat (18 x 18) -- merge --> box | identity | expression | pose, 3 anchors each
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.networks.backbones import ConvUnit
from commedia.networks.heads import RESTING_EXPRESSION_LOGIT, GridHead
from commedia.networks.mfn import BOX_START, MFN_SIZE, POSE_START
from commedia.networks.residual import Bottleneck, ResidualTrunk

STRIDE = 16


@dataclass(frozen=True)
class MfnBaseConfig:
    """What can differ between two of them."""

    identity_count: int = IDENTITY_COUNT
    expression_count: int = EXPRESSION_COUNT
    stem: int = 16
    widths: tuple[int, int, int, int] = (24, 48, 96, 160)
    """Channels at a quarter, an eighth, a sixteenth and a thirty-second of the side."""
    blocks: tuple[int, int, int, int] = (1, 1, 2, 3)
    anchors: tuple[tuple[float, float], ...] = ((1.5, 1.9), (3.5, 4.5), (8.0, 10.0))
    """Width and height in grid cells."""

    @property
    def cells(self) -> int:
        """Cells along one side of the grid."""
        return MFN_SIZE // STRIDE


class MfnBase(nn.Module):
    """Multiple Face Network with residual blocks; its raw numbers mean what `mfn.py` says."""

    def __init__(self, config: MfnBaseConfig | None = None):
        super().__init__()
        self.config = config = config or MfnBaseConfig()
        self.trunk = ResidualTrunk(config.stem, config.widths, config.blocks)
        _, fine, middle, last = config.widths
        self.fine = ConvUnit(fine, fine, 3, stride=2, norm=True)
        self.last = ConvUnit(last, middle, 1, norm=True)
        self.merge = nn.Sequential(
            ConvUnit(fine + 2 * middle, middle, 1, norm=True), Bottleneck(middle), Bottleneck(middle)
        )
        count = len(config.anchors)
        self.box, self.identity, self.expression, self.pose = (
            GridHead(middle, outputs, count, norm=True, start=start)
            for outputs, start in (
                (5, BOX_START),
                (config.identity_count, 0.0),
                (config.expression_count, RESTING_EXPRESSION_LOGIT),
                (8, POSE_START),
            )
        )

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n k"]:
        """Predict raw numbers: box 5, identity, expression, wxyz 4, translation 3, scale 1 for each cell and anchor."""
        _, fine, middle, last = self.trunk(pixels)
        coarse = nn.functional.interpolate(self.last(last), scale_factor=2.0, mode="nearest")
        merged = self.merge(torch.cat([self.fine(fine), middle, coarse], dim=1))
        return torch.cat([head(merged) for head in (self.box, self.identity, self.expression, self.pose)], dim=-1)
