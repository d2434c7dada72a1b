"""SFN as shipped: a trunk reads the whole face, its points place patches of mouth and eyes, all say the expression.

One graph. The crop comes in finer than the trunk reads it (`pool`), so that patches keep the camera's detail:

    crop 192 --+-- mean 2x2 --> trunk --> points | face features ------------------+--> identity | pose | presence
               +-- patches at the points --> mouth reader, eye reader (right mirrored) +--> expression

Patches tell small motions (a plain network on the whole face stood at an AUC of 0.67 where patches had 0.86), the trunk
tells where and who. Training may place patches by the true points; nothing learns through their places.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT, LANDMARK_COUNT
from commedia.networks.backbones import ConvUnit
from commedia.networks.heads import RESTING_EXPRESSION_LOGIT, FaceOutputs, JudgedFaces, start_near, unit_wxyz
from commedia.networks.ours.region_patches import EYE_BLENDSHAPES, LEFT, MOUTH, RIGHT, RegionPatches, region_patches
from commedia.networks.ours.residual import Bottleneck

POSE_START = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.2)
"""wxyz, translation, logit of the scale: a face that fills its crop as most do."""


@dataclass(frozen=True)
class SfnRegionsConfig:
    """What can differ between two of them."""

    input_size: int = 192
    pool: int = 2
    """Pixels of the crop, each way, that become one of the trunk's."""
    stem: int = 32
    widths: tuple[int, int, int] = (64, 96, 160)
    """Of the trunk at a quarter, an eighth and a sixteenth of its side."""
    blocks: tuple[int, int, int] = (1, 2, 2)
    cell_channels: int = 32
    """Per cell of the trunk's last scale that the face features are made from."""
    face_features: int = 256
    eye_size: int = 48
    mouth_size: int = 64
    reader_widths: tuple[int, int, int] = (32, 64, 96)
    reader_blocks: tuple[int, int, int] = (0, 1, 1)
    """Of the patch readers at half, a quarter and an eighth of a patch's side."""
    plain: bool = True
    """Residual blocks of two 3x3 convolutions in the readers; bottlenecks otherwise."""
    reader_features: int = 192
    hidden: int = 256
    """Of the layer that sees everything."""
    identity_count: int = IDENTITY_COUNT
    expression_count: int = EXPRESSION_COUNT


NETWORK_SIZES: dict[str, SfnRegionsConfig] = {
    "desktop": SfnRegionsConfig(stem=16, widths=(32, 64, 128), blocks=(1, 1, 1), eye_size=40, mouth_size=56),
    "mobile": SfnRegionsConfig(
        stem=16, widths=(32, 48, 96), blocks=(0, 1, 1), cell_channels=16, face_features=96, eye_size=32, mouth_size=48,
        reader_widths=(16, 32, 64), reader_features=96, hidden=128,
    ),
}  # fmt: skip


class RegionFaces(NamedTuple):
    """Parameters, and what training asks besides."""

    faces: FaceOutputs
    points: Float[Tensor, "b 68 2"]
    """In crop units, y down; they place the patches."""
    logits: Float[Tensor, "b e"]
    """Of `faces.expression`."""
    regions: Float[Tensor, "b e"]
    """The same from the patches alone."""
    presence: Float[Tensor, "b 1"]
    """Logit of a face being there."""


class SfnRegions(nn.Module):
    """Single Face Network with patch readers."""

    from_left: Tensor
    from_right: Tensor
    from_mouth: Tensor

    def __init__(self, config: SfnRegionsConfig | None = None):
        super().__init__()
        self.config = config = config or SfnRegionsConfig()
        self.trunk = _Reader(
            config.input_size // config.pool, (config.stem, *config.widths), (0, *config.blocks),
            config.cell_channels, config.face_features, plain=False,
        )  # fmt: skip
        self.points = nn.Linear(config.face_features, 2 * LANDMARK_COUNT)
        self.presence = nn.Linear(config.face_features, 1)
        sizes = (config.eye_size, config.mouth_size)
        self.eye, self.mouth = (
            _Reader(size, config.reader_widths, config.reader_blocks, 0, config.reader_features, plain=config.plain) for size in sizes
        )
        self.eye_last = nn.Linear(config.reader_features, len(EYE_BLENDSHAPES))
        self.mouth_last = nn.Linear(config.reader_features, len(MOUTH))
        self.fused = nn.Sequential(
            nn.Linear(config.face_features + 3 * config.reader_features, config.hidden),
            nn.BatchNorm1d(config.hidden),
            nn.ReLU(),
        )
        self.expression = nn.Linear(config.hidden, config.expression_count)
        self.identity = nn.Linear(config.hidden, config.identity_count)
        self.pose = nn.Linear(config.hidden, 8)
        for layer in (self.points, self.expression, self.identity):
            start_near(layer, 0.0)
        start_near(self.pose, POSE_START)
        for layer in (self.eye_last, self.mouth_last):
            start_near(layer, RESTING_EXPRESSION_LOGIT)
        every = torch.eye(config.expression_count)
        for name, indices in (("from_left", LEFT), ("from_right", RIGHT), ("from_mouth", MOUTH)):
            self.register_buffer(name, every[list(indices)], persistent=False)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> JudgedFaces:
        """Read faces from RGB crops in [0, 1]."""
        read = self.read(pixels)
        return JudgedFaces(*read.faces, torch.sigmoid(read.presence))

    def read(self, pixels: Float[Tensor, "b 3 h w"]) -> RegionFaces:
        """Read faces, patches cut where the points are, and say what each part made of them."""
        config = self.config
        # Centred on grey, so that grey padding is the zero that convolutions pad with, and what lies beyond the crop.
        pixels = pixels * 2 - 1
        face = self.trunk(nn.functional.avg_pool2d(pixels, config.pool))
        points = self.points(face).unflatten(1, (LANDMARK_COUNT, 2))
        return self._read(face, points, region_patches(pixels, points, config.eye_size, config.mouth_size))

    def read_cut(self, face: Float[Tensor, "b 3 h w"], patches: RegionPatches) -> RegionFaces:
        """Read faces already averaged for the trunk, and patches cut elsewhere: training, where the truth places them."""
        features = self.trunk(face * 2 - 1)
        points = self.points(features).unflatten(1, (LANDMARK_COUNT, 2))
        return self._read(features, points, RegionPatches(*(part * 2 - 1 for part in patches)))

    def _read(self, face: Float[Tensor, "b f"], points: Float[Tensor, "b 68 2"], patches: RegionPatches) -> RegionFaces:
        left, right = self.eye(patches.eyes.flatten(0, 1)).unflatten(0, (-1, 2)).unbind(1)
        mouth = self.mouth(patches.mouth)
        regions = (
            self.eye_last(left) @ self.from_left
            + self.eye_last(right) @ self.from_right
            + self.mouth_last(mouth) @ self.from_mouth
        )
        fused = self.fused(torch.cat([face, left, right, mouth], dim=1))
        logits = regions + self.expression(fused)
        wxyz, translation, scale = self.pose(fused).split((4, 3, 1), dim=1)
        faces = FaceOutputs(
            identity=self.identity(fused),
            expression=torch.sigmoid(logits),
            wxyz=unit_wxyz(wxyz),
            translation=translation,
            scale=torch.sigmoid(scale),
        )
        return RegionFaces(faces, points, logits, regions, self.presence(face))


class _Residual(nn.Module):
    """x + conv3x3(conv3x3(x))."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = ConvUnit(channels, channels, 3, norm=True)
        self.second = ConvUnit(channels, channels, 3, norm=True, relu=False)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return nn.functional.relu(features + self.second(self.first(features)))


class _Reader(nn.Sequential):
    """A square picture to features: per width a strided convolution and residual blocks, then one layer of all cells."""

    def __init__(
        self, size: int, widths: tuple[int, ...], blocks: tuple[int, ...], cell_channels: int, features: int, *,
        plain: bool,
    ):  # fmt: skip
        layers: list[nn.Module] = []
        channels = 3
        for width, count in zip(widths, blocks, strict=True):
            layers.append(ConvUnit(channels, width, 3, stride=2, norm=True))
            layers += [_Residual(width) if plain else Bottleneck(width) for _ in range(count)]
            channels, size = width, (size + 1) // 2
        if cell_channels:
            layers.append(ConvUnit(channels, cell_channels, 1, norm=True))
            channels = cell_channels
        layers += [nn.Flatten(), nn.Linear(channels * size * size, features), nn.BatchNorm1d(features), nn.ReLU()]
        super().__init__(*layers)
