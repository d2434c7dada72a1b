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

    def __init__(self, model: MorphableModel):
        super().__init__()
        self.source = model
        self.register_buffer("mean", torch.from_numpy(model.mean.copy()), persistent=False)
        for name in ("identity_basis", "expression_basis", "interaction_basis"):
            basis = getattr(model, name)
            rows = None if basis is None else torch.from_numpy(basis.reshape(-1, 3 * len(model.mean)).copy())
            self.register_buffer(name, rows, persistent=False)

    def forward(self, identity: Float[Tensor, "b i"], expression: Float[Tensor, "b e"]) -> Float[Tensor, "b v 3"]:
        """Return vertices in metres of the head frame, before head pose."""
        moved = identity @ self.identity_basis + expression @ self.expression_basis
        if self.interaction_basis is not None:
            # All products of weights first: the other order would hold every blendshape of every face at once.
            pairs = identity[:, :, None] * expression[:, None, :]
            moved = moved + pairs.flatten(1) @ self.interaction_basis
        return self.mean + moved.view(-1, *self.mean.shape)

    def reduced(self, scheme: LandmarkScheme) -> "MorphableLayer":
        """Return a layer whose vertices are the scheme's points, on the same device."""
        return MorphableLayer(reduced_model(self.source, scheme)).to(self.mean.device, self.mean.dtype)
