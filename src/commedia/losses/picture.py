"""How a drawn face differs from the photograph it should explain, and how wild its light and colours are."""

from jaxtyping import Bool, Float
from torch import Tensor

_LEAST = 1e-6
"""The authors', on a scale of 0 to 255: the root has no gradient at zero."""


def photometric_error(
    photographs: Float[Tensor, "b h w 3"],
    drawn: Float[Tensor, "b h w 3"],
    covered: Bool[Tensor, "b h w"],
    skin: Float[Tensor, "b h w"] | None = None,
) -> Float[Tensor, "b"]:
    """Mean length of the colour difference over the pixels that the drawn face covers, by how much skin they show.

    Colours are 0 to 1, and so is the error; the paper's are 0 to 255. Without `skin` all that is covered counts.

    Reference: Mo et al. 2022, Eq. 6; the l2,1 norm of Thies et al. 2016.
    """
    weight = covered.to(drawn.dtype) if skin is None else covered * skin
    apart = ((photographs - drawn).square().sum(-1) + _LEAST / 255**2).sqrt()
    return (weight * apart).sum((1, 2)) / (weight.sum((1, 2)) + _LEAST)


def image_gradient_error(
    photographs: Float[Tensor, "b h w 3"],
    drawn: Float[Tensor, "b h w 3"],
    covered: Bool[Tensor, "b h w"],
    skin: Float[Tensor, "b h w"] | None = None,
) -> Float[Tensor, "b"]:
    """The same of the differences between neighbouring pixels, across and down, the mean of both.

    Only where a pixel and its neighbour count, so that no outline is compared with a background.

    Reference: Chaudhuri et al. 2020, section 3.4.
    """

    def along(axis: int) -> Float[Tensor, "b"]:
        first, second = (slice(None),) * axis + (slice(None, -1),), (slice(None),) * axis + (slice(1, None),)
        both = covered[first] & covered[second]
        shown = None if skin is None else skin[first] * skin[second]
        return photometric_error(photographs.diff(dim=axis), drawn.diff(dim=axis), both, shown)

    return (along(1) + along(2)) / 2


def light_penalty(light: Float[Tensor, "b 3 9"], strength: float) -> Float[Tensor, "b"]:
    """How coloured light is, plus `strength` times how far it is from even light.

    Reference: Chaudhuri et al. 2020, Eq. 8.
    """
    coloured = light - light.mean(1, keepdim=True)
    return _length(coloured) + strength * _length(light)


def _length(light: Float[Tensor, "b 3 9"]) -> Float[Tensor, "b"]:
    return (light.square().sum((1, 2)) + 1e-12).sqrt()


def coefficient_energy(coefficients: Float[Tensor, "b k"]) -> Float[Tensor, "b"]:
    """Sum of squares, the distance from the mean face. Reference: Mo et al. 2022, Eq. 9."""
    return coefficients.square().sum(-1)


def expression_size(expression: Float[Tensor, "b e"]) -> Float[Tensor, "b"]:
    """Mean of absolute weights, so that few blendshapes explain a face. Reference: Mo et al. 2022, L_sp."""
    return expression.abs().mean(-1)
