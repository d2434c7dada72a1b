"""Disentangled regularisation: what the pictures of a group share must be read the same from all.

The `size` rows of a group lie next to each other. `training/crops.py` makes pairs of two kinds: one face in two crops,
placed and coloured differently, and a crop beside the same one with another expression warped into it; `Groups` draws
pictures of one person. It takes agreement, not truth, and so teaches on faces whose parameters nobody knows, too.

Reference: Chaudhuri et al. 2019, section 3.2, which gives neither formula nor weight. L1 is taken from its Eq. 3.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from commedia.losses.parameters import identity_error, rotation_error
from commedia.networks.heads import FaceOutputs


def view_disagreement(faces: FaceOutputs, size: int = 2) -> Float[Tensor, "p"]:
    """Mean absolute difference of identity, plus that of expression, between the views of each pair (section 3.2)."""
    first, second = _pairs(faces, size)
    return identity_error(first.identity, second.identity) + _apart(first.expression, second.expression)


def edit_disagreement(faces: FaceOutputs, size: int = 2) -> Float[Tensor, "p"]:
    """Mean absolute difference of identity and of pose between a face and the same one with another expression (3.2).

    Pose is rotation, scale and place, the latter two in crop sides; depth has no effect and is left out.
    """
    first, second = _pairs(faces, size)
    return (
        identity_error(first.identity, second.identity)
        + rotation_error(first.wxyz, second.wxyz)
        + _apart(_placement(first), _placement(second))
    )


def identity_disagreement(faces: FaceOutputs, size: int) -> Float[Tensor, "p"]:
    """Mean absolute distance of each group's identities from their mean."""
    identity = faces.identity.unflatten(0, (-1, size))
    return (identity - identity.mean(1, keepdim=True)).abs().mean((1, 2))


def _placement(faces: FaceOutputs) -> Float[Tensor, "p 3"]:
    """Scale, and where the head's origin falls: crop sides per 0.1 m, and crop sides."""
    return torch.cat([faces.scale, faces.scale * faces.translation[:, :2]], dim=-1)


def _apart(first: Float[Tensor, "p k"], second: Float[Tensor, "p k"]) -> Float[Tensor, "p"]:
    return (first - second).abs().mean(-1)


def _pairs(faces: FaceOutputs, size: int) -> tuple[FaceOutputs, FaceOutputs]:
    assert size == 2, "rows come in pairs"
    assert len(faces.identity) % 2 == 0, "rows come in pairs"
    return FaceOutputs(*(part[0::2] for part in faces)), FaceOutputs(*(part[1::2] for part in faces))
