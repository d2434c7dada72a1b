"""What keeps corrected meshes faces: Eq. 6 and 7 of paper 2."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def roughness(displacements: Float[Tensor, "b v 3"], edges: Int64[Tensor, "e 2"]) -> Float[Tensor, "b"]:
    """Mean over edges of how differently their ends are displaced, squared.

    Reference: Chaudhuri et al. 2020, Eq. 6, which is a sum over vertices and their neighbours, so twice each edge.
    """
    first, second = edges.unbind(1)
    return (displacements[:, first] - displacements[:, second]).square().sum(-1).mean(-1)


class RestingTriangles(NamedTuple):
    """Triangles of a mesh at rest, from which deformations are measured."""

    corners: Int64[Tensor, "t 3"]
    inverse: Float[Tensor, "t 3 3"]
    """Of the matrix of two edges and the normal."""


def resting_triangles(rest: Float[Tensor, "v 3"], triangles: Int64[Tensor, "t 3"]) -> RestingTriangles:
    """Make a mesh ready; triangles without area are left out, as they say nothing of direction."""
    frames = _frames(rest, triangles)
    area = torch.linalg.det(frames)
    solid = area > 1e-9 * area.mean()
    return RestingTriangles(triangles[solid], torch.linalg.inv(frames[solid]))


def deformation_gradients(mesh: Float[Tensor, "*b v 3"], rest: RestingTriangles) -> Float[Tensor, "*b t 3 3"]:
    """What each triangle's deformation does to directions: the identity where the mesh is at rest.

    Reference: Sumner and Popovic 2004, Eq. 4, with a normal that grows as lengths do.
    """
    return _frames(mesh, rest.corners) @ rest.inverse


def blendshape_gradient_error(
    changed: Float[Tensor, "b k v 3"], template: Float[Tensor, "k v 3"], rest: RestingTriangles
) -> Float[Tensor, "b"]:
    """Mean over blendshapes and triangles of how differently changed blendshapes deform, squared.

    All are meshes, not displacements. Reference: Chaudhuri et al. 2020, Eq. 7, which sums.
    """
    apart = deformation_gradients(changed, rest) - deformation_gradients(template, rest)
    return apart.square().sum((-1, -2)).mean((-1, -2))


def _frames(mesh: Float[Tensor, "*b v 3"], triangles: Int64[Tensor, "t 3"]) -> Float[Tensor, "*b t 3 3"]:
    """Two edges and a normal, as columns; the normal is as long as the root of twice the area."""
    first, second, third = (mesh[..., corner, :] for corner in triangles.unbind(1))
    one, other = second - first, third - first
    normal = torch.linalg.cross(one, other)
    length = (normal.square().sum(-1, keepdim=True) + 1e-30).sqrt()
    return torch.stack([one, other, normal / length.sqrt()], -1)
