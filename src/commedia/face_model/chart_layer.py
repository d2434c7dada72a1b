"""The chart as a torch module, equal to `chart.py` and differentiable: maps to vertices."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.face_model.chart import FaceChart


class ChartLayer(nn.Module):
    """Reads maps of one size; its buffers are left out of checkpoints."""

    weights: Tensor

    def __init__(self, chart: FaceChart, size: int):
        super().__init__()
        texels, weights = (torch.from_numpy(array) for array in chart.reads(size))
        vertex = torch.arange(len(texels))[:, None].expand_as(texels)
        shape = (len(texels), size * size)
        places = torch.stack([vertex.flatten(), texels.flatten()])
        reads = torch.sparse_coo_tensor(places, weights.flatten(), shape, check_invariants=True)
        self.register_buffer("weights", reads.coalesce(), persistent=False)

    def forward(self, maps: Float[Tensor, "*b c s s"]) -> Float[Tensor, "*b n c"]:
        """Read channels at the vertices; quickest where a texel's channels lie next to each other in memory."""
        flat = maps.flatten(-2).transpose(-1, -2)
        if flat.ndim == 2:
            return torch.sparse.mm(self.weights, flat)
        return torch.stack([torch.sparse.mm(self.weights, one) for one in flat.flatten(0, -3)]).unflatten(
            0, flat.shape[:-2]
        )
