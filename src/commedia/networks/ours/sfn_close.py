"""SFN with close-ups: `sfn_points.py` reads the face, its own landmarks place the close-ups, both say the expression.

One ONNX graph, same input as SFN, same outputs and one more. The two parts begin with recipes of their own
(`sfn-points`, `close-ups`) and are put together by `scripts/join_close_ups.py`: their logits are averaged. What neither
can know alone (is the mouth wide, or stretched? is the chin short, or the head bent?) a small network adds to
expression and rotation, which sees both parts' answers, the points, identity and pose. The recipe `sfn-close` then
trains all of it as one. Whether there is a face at all is told by how far the points' heat spreads, which
`scripts/teach_presence.py` learns to judge afterwards.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import LANDMARK_COUNT
from commedia.networks.heads import FaceOutputs, JudgedFaces, unit_wxyz
from commedia.networks.ours.close_ups import CloseUps, CloseUpsConfig, region_patches
from commedia.networks.ours.sfn_base import SfnBaseConfig
from commedia.networks.ours.sfn_points import SfnPoints, SfnPointsConfig, centred

ROTATION_NUMBERS = 4
UNTAUGHT_PRESENCE = 5.0
"""Logit: whoever has not learned to judge believes in every face."""


@dataclass(frozen=True)
class SfnCloseConfig:
    """The two parts, and how much of the expression's logits is the close-ups'."""

    base: SfnPointsConfig = field(default_factory=SfnPointsConfig)
    close_ups: CloseUpsConfig = field(default_factory=CloseUpsConfig)
    share: float = 0.65
    hidden: int = 256
    """Of the network that sees both parts."""


SMALL_CLOSE = SfnCloseConfig(
    base=SfnPointsConfig(SfnBaseConfig(blocks=(1, 2, 1), head_channels=(10, 6, 6), hidden=(64, 32, 32)), hidden=96),
    close_ups=CloseUpsConfig(cell_channels=5, hidden=64),
    hidden=64,
)
"""Below 2 MB at 16 bit: the same eyes, narrower conclusions. Of the large one's numbers 63 % are in fully
connected layers; here 29 %."""


class CloselyReadFaces(NamedTuple):
    """Parameters, the points that placed the close-ups, and the two opinions on the expression that became one."""

    faces: FaceOutputs
    points: Float[Tensor, "b k 2"]
    logits: tuple[Float[Tensor, "b e"], Float[Tensor, "b e"]]
    """Of the base and of the close-ups, each by itself."""
    spread: Float[Tensor, "b k"]
    presence: Float[Tensor, "b 1"]
    """Logit of a face being there."""


class SfnClose(nn.Module):
    """Single Face Network that looks twice at eyes and mouth."""

    def __init__(self, config: SfnCloseConfig | None = None):
        super().__init__()
        self.config = config = config or SfnCloseConfig()
        self.base, self.close_ups = SfnPoints(config.base), CloseUps(config.close_ups)
        self.together = _together(config)
        self.presence = nn.Linear(config.base.points, 1)
        nn.init.zeros_(self.presence.weight)
        nn.init.constant_(self.presence.bias, UNTAUGHT_PRESENCE)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> JudgedFaces:
        """Read faces from RGB crops in [0, 1]."""
        read = self.read(pixels)
        return JudgedFaces(*read.faces, torch.sigmoid(read.presence))

    def read(self, pixels: Float[Tensor, "b 3 h w"]) -> CloselyReadFaces:
        """Read faces, and say what each part made of them, which training asks."""
        faces, points, first, spread = self.base(pixels)
        seen = self.close_ups.features(region_patches(pixels, points[:, :LANDMARK_COUNT]))
        second = self.close_ups.logits(seen)
        both = torch.cat([first, second, *seen, centred(points), faces.identity, faces.wxyz], dim=1)
        share = self.config.share
        told, turned = self.together(both).split((first.shape[1], ROTATION_NUMBERS), dim=1)
        expression = torch.sigmoid((1 - share) * first + share * second + told)
        faces = faces._replace(expression=expression, wxyz=unit_wxyz(faces.wxyz + turned))
        return CloselyReadFaces(faces, points, (first, second), spread, self.presence(spread))


def _together(config: SfnCloseConfig) -> nn.Sequential:
    """One hidden layer over everything both parts know; starts by adding nothing."""
    base = config.base.base
    answers = 2 * base.expression_count + base.identity_count + ROTATION_NUMBERS
    inputs = answers + 3 * config.close_ups.hidden + 2 * config.base.points
    layers = nn.Sequential(
        nn.BatchNorm1d(inputs), nn.Linear(inputs, config.hidden), nn.BatchNorm1d(config.hidden), nn.ReLU()
    )
    last = nn.Linear(config.hidden, base.expression_count + ROTATION_NUMBERS)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    layers.add_module("last", last)
    return layers
