"""How the parts of a drawn face lie over those of a photograph: paper 2's parsing loss."""

from jaxtyping import Bool, Float
from torch import Tensor


def parsing_error(
    truth: Float[Tensor, "b h w k"],
    drawn: Float[Tensor, "b h w k"],
    covered: Bool[Tensor, "b h w"],
    known: Float[Tensor, "b h w"],
) -> Float[Tensor, "b"]:
    """Root of the mean squared distance of what each pixel shows, over the covered pixels that somebody knows.

    Maps hold the share of each class in a pixel. A pixel that no face is drawn at has no gradient, whatever it shows.

    Reference: Chaudhuri et al. 2020, Eq. 5, there over all pixels.
    """
    weight = covered * known
    apart = (weight * (truth - drawn).square().sum(-1)).sum((1, 2)) / (weight.sum((1, 2)) + 1e-6)
    # The root has no gradient at zero.
    return (apart + 1e-12).sqrt()
