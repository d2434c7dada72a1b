"""Surface colour under light: normals, spherical harmonics as in papers 2 and 3. Pure torch functions."""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor

# Lambert's kernel per band (a) times the harmonics' norms (c); the same constants as in the papers' own renderers.
_BAND_0 = math.pi / math.sqrt(4 * math.pi)
_BAND_1 = 2 * math.pi / math.sqrt(3) * math.sqrt(3) / math.sqrt(4 * math.pi)
_BAND_2 = 2 * math.pi / math.sqrt(8) * 3 * math.sqrt(5) / math.sqrt(12 * math.pi)
NORMS = (
    _BAND_0, -_BAND_1, _BAND_1, -_BAND_1, _BAND_2, -_BAND_2, _BAND_2 * 0.5 / math.sqrt(3), -_BAND_2, _BAND_2 * 0.5
)  # fmt: skip
"""Of the nine harmonics: what 1, y, z, x, xy, yz, 3zz - 1, xz, xx - yy of a unit normal are multiplied by."""

AMBIENT_OFFSET = 0.8
"""Added to the first coefficient of every channel, so that all zeros is an evenly lit face."""


def vertex_normals(vertices: Float[Tensor, "b v 3"], triangles: Int64[Tensor, "t 3"]) -> Float[Tensor, "b v 3"]:
    """Average the triangles' normals at each vertex, weighted by area; zero where a vertex has no triangle."""
    first, second, third = (vertices[:, corner] for corner in triangles.unbind(1))
    face = torch.cross(second - first, third - first, dim=-1)
    total = torch.zeros_like(vertices)
    for corner in triangles.unbind(1):
        total = total.index_add(1, corner, face)
    return torch.nn.functional.normalize(total, dim=-1, eps=1e-20)


def harmonics(normals: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 9"]:
    """Evaluate the nine harmonics at unit normals in camera axes; order, signs, constants as in Mo et al. 2022."""
    x, y, z = normals.unbind(-1)
    bands = [torch.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y]
    return torch.stack(bands, -1) * normals.new_tensor(NORMS)


def irradiance(
    normals: Float[Tensor, "n 3"], coefficients: Float[Tensor, "b 3 9"], picture: Int64[Tensor, "n"]
) -> Float[Tensor, "n 3"]:
    """Light that falls on surface points, per colour channel; multiply it with albedo in [0, 1]."""
    return torch.einsum("nk,nck->nc", harmonics(normals), with_ambient(coefficients)[picture])


def vertex_irradiance(normals: Float[Tensor, "b v 3"], coefficients: Float[Tensor, "b 3 9"]) -> Float[Tensor, "b v 3"]:
    """`irradiance` at every vertex of a batch."""
    return harmonics(normals) @ with_ambient(coefficients).transpose(1, 2)


def with_ambient(coefficients: Float[Tensor, "b 3 9"]) -> Float[Tensor, "b 3 9"]:
    """Add `AMBIENT_OFFSET`, so that all zeros is even light."""
    offset = torch.zeros_like(coefficients)
    offset[:, :, 0] = AMBIENT_OFFSET
    return coefficients + offset


def directional_coefficients(
    direction: Float[Tensor, "*b 3"], colour: Float[Tensor, "*b 3"]
) -> Float[Tensor, "*b 3 9"]:
    """Coefficients of a distant lamp in unit `direction`: `irradiance` is near colour * max(0, n . direction).

    Lambert's kernel integrates to pi, 2 pi / 3, pi / 4 in bands 0, 1, 2; the constants above hold pi, 2 pi / sqrt(3),
    2 pi / sqrt(8) already, once in the basis at the lamp and once at the surface.
    """
    basis = harmonics(direction)
    share = basis.new_tensor([1 / math.pi] + [1 / (2 * math.pi)] * 8)
    return colour[..., :, None] * (basis * share)[..., None, :]
