"""MFN for desktops: what paper 1's MFN does, on a grid of cells of 16 pixels instead of 32.

Same input and the same numbers per prediction as `mfn.py`, which stays as the paper has it. Ours, not the paper's: the
residual trunk of `residual.py` with four stages; features of an eighth, a sixteenth and a thirty-second of the side
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
from commedia.networks.ours.residual import Bottleneck, ResidualTrunk
from commedia.networks.paper1.mfn import BOX_START, MFN_SIZE, POSE_START

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
    detect_only: bool = False
    """Boxes without parameters, for the comparison with what learns both."""

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
        outputs = {
            "box": (5, BOX_START),
            "identity": (config.identity_count, 0.0),
            "expression": (config.expression_count, RESTING_EXPRESSION_LOGIT),
            "pose": (8, POSE_START),
        }
        self.said = ("box",) if config.detect_only else tuple(outputs)
        for name in self.said:
            count, start = outputs[name]
            self.add_module(name, GridHead(middle, count, len(config.anchors), norm=True, start=start))

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n k"]:
        """Predict raw numbers: box 5, identity, expression, wxyz 4, translation 3, scale 1 for each cell and anchor."""
        _, fine, middle, last = self.trunk(pixels)
        coarse = nn.functional.interpolate(self.last(last), scale_factor=2.0, mode="nearest")
        merged = self.merge(torch.cat([self.fine(fine), middle, coarse], dim=1))
        return torch.cat([self.get_submodule(name)(merged) for name in self.said], dim=-1)
