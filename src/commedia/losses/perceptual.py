"""How unlike two pictures of faces are to a network that recognises people."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def perceptual_error(photographs: Float[Tensor, "b e"], drawn: Float[Tensor, "b e"]) -> Float[Tensor, "b"]:
    """One minus the cosine of what the network says of a photograph and of the drawn face: 0 alike, 2 opposite.

    Reference: Mo et al. 2022, Eq. 7.
    """
    return 1 - functional.cosine_similarity(photographs, drawn, dim=1)
