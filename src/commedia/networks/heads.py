"""Last layers: one hidden layer of 64 and ReLU per parameter group, and how a group starts before any training."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.networks.backbones import scaled

HIDDEN = 64
"""Paper 1: "the penultimate FC layers each has 64 blendshapes with ReLU"."""

RESTING_WXYZ = (1.0, 0.0, 0.0, 0.0)
RESTING_EXPRESSION_LOGIT = -2.0
"""Most blendshapes rest most of the time; a network that starts at 0.12 need not first unlearn 0.5."""


class FaceOutputs(NamedTuple):
    """Parameters of faces in their crop (SFN) or box (MFN); lengths in the model blendshape of 0.1 m."""

    identity: Float[Tensor, "b i"]
    expression: Float[Tensor, "b e"]
    """In [0, 1]."""
    wxyz: Float[Tensor, "b 4"]
    """Unit quaternion; its sign is free."""
    translation: Float[Tensor, "b 3"]
    """Added after rotation; z has no effect in weak perspective and is left unsupervised."""
    scale: Float[Tensor, "b 1"]
    """Crop sides (SFN) or box sizes (MFN) per 0.1 m, in (0, 1)."""


def face_outputs(outputs: Any) -> FaceOutputs:
    """Take the parameters out of whatever a network that reads faces returns."""
    return FaceOutputs(*(getattr(outputs, name) for name in FaceOutputs._fields))


class JudgedFaces(NamedTuple):
    """`FaceOutputs`, and whether there was a face to read."""

    identity: Float[Tensor, "b i"]
    expression: Float[Tensor, "b e"]
    wxyz: Float[Tensor, "b 4"]
    translation: Float[Tensor, "b 3"]
    scale: Float[Tensor, "b 1"]
    presence: Float[Tensor, "b 1"]
    """0 to 1."""


def wxyz_from_euler(euler: Float[Tensor, "b 3"]) -> Float[Tensor, "b 4"]:
    """Turn angles about x, y and z (pitch, yaw, roll; radians) into the quaternion of Rz Ry Rx, as paper 3 has it."""
    (cx, cy, cz), (sx, sy, sz) = (half.unbind(-1) for half in ((euler / 2).cos(), (euler / 2).sin()))
    return torch.stack(
        [
            cz * cy * cx + sz * sy * sx,
            cz * cy * sx - sz * sy * cx,
            cz * sy * cx + sz * cy * sx,
            sz * cy * cx - cz * sy * sx,
        ],
        -1,
    )


class VectorHead(nn.Module):
    """Pooled features to one group of numbers."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width_mult: float = 1.0,
        norm: bool = False,
        start: float | tuple[float, ...] = 0.0,
    ):
        super().__init__()
        self.hidden = nn.Linear(inputs, scaled(HIDDEN, width_mult))
        # Pooled features are small and alike; without this, 60 of 64 hidden blendshapes of the expression head died.
        self.norm = nn.BatchNorm1d(self.hidden.out_features) if norm else nn.Identity()
        self.last = nn.Linear(self.hidden.out_features, outputs)
        start_near(self.last, start)

    def forward(self, pooled: Float[Tensor, "b c"]) -> Float[Tensor, "b k"]:
        return self.last(torch.relu(self.norm(self.hidden(pooled))))


class GridHead(nn.Module):
    """Features of every grid cell to one group of numbers per anchor, through 1x1 convolutions."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        anchors: int,
        *,
        width_mult: float = 1.0,
        norm: bool = False,
        start: tuple[float, ...] | float = 0.0,
        hidden: bool = True,
    ):
        super().__init__()
        self.anchors = anchors
        channels = scaled(HIDDEN, width_mult) if hidden else inputs
        self.hidden = nn.Conv2d(inputs, channels, 1) if hidden else nn.Identity()
        self.norm = nn.BatchNorm2d(channels) if hidden and norm else nn.Identity()
        self.last = nn.Conv2d(channels, anchors * outputs, 1)
        start_near(self.last, start * anchors if isinstance(start, tuple) else start)

    def forward(self, features: Float[Tensor, "b c r q"]) -> Float[Tensor, "b n k"]:
        """Flatten to one row per prediction, index (row * columns + column) * anchors + anchor."""
        grid = self.last(torch.relu(self.norm(self.hidden(features))))
        return grid.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, grid.shape[1] // self.anchors))


class PooledGridHead(nn.Module):
    """Pooled features to the numbers of every cell at once; unlike `GridHead`, it has to learn each place anew."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        anchors: int,
        cells: int,
        *,
        width_mult: float = 1.0,
        norm: bool = False,
        start: tuple[float, ...] | float = 0.0,
    ):
        super().__init__()
        self.outputs = outputs
        count = cells * cells * anchors
        start = start * count if isinstance(start, tuple) else start
        self.all = VectorHead(inputs, count * outputs, width_mult=width_mult, norm=norm, start=start)

    def forward(self, features: Float[Tensor, "b c r q"]) -> Float[Tensor, "b n k"]:
        """One row per prediction, in the order of `GridHead`."""
        return self.all(features.mean(dim=(2, 3))).unflatten(1, (-1, self.outputs))


def start_near(layer: nn.Linear | nn.Conv2d, value: float | tuple[float, ...]) -> None:
    """Make an untrained layer answer about `value` for any input."""
    with torch.no_grad():
        layer.weight.mul_(0.1)
        assert layer.bias is not None
        layer.bias.copy_(torch.tensor(value).expand_as(layer.bias))


def unit_wxyz(wxyz: Float[Tensor, "*b 4"]) -> Float[Tensor, "*b 4"]:
    """Normalise quaternions; zero stays zero, and its gradient stays finite."""
    return wxyz / wxyz.norm(dim=-1, keepdim=True).clamp_min(1e-6)
