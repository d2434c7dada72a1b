"""SFN with close-ups: `sfn_points.py` reads the face, its own landmarks place the close-ups, both say the expression.

One ONNX graph, same input and outputs as SFN. The two parts are trained by recipes of their own (`sfn-points`,
`close-ups`) and put together at export. Their logits are averaged, and since two readers who err apart are surer
together than the mean of their doubts, the mean is stretched away from the usual logit of a unit.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import LANDMARK_COUNT
from commedia.networks.close_ups import CloseUps, CloseUpsConfig, region_patches
from commedia.networks.heads import FaceOutputs
from commedia.networks.sfn_points import SfnPoints, SfnPointsConfig


@dataclass(frozen=True)
class SfnCloseConfig:
    """The two parts, and how much of the expression's logits is the close-ups'."""

    base: SfnPointsConfig = field(default_factory=SfnPointsConfig)
    close_ups: CloseUpsConfig = field(default_factory=CloseUpsConfig)
    share: float = 0.65
    gain: float = 1.5
    """How far the mean is stretched; see `docs/training.md` for how it was chosen."""
    pivot: float = -1.4
    """Logit that stretching leaves alone: of 0.2, a unit's mean over many faces."""


class SfnClose(nn.Module):
    """Single Face Network that looks twice at eyes and mouth."""

    def __init__(self, config: SfnCloseConfig | None = None):
        super().__init__()
        self.config = config = config or SfnCloseConfig()
        self.base, self.close_ups = SfnPoints(config.base), CloseUps(config.close_ups)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> FaceOutputs:
        """Read faces from RGB crops in [0, 1]."""
        read, points = self.base(pixels)
        logits = self.close_ups(region_patches(pixels, points[:, :LANDMARK_COUNT]))
        first = torch.logit(read.expression, eps=1e-6)
        share, gain, pivot = self.config.share, self.config.gain, self.config.pivot
        mean = (1 - share) * first + share * logits
        return read._replace(expression=torch.sigmoid(pivot + gain * (mean - pivot)))
