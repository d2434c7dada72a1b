"""The chart as a torch module, equal to `chart.py` and differentiable: maps to vertices."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.face_model.chart import FaceChart


class ChartLayer(nn.Module):
    """Reads maps of one size; its buffers are left out of checkpoints."""

    texels: Tensor
    weights: Tensor

    def __init__(self, chart: FaceChart, size: int):
        super().__init__()
        texels, weights = chart.reads(size)
        self.register_buffer("texels", torch.from_numpy(texels), persistent=False)
        self.register_buffer("weights", torch.from_numpy(weights), persistent=False)

    def forward(self, maps: Float[Tensor, "*b c s s"]) -> Float[Tensor, "*b n c"]:
        """Read channels at the vertices."""
        flat = maps.flatten(-2)
        corners = flat[..., self.texels.flatten()].unflatten(-1, self.texels.shape)
        return (corners * self.weights).sum(-1).transpose(-1, -2)
