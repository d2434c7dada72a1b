"""One person's rig as what is optimised: identity, a free correction of rest, of blendshapes that were seen, and skin.

Reference: Chaudhuri et al. 2020, Eq. 1 and 2, 6 and 7. Corrections are not maps but what a few hundred points on the
face carry their surroundings along: smooth from the start, so that a minute on a processor is enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.face_model.evaluate import blendshapes_of_identity, vertices_from_params
from commedia.face_model.landmarks import load_scheme
from commedia.face_model.layer import MorphableLayer
from commedia.face_model.model import HeadModel
from commedia.losses.mesh import RestingTriangles, blendshape_gradient_error, resting_triangles, roughness
from commedia.personal.skin_mesh import skin_mesh_of
from commedia.render.project import rotate
from commedia.render.shade import vertex_normals

MM_PER_M = 1000.0
GRAZING, FACING = 0.55, 0.85
"""The part of a normal that points at the camera where skin begins to be seen, and from where it is seen fully."""
EVERY = 4
"""Of the triangles for Eq. 7, one of so many: changes are smooth over a centimetre, and a triangle is 4 mm wide."""
UNCHANGED = (*(name for name in EXPRESSION_NAMES if name.startswith(("eyeBlink", "eyeLook"))), "mouthClose")
"""A blink closes everybody's eyes, the gaze is an angle, and `mouthClose` undoes what `jawOpen` does."""


@dataclass(frozen=True)
class OwnMesh:
    """What was found of somebody's shape."""

    identity: Float32[np.ndarray, "i"]
    neutral: Float32[np.ndarray, "v 3"]
    blendshapes: dict[str, Float32[np.ndarray, "v 3"]]
    """Displacements at weight 1 of those that were seen."""
    cosines: dict[str, float]
    """Between these displacements and the head model's."""


class PersonalRig(nn.Module):
    """Eq. 1 and 2 for one person."""

    carried: Tensor
    masks: Tensor
    triangles: Tensor
    edges: Tensor
    identity_read: Tensor
    """Where `identity` began, ..."""
    identity_sure: Tensor
    """... and what differences from it are multiplied with: they then have a length of about 1 in each direction."""
    skin: Tensor
    shown: Tensor
    """How well each vertex is seen, 0 to 1; where a face turns away, a pixel is half background."""
    marks: Tensor
    shares: Tensor

    def __init__(self, head: HeadModel, identity: Float[Tensor, "i"], skin: Float[Tensor, "v 3"], seen: Sequence[str]):
        """`identity` and `skin`, sRGB 0 to 1 at the vertices of `skin_mesh_of`, are where it begins; `seen` names the
        blendshapes that may change."""
        super().__init__()
        self.head, self.mesh = head, skin_mesh_of(head)
        self.seen = tuple(name for name in seen if name not in UNCHANGED)
        self.rows = [EXPRESSION_INDEX[name] for name in self.seen]
        self.prior = MorphableLayer(self.mesh.model)
        points = self.mesh.carried.shape[1]
        self.identity = nn.Parameter(identity.clone())
        self.rest = nn.Parameter(torch.zeros(points, 3))
        self.shapes = nn.Parameter(torch.zeros(len(self.rows), points, 3))
        self.colour = nn.Parameter(torch.zeros_like(skin))
        self.register_buffer("identity_read", identity.clone(), persistent=False)
        self.register_buffer("identity_sure", torch.eye(len(identity)), persistent=False)
        self.register_buffer("skin", skin.clone(), persistent=False)
        self.register_buffer("shown", torch.ones(len(skin)), persistent=False)
        self.parts: Float[Tensor, "v k"] | None = None
        """Shares of `PARSE_CLASSES` of each vertex, for who compares parse maps."""
        near = self.mesh.vertices
        for name, array in (
            ("carried", self.mesh.carried[near]),
            ("masks", self.mesh.masks[self.rows][:, near]),
            ("triangles", self.mesh.drawn),
            ("edges", self.mesh.edges),
            ("marks", self.mesh.marks),
            ("shares", load_scheme("ibug68").barycentric),
        ):
            self.register_buffer(name, torch.from_numpy(array.copy()), persistent=False)

    def shape_changes(self) -> Float[Tensor, "m v 3"]:
        """What is added to the displacements of `seen`, within their attention masks."""
        return self.masks[..., None] * torch.einsum("vk,mkc->mvc", self.carried, self.shapes)

    def vertices(self, expression: Float[Tensor, "b 52"]) -> Float[Tensor, "b v 3"]:
        """Return the skin's vertices in metres of the head frame (Eq. 1)."""
        plain = self.prior(self.identity.expand(len(expression), -1), expression)
        changed = torch.einsum("bm,mvc->bvc", expression[:, self.rows], self.shape_changes())
        return plain + self.carried @ self.rest + changed

    def colours(self) -> Float[Tensor, "v 3"]:
        """Return the skin's colours: Eq. 2 without what changes with the expression."""
        return (self.skin + self.shown[:, None] * self.colour).clamp(0, 1)

    @torch.no_grad()
    def set_shown(self, expression: Float[Tensor, "n 52"], wxyz: Float[Tensor, "n 4"]) -> None:
        """Learn from poses of all shots where skin is seen, so that only there it gets colours of its own."""
        facing = vertex_normals(rotate(self.vertices(expression), wxyz), self.triangles)[..., 2].amax(0)
        self.shown = ((facing - GRAZING) / (FACING - GRAZING)).clamp(0, 1)

    def landmarks(self, vertices: Float[Tensor, "b v 3"]) -> Float[Tensor, "b 68 3"]:
        """Return the 68 points of meshes."""
        return (self.shares[..., None] * vertices[:, self.marks]).sum(2)

    def distance_from_read(self) -> Float[Tensor, ""]:
        """Square of how far the identity is from the one that was read, by how sure that was."""
        return ((self.identity - self.identity_read) @ self.identity_sure).square().sum()

    def roughness(self) -> Float[Tensor, ""]:
        """Eq. 6 of the correction at rest, in square millimetres."""
        return roughness(MM_PER_M * (self.carried @ self.rest)[None], self.edges)[0]

    def blendshape_gradient(self) -> Float[Tensor, ""]:
        """Eq. 7, over the blendshapes that change."""
        if not self.rows:
            return self.identity.new_zeros(())
        plain, triangles = self._plain_shapes
        return blendshape_gradient_error((plain + self.shape_changes())[None], plain, triangles)[0]

    @cached_property
    def _plain_shapes(self) -> tuple[Float[Tensor, "m v 3"], RestingTriangles]:
        rest = self.prior.mean
        own = self.prior.expression_basis[self.rows].view(len(self.rows), *rest.shape)
        return rest + own, resting_triangles(rest, self.triangles[::EVERY])

    def recolouring(self) -> Float[Tensor, ""]:
        """How far skin is from where it began, and more so how differently neighbours are."""
        apart = self.colour[self.edges[:, 0]] - self.colour[self.edges[:, 1]]
        return self.colour.square().sum(1).mean() + 4 * apart.square().sum(1).mean()

    def prior_parts(self) -> list[dict]:
        """What the head model knows of somebody."""
        return [{"params": [self.identity], "lr": 3e-2}]

    def own_parts(self, colour: bool = True) -> list[dict]:
        """What makes a rig personal, with the size of its steps: components, metres and colours."""
        rates = ((self.identity, 1e-2), (self.rest, 3e-4), (self.shapes, 2e-4), (self.colour, 6e-3))
        return [{"params": [part], "lr": rate} for part, rate in rates if colour or part is not self.colour]

    def own_mesh(self) -> OwnMesh:
        """Return what was found, for the whole head."""
        identity = self.identity.detach().numpy().copy()
        model, carried = self.head.model, self.mesh.carried
        plain = vertices_from_params(model, identity, np.zeros(EXPRESSION_COUNT, np.float32))
        usual, own, cosines = blendshapes_of_identity(model, identity), {}, {}
        for name, row, shape in zip(self.seen, self.rows, self.shapes.detach().numpy(), strict=True):
            own[name] = usual[row] + self.mesh.masks[row][:, None] * (carried @ shape)
            both = np.linalg.norm(own[name]) * np.linalg.norm(usual[row])
            cosines[name] = float((own[name] * usual[row]).sum() / max(float(both), 1e-12))
        return OwnMesh(identity, plain + carried @ self.rest.detach().numpy(), own, cosines)
