"""What CPEM says of faces to their points and pictures: head model, colours and pinhole camera as one torch module."""

from typing import NamedTuple

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.face_model.albedo import AlbedoModel
from commedia.face_model.layer import MorphableLayer
from commedia.losses.landmark import DM_PER_M
from commedia.losses.picture import photometric_error
from commedia.networks.paper3.cpem import CAMERA_DM, FOCAL_SIDES, CpemOutputs
from commedia.render.face_picture import FacePictures, render_face
from commedia.render.project import pinhole, rotate
from commedia.training.batches import unit_pixels
from commedia.training.face_model import FaceModel, drawn_skin


class Compared(NamedTuple):
    """Crops and the faces that should explain them, RGB in 0 to 1."""

    photometric: Float[Tensor, "b"]
    photographs: Float[Tensor, "b 3 s s"]
    laid_over: Float[Tensor, "b 3 s s"]
    """Drawn faces over their photographs: eyes, hair and the inside of the mouth are the photograph's."""


class CpemFace(nn.Module):
    """Mo et al. 2022, Eq. 1 and the camera of section 3, for our head or somebody else's model."""

    mean: Tensor
    basis: Tensor
    triangles: Tensor

    def __init__(self, model: FaceModel, albedo: AlbedoModel | None = None):
        super().__init__()
        part, albedo = drawn_skin(model, albedo)
        self.landmarks, self.skin = model.landmarks, MorphableLayer(part)
        self.register_buffer("triangles", torch.from_numpy(part.triangles).long(), persistent=False)
        self.register_buffer("mean", torch.from_numpy(albedo.mean), persistent=False)
        self.register_buffer("basis", torch.from_numpy(albedo.basis).flatten(1), persistent=False)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Numbers of identity, expression and texture."""
        return len(self.skin.identity_basis), len(self.skin.expression_basis), len(self.basis)

    def points(self, outputs: CpemOutputs) -> Float[Tensor, "b 68 2"]:
        """Place the 68 points in crop units."""
        seen = self._from_camera(self.landmarks(outputs.identity, outputs.expression), outputs)
        focal = seen.new_full((len(seen),), FOCAL_SIDES)
        return pinhole(seen, focal, seen.new_zeros(len(seen), 2))[..., :2]

    def pictures(self, outputs: CpemOutputs, size: int) -> FacePictures:
        """Draw the skin of faces."""
        seen = self._from_camera(self.skin(outputs.identity, outputs.expression), outputs)
        albedo = self.mean + (outputs.texture @ self.basis).view(-1, *self.mean.shape)
        return render_face(seen, self.triangles, albedo, outputs.light, focal_sides=FOCAL_SIDES, size=size)

    def compared(
        self,
        outputs: CpemOutputs,
        pixels: UInt8[Tensor, "b 3 s s"],
        masks: UInt8[Tensor, "b s s"] | None,
        size: int,
    ) -> Compared:
        """Compare drawn faces with crops that are averaged down to `size`, inside their skin masks where they have any.

        Faces that do not cover their picture at all have no error.
        """
        photographs = nn.functional.adaptive_avg_pool2d(unit_pixels(pixels), size).movedim(1, -1)
        skin = None if masks is None else nn.functional.adaptive_avg_pool2d(masks[:, None].float() / 255, size)[:, 0]
        drawn = self.pictures(outputs, size)
        error = photometric_error(photographs, drawn.image, drawn.mask, skin)
        laid = torch.where(drawn.mask[..., None], drawn.image, photographs)
        return Compared(error, photographs.movedim(-1, 1), laid.movedim(-1, 1))

    @staticmethod
    def _from_camera(vertices: Float[Tensor, "b v 3"], outputs: CpemOutputs) -> Float[Tensor, "b v 3"]:
        """Metres of the head to decimetres before the camera, which is the origin and looks along -z."""
        camera = vertices.new_tensor([0.0, 0.0, CAMERA_DM])
        return rotate(DM_PER_M * vertices, outputs.wxyz) + (outputs.translation - camera)[:, None]
