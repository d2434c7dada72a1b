"""A TrackNet of ours: SFN with patch readers says who, what and where, a reader of its own light and texture.

SFN was taught to overlook colours: from its features alone the pictures of `cpem-regions` still differed by .26 when
those of a network that sees them anew differed by .16.
"""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from commedia.networks.backbones import ConvUnit
from commedia.networks.ours.cpem_regions import CpemRegions
from commedia.networks.ours.sfn import POOL
from commedia.networks.paper3.cpem import CpemOutputs, linear_head, through_pinhole

COLOUR_WIDTHS, COLOUR_FEATURES, COLOUR_CELLS = (16, 24, 32, 64), 64, 4


class RegionTracker(CpemRegions):
    """See the file."""

    def __init__(self) -> None:
        super().__init__()
        units = (ConvUnit(*pair, 3, stride=2, norm=True) for pair in pairwise((3, *COLOUR_WIDTHS)))
        cells = nn.AdaptiveAvgPool2d(COLOUR_CELLS), nn.Flatten()
        whole = nn.Linear(COLOUR_CELLS**2 * COLOUR_WIDTHS[-1], COLOUR_FEATURES)
        self.colours = nn.Sequential(*units, *cells, whole, nn.ReLU())
        self.texture = linear_head(COLOUR_FEATURES, self.texture.out_features)
        self.light = linear_head(COLOUR_FEATURES, self.light.out_features)

    def read(self, pixels: Float[Tensor, "b 3 h w"]) -> CpemOutputs:  # type: ignore[override]
        seen = self.colours(nn.functional.avg_pool2d(pixels, POOL))
        return through_pinhole(self.read_crops(pixels).faces, self.texture(seen), self.light(seen).unflatten(1, (3, 9)))
