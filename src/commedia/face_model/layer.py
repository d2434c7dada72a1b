"""The face model as a torch module, equal to `evaluate.py` and differentiable."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.face_model.landmarks import LandmarkScheme, reduced_model
from commedia.face_model.model import MorphableModel


class MorphableLayer(nn.Module):
    """Parameters to vertices for a batch: one matrix product per basis. Its buffers follow `.to(device)`, train nothing
    and are left out of checkpoints, since the head is a file of its own."""

    mean: Tensor
    identity_basis: Tensor
    expression_basis: Tensor
    interaction_basis: Tensor | None
    interaction_expressions: Tensor | None
    interaction_vertices: Tensor | None

    def __init__(self, model: MorphableModel):
        super().__init__()
        self.source = model
        self.register_buffer("mean", torch.from_numpy(model.mean.copy()), persistent=False)
        for name in ("identity_basis", "expression_basis"):
            rows = torch.from_numpy(getattr(model, name).reshape(-1, 3 * len(model.mean)).copy())
            self.register_buffer(name, rows, persistent=False)
        for name in ("basis", "expressions", "vertices"):
            array = None if model.interaction is None else torch.from_numpy(getattr(model.interaction, name).copy())
            self.register_buffer(f"interaction_{name}", array, persistent=False)

    def forward(self, identity: Float[Tensor, "b i"], expression: Float[Tensor, "b e"]) -> Float[Tensor, "b v 3"]:
        """Return vertices in metres of the head frame, before head pose."""
        moved = identity @ self.identity_basis + expression @ self.expression_basis
        vertices = self.mean + moved.view(-1, *self.mean.shape)
        if self.interaction_basis is not None:
            # All products of weights first: the other order would hold every blendshape of every face at once.
            pairs = identity[:, :, None] * expression[:, None, self.interaction_expressions]
            added = torch.tensordot(pairs, self.interaction_basis, dims=2)
            vertices = vertices.index_add(1, self.interaction_vertices, added)
        return vertices

    def reduced(self, scheme: LandmarkScheme) -> "MorphableLayer":
        """Return a layer whose vertices are the scheme's points, on the same device."""
        return MorphableLayer(reduced_model(self.source, scheme)).to(self.mean.device, self.mean.dtype)
