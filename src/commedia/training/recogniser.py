"""A network that recognises people, with gradients to the pictures it sees: who is drawn, is it the same person?"""

from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.errors import UnknownName, WeightsMismatch
from commedia.faces.embedding import FIVE_PLACES, FIVE_POINTS
from commedia.faces.weights import find_weights, shipped_weights
from commedia.networks.onnx_graph import OnnxGraph

Seen = Literal["aligned", "crop"]
"""What a recogniser is shown: the face brought to where dlib's chips have its eyes and nose, as our embedding is, or
CPEM's crop as it is, as in the paper."""


class Recogniser(nn.Module):
    """Frozen; reads RGB in [0, 1]."""

    def __init__(self, network: nn.Module, size: int, seen: Seen = "aligned"):
        super().__init__()
        self.network, self.size, self.seen = network.eval(), size, seen
        for weight in network.parameters():
            weight.requires_grad = False

    def forward(self, pictures: Float[Tensor, "b 3 s s"], points: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b e"]:
        """Say who is seen in crops whose points, in crop units, are these."""
        count, size = len(pictures), self.size
        crop_from_chip = points.new_tensor([[1.0, 0, 0], [0, 1, 0]]).expand(count, 2, 3)
        if self.seen == "aligned":
            crop_from_chip = aligned(points)
        # grid_sample's units are half of ours: -1 to 1 from edge to edge.
        unit = torch.cat([crop_from_chip[:, :, :2], 2 * crop_from_chip[:, :, 2:]], 2).to(pictures.dtype)
        grid = nn.functional.affine_grid(unit, [count, 3, size, size], align_corners=False)
        return self.network(nn.functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False))


def aligned(points: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b 2 3"]:
    """The maps, a turn and a scale each, from chips in their units to crops in theirs that bring five points nearest to
    their places; `faces.embedding.chip_crop` for many faces."""
    found, wanted = points[:, list(FIVE_POINTS)], points.new_tensor(FIVE_PLACES)
    middle, target = found.mean(1), wanted.mean(0)
    ours, theirs = found - middle[:, None], wanted - target
    total = theirs.square().sum()
    cosine = (ours * theirs).sum((1, 2)) / total
    sine = (ours[..., 1] * theirs[:, 0] - ours[..., 0] * theirs[:, 1]).sum(1) / total
    turn = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], 1)
    return torch.cat([turn, (middle - turn @ target)[..., None]], 2)


def open_recogniser(name: str, seen: Seen = "aligned", *, size: int = 0) -> Recogniser:
    """Open shipped weights by name, an .onnx file, or a TorchScript file (.pt) that reads pictures of `size` pixels."""
    if name.endswith((".pt", ".pth")):
        if not Path(name).is_file():
            raise UnknownName("recogniser", name, shipped_weights())
        try:
            return Recogniser(torch.jit.load(name, map_location="cpu"), size or 112, seen)
        except (RuntimeError, ValueError) as problem:
            raise WeightsMismatch(f"'{name}' is not a TorchScript file: {str(problem).splitlines()[0]}") from problem
    graph = OnnxGraph(find_weights(name))
    if not (size or graph.input_size):
        raise WeightsMismatch(f"'{name}' does not say how large its pictures are; say it (recogniser_px)")
    return Recogniser(graph, size or graph.input_size, seen)
