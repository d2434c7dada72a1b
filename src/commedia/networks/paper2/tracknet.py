"""TrackNet, which follows faces in paper 2: one crop to expression, rotation, place and light; nobody's in particular.

Where it is asked to, it says identity and texture as well: the prior of a head model that has a basis of both, which
the paper's has not. It then is CPEM, and begins with CPEM's weights.

Reference: Chaudhuri et al. 2020, section 3.3. Camera, order of angles and light are CPEM's, the paper's are not told.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT
from commedia.networks.heads import RESTING_EXPRESSION_LOGIT, wxyz_from_euler
from commedia.networks.paper3.cpem import RESTING_TRANSLATION_DM, CpemOutputs, linear_head
from commedia.networks.trunks import trunk_named


@dataclass(frozen=True)
class TrackNetConfig:
    """The paper's network; how wide its fully connected layers are it does not tell."""

    backbone: Literal["resnet18", "resnet50", "mobilenet-v2", "sfn"] = "resnet18"
    """`sfn` is a network of its own, `region_tracker.py`; it has our head's numbers of each."""
    width_mult: float = 1.0
    hidden: tuple[int, ...] = (256,)
    """Widths of the fully connected layers before the last ones."""
    expression_count: int = EXPRESSION_COUNT
    identity_count: int = 0
    texture_count: int = 0


class TrackNet(nn.Module):
    """See the file."""

    def __init__(self, config: TrackNetConfig):
        super().__init__()
        assert config.backbone != "sfn"
        self.trunk = trunk_named(config.backbone, config.width_mult)
        widths = (self.trunk.outputs, *config.hidden)
        layers = [(nn.Linear(*pair), nn.ReLU()) for pair in pairwise(widths)]
        self.hidden = nn.Sequential(*(part for pair in layers for part in pair))
        self.expression = linear_head(widths[-1], config.expression_count, RESTING_EXPRESSION_LOGIT)
        self.euler = linear_head(widths[-1], 3)
        self.light = linear_head(widths[-1], 27)
        self.translation = linear_head(widths[-1], 3, RESTING_TRANSLATION_DM)
        self.identity = linear_head(widths[-1], config.identity_count) if config.identity_count else None
        self.texture = linear_head(widths[-1], config.texture_count) if config.texture_count else None

    def read(self, pixels: Float[Tensor, "b 3 s s"]) -> CpemOutputs:
        """Say all that is read of faces one by one; without a basis, identity and texture have no numbers."""
        pooled = self.hidden(self.trunk(pixels))
        nothing = pooled[:, :0]
        return CpemOutputs(
            nothing if self.identity is None else self.identity(pooled),
            torch.sigmoid(self.expression(pooled)),
            nothing if self.texture is None else self.texture(pooled),
            wxyz_from_euler(self.euler(pooled)),
            self.light(pooled).unflatten(1, (3, 9)),
            self.translation(pooled),
        )
