"""A crop to the shape of a face: who it is, how sure that is, and what the face does, as the head model's numbers.

It is SFN as it reads faces, trunk and patches, and a few blocks more, with all weights free for this one question, in
millimetres: SFN learns each number for itself, and some move a face a hundred times as far as others.
"""

from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import IDENTITY_COUNT
from commedia.networks.ours.region_patches import region_patches
from commedia.networks.ours.sfn import DESKTOP, POOL, Residual, SfnRegions, SfnRegionsConfig, last_layer

STAGES = ("2", "4", "6")
"""Layers of SFN's trunk that end its scales."""


@dataclass(frozen=True)
class IdentityConfig:
    """2 million numbers, stored in 8 bit."""

    tracker: SfnRegionsConfig = DESKTOP
    more: tuple[int, int, int] = (2, 1, 0)
    """Residual blocks of two 3x3 convolutions after those of the trunk at a quarter, an eighth and a sixteenth of its
    side."""


class FoundIdentity(NamedTuple):
    """What the file says of each crop."""

    identity: Float[Tensor, "b i"]
    """In standard deviations of people."""
    sure: Float[Tensor, "b i"]
    """Logarithm of the spread of errors, millimetres at rest, in each direction of `RestShape`."""
    expression: Float[Tensor, "b e"]
    """Weights with which the head model comes nearest to the face: above 1 who goes farther than it, or below 0."""


class IdentityRead(NamedTuple):
    """What training asks besides: whoever knows how a face stands knows what is not its shape."""

    identity: Float[Tensor, "b i"]
    sure: Float[Tensor, "b i"]
    points: Float[Tensor, "b 68 2"]
    """In crop units, y down."""
    expression: Float[Tensor, "b e"]
    """As the file says it, and ..."""
    logits: Float[Tensor, "b e"]
    """... how likely each blendshape is active, in logits."""
    wxyz: Float[Tensor, "b 4"]
    """Of any length."""


class IdentityNet(nn.Module):
    """Says who somebody is, and what they do."""

    def __init__(self, config: IdentityConfig | None = None):
        super().__init__()
        self.config = config = config or IdentityConfig()
        self.tracker = SfnRegions(config.tracker)  # the name below which training lays SFN's weights
        widths = zip(config.tracker.widths, config.more, strict=True)
        blocks = (nn.Sequential(*(_nothing_yet(width) for _ in range(count))) for width, count in widths)
        self.more = nn.ModuleDict(dict(zip(STAGES, blocks, strict=True)))
        self.sure = last_layer(config.tracker.hidden, IDENTITY_COUNT, 0.0)
        self.beyond = last_layer(config.tracker.hidden, config.tracker.expression_count, 0.0)
        nn.init.zeros_(self.beyond.weight)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> FoundIdentity:
        """Say whom RGB crops in [0, 1] show, and what they do."""
        fused, _, regions = self._seen(pixels)
        return FoundIdentity(*self._said(fused, regions)[:3])

    def read(self, pixels: Float[Tensor, "b 3 h w"]) -> IdentityRead:
        """Say all that training asks."""
        fused, points, regions = self._seen(pixels)
        identity, sure, expression, logits = self._said(fused, regions)
        read = IdentityRead(identity, sure, points, expression, logits, self.tracker.pose(fused)[:, :4])
        return IdentityRead(*(part.float() for part in read))

    def _said(self, fused: Tensor, regions: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Identity, how sure it is, expression, and its logits."""
        logits = regions + self.tracker.expression(fused)
        expression = logits.sigmoid() + self.beyond(fused)
        return self.tracker.identity(fused), self.sure(fused), expression, logits

    def _seen(self, pixels: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, Float[Tensor, "b 68 2"], Tensor]:
        """As SFN sees crops: features, points, and the logits of expressions that patches say."""
        # Centred on grey, so that grey padding is the zero that convolutions pad with.
        face = nn.functional.avg_pool2d(pixels, POOL) * 2 - 1
        for name, layer in self.tracker.trunk.named_children():
            face = layer(face)
            if name in self.more:
                face = self.more[name](face)
        points = self.tracker.points(face).unflatten(1, (-1, 2))
        sizes = self.config.tracker.eye_size, self.config.tracker.mouth_size
        fused, regions = self.tracker.fuse(face, region_patches(pixels, points.detach(), *sizes))
        return fused, points, regions


def _nothing_yet(channels: int) -> Residual:
    """A block that adds nothing until it has learnt."""
    block = Residual(channels)
    assert isinstance(block.second.norm, nn.BatchNorm2d)
    nn.init.zeros_(block.second.norm.weight)
    return block
