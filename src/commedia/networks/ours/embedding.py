"""Who a face is: a crop of 150 pixels to 128 numbers of unit length, alike for one person and unlike for two.

    crop 150 --> trunk: the first layers of dlib's recogniser, 8 x 8 x 128 --> reader --> 128

The trunk was trained by others on three million faces, many more than we have, and stays as it is;
`scripts/embed_faces.py` converts it. The reader takes the place of the other five sixths of that network's numbers.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.networks.backbones import ConvUnit
from commedia.networks.ours.residual import Bottleneck

CHIP_SIZE = 150
MEAN_RGB = (122.782 / 255, 117.001 / 255, 104.298 / 255)
TRUNK_CHANNELS, TRUNK_CELLS = 128, 8


@dataclass(frozen=True)
class EmbeddingConfig:
    """What can differ between two of them."""

    width: int = 96
    blocks: int = 1
    cell_channels: int = 24
    embedding: int = 128


class Embedding(nn.Module):
    """Says who is seen."""

    mean: Tensor

    def __init__(self, config: EmbeddingConfig | None = None):
        super().__init__()
        self.config = config = config or EmbeddingConfig()
        self.register_buffer("mean", torch.tensor(MEAN_RGB).view(1, 3, 1, 1), persistent=False)
        self.trunk = Trunk()
        cells = (TRUNK_CELLS + 1) // 2
        self.reader = nn.Sequential(
            ConvUnit(TRUNK_CHANNELS, config.width, 3, stride=2, norm=True),
            *(Bottleneck(config.width) for _ in range(config.blocks)),
            ConvUnit(config.width, config.cell_channels, 1, norm=True),
            nn.Flatten(),
            nn.Linear(config.cell_channels * cells * cells, config.embedding),
        )

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b e"]:
        """Say who the faces of RGB crops in [0, 1] are (`faces.embedding.chip_crop`)."""
        return self.read(self.features(pixels))

    def features(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 128 8 8"]:
        """Say what the trunk sees."""
        found: Tensor = self.trunk(pixels - self.mean)
        return found

    def read(self, features: Float[Tensor, "b 128 8 8"]) -> Float[Tensor, "b e"]:
        """Say who is seen by what the trunk sees."""
        found = self.reader(features)
        return found / found.square().sum(1, keepdim=True).add(1e-12).sqrt()


class Trunk(nn.Sequential):
    """The first layers of dlib's `face_recognition_resnet_model_v1` (Davis King), its scales multiplied in."""

    def __init__(self) -> None:
        stem = nn.Conv2d(3, 32, 7, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2)
        fine = TrunkBlock(32), TrunkBlock(32), TrunkBlock(32)
        middle = TrunkBlock(32, 64), TrunkBlock(64), TrunkBlock(64), TrunkBlock(64)
        super().__init__(*stem, *fine, *middle, TrunkBlock(64, 128), TrunkBlock(128))


class TrunkBlock(nn.Module):
    """x + conv3x3(conv3x3(x)); with more channels, at half the side, where x is averaged and filled up with zeros."""

    def __init__(self, inputs: int, outputs: int | None = None):
        super().__init__()
        self.added = 0 if outputs is None else outputs - inputs
        halved = outputs is not None
        self.first = nn.Conv2d(inputs, inputs + self.added, 3, stride=1 + halved, padding=0 if halved else 1)
        self.second = nn.Conv2d(inputs + self.added, inputs + self.added, 3, padding=1)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        found = self.second(torch.relu(self.first(features)))
        if self.added:
            features = nn.functional.avg_pool2d(features, 2)
            features = nn.functional.pad(features, (0, 0, 0, 0, 0, self.added))
        return torch.relu(features + found)
