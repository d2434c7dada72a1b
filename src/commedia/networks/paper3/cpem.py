"""CPEM, the network of paper 3: one crop to all that draws a face, through six linear heads on a common trunk.

Trained, it answers with texture and light as well (`read`); what is exported answers as any network that reads faces
(`forward`): the paper's pinhole camera is then said as the weak perspective that agrees with it at the head's origin.

Reference: Mo et al. 2022, sections 3 and 5.1, and the authors' code (order of the heads, Euler angles, 27 numbers of
light, focal length 1015 px at 224 px, camera one metre away).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.networks.heads import RESTING_EXPRESSION_LOGIT, FaceOutputs, wxyz_from_euler
from commedia.networks.trunks import Backbone, trunk_named

CPEM_SIZE = 224
FOCAL_SIDES = 1015 / 224
"""Focal length, in sides of the crop."""
CAMERA_DM = 10.0
"""Where the camera stands on +z, looking back, when the translation is zero."""
NEAREST_DM = 1.0
RESTING_TRANSLATION_DM = (0.0, 0.3, 1.1)
"""Of a mean head that fills an SFN crop as it should; training starts there."""
HEAD_SPREAD = 0.001
"""Standard deviation of an untrained head's weights. With the authors' 0.01, and without their pretrained trunks, some
heads begin turned by 60 degrees."""


@dataclass(frozen=True)
class CpemConfig:
    """The paper's numbers but for the model: 50 identity components of our head instead of 80, 52 blendshapes of 46."""

    backbone: Backbone = "resnet50"
    width_mult: float = 1.0
    input_size: int = CPEM_SIZE
    identity_count: int = IDENTITY_COUNT
    expression_count: int = EXPRESSION_COUNT
    texture_count: int = 40


class CpemOutputs(NamedTuple):
    """All that draws a face; lengths in decimetres, camera axes."""

    identity: Float[Tensor, "b i"]
    expression: Float[Tensor, "b e"]
    """In [0, 1]."""
    texture: Float[Tensor, "b k"]
    """Standard deviations along the albedo's components."""
    wxyz: Float[Tensor, "b 4"]
    """Unit quaternion of the head."""
    light: Float[Tensor, "b 3 9"]
    translation: Float[Tensor, "b 3"]
    """Added after rotation; the camera is `CAMERA_DM` away on +z."""


class Cpem(nn.Module):
    """See the file."""

    def __init__(self, config: CpemConfig | None = None):
        super().__init__()
        self.config = config = config or CpemConfig()
        self.trunk = trunk_named(config.backbone, config.width_mult)
        self.identity = linear_head(self.trunk.outputs, config.identity_count)
        self.expression = linear_head(self.trunk.outputs, config.expression_count, RESTING_EXPRESSION_LOGIT)
        self.texture = linear_head(self.trunk.outputs, config.texture_count)
        self.euler = linear_head(self.trunk.outputs, 3)  # pitch, yaw, roll in radians; R = Rz Ry Rx
        self.light = linear_head(self.trunk.outputs, 27)
        self.translation = linear_head(self.trunk.outputs, 3, RESTING_TRANSLATION_DM)

    def read(self, pixels: Float[Tensor, "b 3 s s"]) -> CpemOutputs:
        """Say everything about faces in pixels of 0 to 1."""
        pooled = self.trunk(pixels)
        return CpemOutputs(
            self.identity(pooled),
            torch.sigmoid(self.expression(pooled)),
            self.texture(pooled),
            wxyz_from_euler(self.euler(pooled)),
            self.light(pooled).unflatten(1, (3, 9)),
            self.translation(pooled),
        )

    def forward(self, pixels: Float[Tensor, "b 3 s s"]) -> FaceOutputs:
        return in_weak_perspective(self.read(pixels))


def linear_head(inputs: int, outputs: int, start: float | tuple[float, ...] = 0.0) -> nn.Linear:
    """A layer that answers about `start` before any training."""
    head = nn.Linear(inputs, outputs)
    nn.init.normal_(head.weight, std=HEAD_SPREAD)
    with torch.no_grad():
        head.bias.copy_(torch.tensor(start).expand_as(head.bias))
    return head


def in_weak_perspective(outputs: CpemOutputs) -> FaceOutputs:
    """Say a face seen through the pinhole as one without foreshortening, of the size it has at the head's origin."""
    away = (CAMERA_DM - outputs.translation[:, 2:]).clamp_min(NEAREST_DM)
    return FaceOutputs(outputs.identity, outputs.expression, outputs.wxyz, outputs.translation, FOCAL_SIDES / away)


def through_pinhole(faces: FaceOutputs, texture: Float[Tensor, "b k"], light: Float[Tensor, "b 3 9"]) -> CpemOutputs:
    """Say a face in weak perspective as one seen through the pinhole, of the same size at the head's origin."""
    away = FOCAL_SIDES / faces.scale
    translation = torch.cat([faces.translation[:, :2], CAMERA_DM - away], 1)
    return CpemOutputs(faces.identity, faces.expression, texture, faces.wxyz, light, translation)
