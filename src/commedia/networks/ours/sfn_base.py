"""SFN for desktops: what paper 1's SFN does, by a residual network whose heads see where features are.

Same input, same outputs, same crop as `sfn.py`, which stays as the paper has it. Ours, not the paper's: residual
bottlenecks instead of Fire modules, heads on the 8 x 8 grid instead of its mean, so that one-sided units (a raised left
lip, gaze) can be told from their mirror image. 0.9 million numbers, below 2 MB at 16 bit.

    128 -> stem 64 -> 32 -> 16 -> 8 --+-- concat (8 x 8) --> expression | identity | pose
                             |        |
                             +-- /2 --+
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.networks.backbones import ConvUnit
from commedia.networks.heads import RESTING_EXPRESSION_LOGIT, RESTING_WXYZ, FaceOutputs, start_near, unit_wxyz
from commedia.networks.ours.residual import PlacedHead, ResidualTrunk
from commedia.networks.paper1.sfn import SFN_SIZE

POSE_START = (*RESTING_WXYZ, 0.0, 0.0, 0.0, 0.0)
"""wxyz, translation, scale."""


@dataclass(frozen=True)
class SfnBaseConfig:
    """What can differ between two of them."""

    identity_count: int = IDENTITY_COUNT
    expression_count: int = EXPRESSION_COUNT
    stem: int = 16
    widths: tuple[int, int, int] = (48, 96, 160)
    """Channels at a quarter, an eighth and a sixteenth of the side."""
    blocks: tuple[int, int, int] = (1, 2, 2)
    fine: int = 32
    """Channels that bring detail of the eighth to the heads; 0 reads everything from the last scale."""
    head_channels: tuple[int, int, int] = (24, 16, 16)
    """Channels per cell that the heads of expression, identity and pose see."""
    hidden: tuple[int, int, int] = (128, 64, 64)


SINGLE_SCALE = SfnBaseConfig(fine=0, blocks=(1, 3, 2))
"""Everything from the last scale; a third block is as large as what is left out."""


class SfnBase(nn.Module):
    """Single Face Network with residual blocks and heads that keep places."""

    def __init__(self, config: SfnBaseConfig | None = None):
        super().__init__()
        self.config = config = config or SfnBaseConfig()
        self.trunk = ResidualTrunk(config.stem, config.widths, config.blocks)
        self.fine = ConvUnit(config.widths[1], config.fine, 3, stride=2, norm=True) if config.fine else None
        inputs, cells = config.widths[2] + config.fine, SFN_SIZE // 16
        counts = (config.expression_count, config.identity_count, 8)
        self.expression, self.identity, self.pose = (
            PlacedHead(inputs, cells, channels, hidden, count)
            for channels, hidden, count in zip(config.head_channels, config.hidden, counts, strict=True)
        )
        start_near(self.expression.last, RESTING_EXPRESSION_LOGIT)
        start_near(self.identity.last, 0.0)
        start_near(self.pose.last, POSE_START)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> FaceOutputs:
        """Read faces from RGB crops in [0, 1]."""
        _, middle, last = self.trunk(pixels)
        features = self.features(middle, last)
        wxyz, translation, scale = self.pose(features).split((4, 3, 1), dim=1)
        return FaceOutputs(
            identity=self.identity(features),
            expression=torch.sigmoid(self.expression(features)),
            wxyz=unit_wxyz(wxyz),
            translation=translation,
            scale=torch.sigmoid(scale),
        )

    def features(
        self, middle: Float[Tensor, "b c h w"], last: Float[Tensor, "b d h2 w2"]
    ) -> Float[Tensor, "b e h2 w2"]:
        """What the heads see of the trunk's last two scales."""
        return last if self.fine is None else torch.cat([last, self.fine(middle)], dim=1)
