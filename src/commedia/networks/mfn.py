"""MFN: the Multiple Face Network, one 288 x 288 picture to the boxes and parameters of every face in it.

SFN's trunk with one block more, so that its last features are a 9 x 9 grid; each cell answers for 5 anchor boxes. The
cost does not depend on how many faces there are. Choosing which answers are faces (threshold, non-maximum suppression)
belongs to `inference/`.

    288 -> stem 144 -> pool 72 -> block1 (72) -> block2 (36) -> block3 (18) -> block4 (9)
    expression <- block4 + slim paths from 72, 36 and 18;  identity <- block4 + slim path from 18;  pose, box <- block4

Reference:
    Chaudhuri et al. 2019, sections 3.4, 4.3.3 and 7.2, multi-scale variant; 251,597 parameters with 46 expressions.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.networks.backbones import STEM, Trunk, branch_outputs, branches
from commedia.networks.heads import (
    RESTING_EXPRESSION_LOGIT,
    RESTING_WXYZ,
    FaceOutputs,
    GridHead,
    unit_wxyz,
)

MFN_SIZE = 288
GRID = 9
STRIDE = MFN_SIZE // GRID
POSE_START = (*RESTING_WXYZ, 0.0, 0.0, 0.0, 0.0)
BOX_START = (0.0, 0.0, 0.0, 0.0, -4.0)
"""An untrained network sees no face anywhere; otherwise 400 false alarms drown the first steps."""

DEFAULT_ANCHORS = ((0.35, 0.45), (0.8, 1.05), (1.5, 2.0), (2.7, 3.5), (4.8, 6.0))
"""Width and height in grid cells, for faces of 4 to 67 % of the picture; `training/anchors.py` measures better ones."""


@dataclass(frozen=True)
class MfnConfig:
    """What can differ between two MFNs."""

    identity_count: int = IDENTITY_COUNT
    expression_count: int = EXPRESSION_COUNT
    width_mult: float = 1.0
    norm: bool = False
    stem: int = STEM
    anchors: tuple[tuple[float, float], ...] = DEFAULT_ANCHORS
    """Width and height in grid cells."""

    @property
    def cells(self) -> int:
        """Cells along one side of the grid."""
        return GRID


class BoxOutputs(NamedTuple):
    """Boxes as fractions of the picture's side."""

    center: Float[Tensor, "*b 2"]
    size: Float[Tensor, "*b 2"]
    objectness_logit: Float[Tensor, "*b"]


class Mfn(nn.Module):
    """Multi-scale Multiple Face Network; `forward` gives raw numbers, `decode_boxes` and `decode_faces` mean them."""

    def __init__(self, config: MfnConfig | None = None):
        super().__init__()
        self.config = config = config or MfnConfig()
        width, norm, count = config.width_mult, config.norm, len(config.anchors)
        self.trunk = Trunk(4, stem=config.stem, width_mult=width, norm=norm)
        channels = self.trunk.outputs
        self.expression_branches = branches(channels, (3, 2, 1), width_mult=width, norm=norm)
        self.identity_branches = branches(channels, (1,), width_mult=width, norm=norm)
        slim = branch_outputs(width)
        self.box = GridHead(channels, 5, count, width_mult=width, norm=norm, start=BOX_START)
        self.identity = GridHead(channels + slim, config.identity_count, count, width_mult=width, norm=norm)
        self.expression = GridHead(
            channels + 3 * slim,
            config.expression_count,
            count,
            width_mult=width,
            norm=norm,
            start=RESTING_EXPRESSION_LOGIT,
        )
        self.pose = GridHead(channels, 8, count, width_mult=width, norm=norm, start=POSE_START)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n k"]:
        """Predict raw numbers: box 5, identity, expression, wxyz 4, translation 3, scale 1 for each cell and anchor."""
        *fine, last = self.trunk(pixels)
        expression = [branch(scale) for branch, scale in zip(self.expression_branches, fine, strict=True)]
        identity = self.identity_branches[0](fine[-1])
        groups = (
            self.box(last),
            self.identity(torch.cat([last, identity], dim=1)),
            self.expression(torch.cat([last, *expression], dim=1)),
            self.pose(last),
        )
        return torch.cat(groups, dim=-1)


def decode_boxes(grid: Float[Tensor, "b n k"], anchors: Float[Tensor, "a 2"]) -> BoxOutputs:
    """Place the box of every prediction.

    b_xy = sigmoid(t_xy) + cell, b_wh = anchor * exp(t_wh), both in cells, then divided by the number of cells.

    Reference:
        Chaudhuri et al. 2019, section 7.2.
    """
    count = len(anchors)
    cells = round((grid.shape[1] // count) ** 0.5)
    index = torch.arange(grid.shape[1], device=grid.device)
    cell = torch.stack([index // count % cells, index // count // cells], dim=-1)
    size = anchors[index % count] * torch.exp(grid[..., 2:4].clamp(-6, 6))
    return BoxOutputs((torch.sigmoid(grid[..., 0:2]) + cell) / cells, size / cells, grid[..., 4])


def decode_faces(rows: Float[Tensor, "m k"], identity_count: int, expression_count: int) -> FaceOutputs:
    """Read the parameters of chosen predictions; places and lengths are relative to their boxes."""
    sizes = (5, identity_count, expression_count, 4, 3, 1)
    _, identity, expression, wxyz, translation, scale = rows.split(sizes, dim=-1)
    return FaceOutputs(identity, torch.sigmoid(expression), unit_wxyz(wxyz), translation, torch.sigmoid(scale))
