"""MFN: the Multiple Face Network, one 288 x 288 picture to the boxes and parameters of every face in it.

SFN's trunk with one block more, so that its last features are a 9 x 9 grid; each cell answers for 5 anchor boxes. The
cost does not depend on how many faces there are. Choosing which answers are faces (threshold, non-maximum suppression)
belongs to `inference/`.

    288 -> stem 144 -> pool 72 -> block1 (72) -> block2 (36) -> block3 (18) -> block4 (9)
    expression <- block4 + slim paths from 72, 36 and 18;  identity <- block4 + slim path from 18;  pose, box <- block4

Reference:
    Chaudhuri et al. 2019, sections 3.4, 4.3.3 and 7.2; 251,597 parameters with 46 expressions, multi-scale.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

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
    PooledGridHead,
    unit_wxyz,
)
from commedia.networks.paper1.tiny_yolo import TinyYoloTrunk

MFN_SIZE = 288
GRID = 9
STRIDE = MFN_SIZE // GRID
BOX_NUMBERS = 5
"""Of a prediction: its box and objectness; a network that only detects says no more."""
POSE_START = (*RESTING_WXYZ, 0.0, 0.0, 0.0, 0.0)
BOX_START = (0.0, 0.0, 0.0, 0.0, -4.0)
"""An untrained network sees no face anywhere; otherwise 400 false alarms drown the first steps."""

DEFAULT_ANCHORS = ((0.35, 0.45), (0.8, 1.05), (1.5, 2.0), (2.7, 3.5), (4.8, 6.0))
"""Width and height in grid cells, for faces of 4 to 67 % of the picture; `training/anchors.py` measures better ones."""


@runtime_checkable
class GridConfig(Protocol):
    """What losses and decoding ask of the configuration of a network that gives a grid."""

    @property
    def identity_count(self) -> int: ...
    @property
    def expression_count(self) -> int: ...
    @property
    def anchors(self) -> tuple[tuple[float, float], ...]: ...


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
    scales: Literal["multi", "single"] = "multi"
    """`multi`: SFN's trunk with slim paths (MS-MFN); `single`: quarter-width Tiny YOLOv2 (SS-MFN)."""
    grid_head: Literal["conv", "fc"] = "conv"
    """`conv`: the same small network in every cell; `fc`: one layer from pooled features to all cells, the literal
    reading of "outputs change from 46 to 9 x 9 x 5 x 46", which places boxes poorly."""
    detect_only: bool = False
    """Boxes without parameters: the detector that joint training is compared with."""
    fires: int = 2
    """Fire modules per block; the paper does not say."""

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
    """Multiple Face Network; `forward` gives raw numbers, `decode_boxes` and `decode_faces` say what they mean."""

    def __init__(self, config: MfnConfig | None = None):
        super().__init__()
        self.config = config = config or MfnConfig()
        width, norm, multi = config.width_mult, config.norm, config.scales == "multi"
        if multi:
            self.trunk = Trunk(4, fires=config.fires, stem=config.stem, width_mult=width, norm=norm)
        else:
            self.trunk = TinyYoloTrunk(width_mult=width)
        channels = self.trunk.outputs
        read = multi and not config.detect_only
        self.expression_branches = branches(channels, (3, 2, 1) if read else (), width_mult=width, norm=norm)
        self.identity_branches = branches(channels, (1,) if read else (), width_mult=width, norm=norm)
        slim = branch_outputs(width) if multi else 0
        self.box = self._head(channels, BOX_NUMBERS, BOX_START)
        if not config.detect_only:
            self.identity = self._head(channels + slim, config.identity_count, 0.0)
            self.expression = self._head(channels + 3 * slim, config.expression_count, RESTING_EXPRESSION_LOGIT)
            self.pose = self._head(channels, 8, POSE_START)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n k"]:
        """Predict raw numbers: box 5, identity, expression, wxyz 4, translation 3, scale 1 for each cell and anchor."""
        scales = self.trunk(pixels)
        *fine, last = scales if isinstance(scales, list) else [scales]
        groups = [self.box(last)]
        if not self.config.detect_only:
            # Without branches (single scale) there is nothing to pair, and the heads see the last features alone.
            expression = [path(scale) for path, scale in zip(self.expression_branches, fine, strict=False)]
            groups.append(self.identity(torch.cat([last, *[path(fine[-1]) for path in self.identity_branches]], dim=1)))
            groups.append(self.expression(torch.cat([last, *expression], dim=1)))
            groups.append(self.pose(last))
        return torch.cat(groups, dim=-1)

    def _head(self, inputs: int, outputs: int, start: float | tuple[float, ...]) -> nn.Module:
        config = self.config
        count, width, norm = len(config.anchors), config.width_mult, config.norm
        if config.grid_head == "fc":
            return PooledGridHead(inputs, outputs, count, GRID, width_mult=width, norm=norm, start=start)
        # Tiny YOLO's own last layer is one linear convolution.
        hidden = config.scales == "multi"
        return GridHead(inputs, outputs, count, width_mult=width, norm=norm, start=start, hidden=hidden)


def decode_boxes(grid: Float[Tensor, "b n k"], anchors: Float[Tensor, "a 2"]) -> BoxOutputs:
    """Place the box of every prediction (Chaudhuri et al. 2019, section 7.2).

    b_xy = sigmoid(t_xy) + cell, b_wh = anchor * exp(t_wh), both in cells, then divided by the number of cells.
    """
    count = len(anchors)
    cells = round((grid.shape[1] // count) ** 0.5)
    index = torch.arange(grid.shape[1], device=grid.device)
    cell = torch.stack([index // count % cells, index // count // cells], dim=-1)
    size = anchors[index % count] * torch.exp(grid[..., 2:4].clamp(-6, 6))
    return BoxOutputs((torch.sigmoid(grid[..., 0:2]) + cell) / cells, size / cells, grid[..., 4])


def decode_faces(rows: Float[Tensor, "m k"], identity_count: int, expression_count: int) -> FaceOutputs:
    """Read the parameters of chosen predictions; places and lengths are relative to their boxes."""
    sizes = (BOX_NUMBERS, identity_count, expression_count, 4, 3, 1)
    _, identity, expression, wxyz, translation, scale = rows.split(sizes, dim=-1)
    return FaceOutputs(identity, torch.sigmoid(expression), unit_wxyz(wxyz), translation, torch.sigmoid(scale))
