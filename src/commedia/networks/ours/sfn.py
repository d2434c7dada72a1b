"""SFN as shipped: a trunk reads the whole face, its points place patches of mouth and eyes, all say the expression.

One graph. The crop comes in finer than the trunk reads it, so that patches keep the camera's detail:

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


INPUT_SIZE = 192
POOL = 2
"""Pixels of the crop, each way, that become one of the trunk's."""


@dataclass(frozen=True)
class SfnRegionsConfig:
    """What can differ between two of them."""

    stem: int = 16
    widths: tuple[int, int, int] = (32, 64, 128)
    """Of the trunk at a quarter, an eighth and a sixteenth of its side."""
    blocks: tuple[int, int, int] = (1, 1, 1)
    cell_channels: int = 32
    """Per cell of the trunk's last scale that the face features are made from."""
    face_features: int = 256
    eye_size: int = 40
    mouth_size: int = 56
    mouth_fineness: int = 1
    """Pixels of the mouth's patch, each way, in the place of one: its first convolution takes the more at once."""
    reader_widths: tuple[int, int, int] = (32, 64, 96)
    reader_blocks: tuple[int, int, int] = (0, 1, 1)
    """Of the patch readers at half, a quarter and an eighth of a patch's side."""
    plain: bool = True
    """Residual blocks of two 3x3 convolutions in the readers; bottlenecks otherwise."""
    reader_cell_channels: int = 32
    """As the trunk's; without, these layers' weights are three quarters of the network and a seventh of its time."""
    reader_features: int = 192
    hidden: int = 256
    """Of the layer that sees everything."""
    identity_count: int = IDENTITY_COUNT
    expression_count: int = EXPRESSION_COUNT


COARSE = SfnRegionsConfig()
"""Of the points network, and of `identity-desktop`, which began before the mouth was read finer."""
DESKTOP = SfnRegionsConfig(mouth_size=112, mouth_fineness=2)
"""Lips a pixel high in a patch of 56 are two there; it takes a twelfth more time for one face, a sixth for four."""
MOBILE = SfnRegionsConfig(
    widths=(32, 48, 96), blocks=(0, 1, 1), cell_channels=16, face_features=96, eye_size=32, mouth_size=48,
    reader_widths=(16, 32, 64), reader_features=96, hidden=128,
)  # fmt: skip
"""Below 2 MB at 16 bit."""


class RegionViews(NamedTuple):
    """What the network looks at, RGB in [0, 1]."""

    face: Float[Tensor, "b 3 h w"]
    """The crop, averaged for the trunk."""
    patches: RegionPatches


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
        self.trunk = Reader(
            INPUT_SIZE // POOL, (config.stem, *config.widths), (0, *config.blocks), config.cell_channels,
            config.face_features, plain=False,
        )  # fmt: skip
        self.eye, self.mouth = (
            Reader(
                size, config.reader_widths, config.reader_blocks, config.reader_cell_channels, config.reader_features,
                plain=config.plain, fineness=fineness,
            )
            for size, fineness in ((config.eye_size, 1), (config.mouth_size, config.mouth_fineness))
        )  # fmt: skip
        everything = config.face_features + 3 * config.reader_features
        self.fused = nn.Sequential(nn.Linear(everything, config.hidden), nn.BatchNorm1d(config.hidden), nn.ReLU())
        self.points = last_layer(config.face_features, 2 * LANDMARK_COUNT, 0.0)
        self.presence = last_layer(config.face_features, 1, 0.0)
        self.eye_last = last_layer(config.reader_features, len(EYE_BLENDSHAPES), RESTING_EXPRESSION_LOGIT)
        self.mouth_last = last_layer(config.reader_features, len(MOUTH), RESTING_EXPRESSION_LOGIT)
        self.expression = last_layer(config.hidden, config.expression_count, 0.0)
        self.identity = last_layer(config.hidden, config.identity_count, 0.0)
        self.pose = last_layer(config.hidden, 8, POSE_START)
        every = torch.eye(config.expression_count)
        for name, indices in (("from_left", LEFT), ("from_right", RIGHT), ("from_mouth", MOUTH)):
            self.register_buffer(name, every[list(indices)], persistent=False)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> JudgedFaces:
        """Say the faces of RGB crops in [0, 1]."""
        read = self.read_crops(pixels)
        return JudgedFaces(*read.faces, torch.sigmoid(read.presence))

    def read_crops(self, pixels: Float[Tensor, "b 3 h w"]) -> RegionFaces:
        """Say everything about the faces of crops; patches are cut where the trunk's points are."""
        face, points = self._face(nn.functional.avg_pool2d(pixels, POOL))
        return self._read(face, points, region_patches(pixels, points, self.config.eye_size, self.config.mouth_size))

    def read(self, views: RegionViews) -> RegionFaces:
        """Say everything about faces whose patches were cut elsewhere: training places them by the truth."""
        face, points = self._face(views.face)
        return self._read(face, points, RegionPatches(*(part * 2 - 1 for part in views.patches)))

    def _face(self, pixels: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b f"], Float[Tensor, "b 68 2"]]:
        # Centred on grey, so that grey padding is the zero that convolutions pad with.
        features = self.trunk(pixels * 2 - 1)
        return features, self.points(features).unflatten(1, (LANDMARK_COUNT, 2))

    def fuse(self, face: Float[Tensor, "b f"], patches: RegionPatches) -> tuple[Tensor, Float[Tensor, "b e"]]:
        """Features of everything that is seen, and the logits of expressions that patches alone say."""
        left, right = self.eye(patches.eyes.flatten(0, 1)).unflatten(0, (-1, 2)).unbind(1)
        mouth = self.mouth(patches.mouth)
        eyes = self.eye_last(left) @ self.from_left + self.eye_last(right) @ self.from_right
        # A blendshape seen in several patches gets the sum.
        regions = eyes + self.mouth_last(mouth) @ self.from_mouth
        return self.fused(torch.cat([face, left, right, mouth], dim=1)), regions

    def _read(self, face: Float[Tensor, "b f"], points: Float[Tensor, "b 68 2"], patches: RegionPatches) -> RegionFaces:
        fused, regions = self.fuse(face, patches)
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


def last_layer(inputs: int, outputs: int, start: float | tuple[float, ...]) -> nn.Linear:
    """A layer whose answers lie near `start` before it has learnt."""
    layer = nn.Linear(inputs, outputs)
    start_near(layer, start)
    return layer


class Residual(nn.Module):
    """x + conv3x3(conv3x3(x))."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = ConvUnit(channels, channels, 3, norm=True)
        self.second = ConvUnit(channels, channels, 3, norm=True, relu=False)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return nn.functional.relu(features + self.second(self.first(features)))


class Reader(nn.Sequential):
    """A square picture to features: strided convolutions with residual blocks, then one layer over all cells."""

    def __init__(
        self, size: int, widths: tuple[int, ...], blocks: tuple[int, ...], cell_channels: int, features: int, *,
        plain: bool, fineness: int = 1,
    ):  # fmt: skip
        layers: list[nn.Module] = []
        channels, size = 3, size // fineness
        for width, count in zip(widths, blocks, strict=True):
            layers.append(ConvUnit(channels, width, 3 * fineness, stride=2 * fineness, norm=True, padding=fineness))
            layers += [Residual(width) if plain else Bottleneck(width) for _ in range(count)]
            channels, size, fineness = width, (size + 1) // 2, 1
        if cell_channels:
            layers.append(ConvUnit(channels, cell_channels, 1, norm=True))
            channels = cell_channels
        layers += [nn.Flatten(), nn.Linear(channels * size * size, features), nn.BatchNorm1d(features), nn.ReLU()]
        super().__init__(*layers)
