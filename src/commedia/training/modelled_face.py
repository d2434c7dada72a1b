"""What TrackNet and ModelNet say to points, meshes, colours and pictures: Eq. 1 and 2 and the camera as a torch module.

The numpy twin of Eq. 1 and 2, for rigs, is `face_model/corrections.py`.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from commedia.data.truth import parse_classes
from commedia.face_model.albedo import load_albedo, skin_triangles
from commedia.face_model.chart import SIZE, FaceChart, edges_of, load_chart
from commedia.face_model.chart_layer import ChartLayer
from commedia.face_model.corrections import masks_of
from commedia.face_model.landmarks import load_scheme
from commedia.face_model.layer import MorphableLayer
from commedia.face_model.model import PARSE_CLASSES, HeadModel, head_or_default
from commedia.losses.landmark import DM_PER_M
from commedia.losses.mesh import RestingTriangles, blendshape_gradient_error, resting_triangles, roughness
from commedia.networks.paper2.personal import ModelledFaces
from commedia.networks.paper3.cpem import CAMERA_DM, FOCAL_SIDES, CpemOutputs
from commedia.render.face_picture import FacePictures, render_face
from commedia.render.project import pinhole, rotate
from commedia.render.shade import vertex_irradiance, vertex_normals
from commedia.training.face_model import FaceModel

SOFTENED = 2
"""Edges over which one part of the face becomes the next: only where shares change does a parse map pull."""
CM_PER_M = 100.0


class Corrected(NamedTuple):
    """What maps add, at the vertices of the face; before weights, after masks. Rest first, then blendshapes."""

    shape: Float[Tensor, "g k n 3"] | None
    """Metres."""
    albedo: Float[Tensor, "g k n 3"] | None


class ModelledFace(nn.Module):
    """Chaudhuri et al. 2020, Eq. 1 and 2, and what is drawn and compared of them, for our head."""

    mean_albedo: Tensor
    textures: Tensor
    triangles: Tensor
    masks: Tensor
    edges: Tensor
    parts: Tensor
    mark_vertices: Tensor
    mark_shares: Tensor
    texel_vertices: Tensor
    texel_weights: Tensor

    def __init__(self, model: FaceModel, map_size: int):
        super().__init__()
        head, chart, colours = head_or_default(model.head), load_chart(), load_albedo()
        self.landmarks, self.prior = model.landmarks, MorphableLayer(head.model.part(skin_triangles(head)))
        self.read_maps, small = ChartLayer(chart, map_size), chart.coarser(SIZE // map_size)
        marks = landmarks_on(chart, head)
        masks = np.concatenate([np.ones((1, map_size, map_size), np.float32), masks_of(head, map_size)])
        arrays = {
            "triangles": chart.triangles.astype(np.int64),
            "mean_albedo": colours.mean,
            "textures": colours.basis.reshape(len(colours.basis), -1),
            "masks": masks[:, None],
            "edges": chart.edges.astype(np.int64),
            "parts": soft_parts(head)[chart.vertices],
            "mark_vertices": marks[0],
            "mark_shares": marks[1],
            "texel_vertices": chart.triangles[small.texel_triangle].astype(np.int64),
            "texel_weights": small.barycentric,
        }
        for name, array in arrays.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array)), persistent=False)
        # As the networks' maps lie in memory.
        self.masks = self.masks.movedim((2, 3), (0, 1)).contiguous().movedim((0, 1), (2, 3))

    def corrected(self, modelled: ModelledFaces) -> Corrected:
        """Read masked maps at the vertices: F of Eq. 1."""
        return Corrected(*(None if maps is None else self._at_vertices(maps) for maps in modelled.maps))

    def vertices(self, faces: CpemOutputs, corrected: Corrected) -> Float[Tensor, "b n 3"]:
        """Eq. 1 in metres of the head frame; faces are those of the corrected people, in order."""
        plain = self.prior(self._identity(faces), faces.expression)
        return plain if corrected.shape is None else plain + weighed(corrected.shape, faces.expression)

    def albedo(self, faces: CpemOutputs, corrected: Corrected, mean: Float[Tensor, "3 s s"]) -> Float[Tensor, "b n 3"]:
        """Eq. 2 at the vertices; `mean` is added to the template's."""
        colours = self.mean_albedo + self.read_maps(mean)
        colours = colours.expand(len(faces.expression), -1, -1)
        if faces.texture.shape[1]:
            colours = colours + (faces.texture @ self.textures).view(-1, *self.mean_albedo.shape)
        return colours if corrected.albedo is None else colours + weighed(corrected.albedo, faces.expression)

    def points(self, faces: CpemOutputs, corrected: Corrected, grouped: int) -> Float[Tensor, "b 68 2"]:
        """Place the 68 points in crop units; the first `grouped` faces are those of the corrected people."""
        points = self.landmarks(self._identity(faces), faces.expression)
        if corrected.shape is not None:
            at_marks = (corrected.shape[:, :, self.mark_vertices] * self.mark_shares[..., None]).sum(3)
            moved = weighed(at_marks, faces.expression[:grouped])
            points = torch.cat([points[:grouped] + moved, points[grouped:]])
        seen = from_camera(points, faces)
        return pinhole(seen, seen.new_full((len(seen),), FOCAL_SIDES), seen.new_zeros(len(seen), 2))[..., :2]

    def pictures(
        self, faces: CpemOutputs, vertices: Float[Tensor, "b n 3"], albedo: Float[Tensor, "b n 3"], size: int
    ) -> FacePictures:
        """Draw the skin of faces, and which parts of it each pixel shows."""
        seen, camera = from_camera(vertices, faces), {"focal_sides": FOCAL_SIDES, "size": size}
        return render_face(seen, self.triangles, albedo, faces.light, **camera, parts=self.parts)

    def roughness(self, corrected: Corrected) -> Float[Tensor, "g"]:
        """Eq. 6, in decimetres."""
        assert corrected.shape is not None
        return roughness(DM_PER_M * corrected.shape[:, 0], self.edges)

    def blendshape_gradient(self, corrected: Corrected, chosen: list[int]) -> Float[Tensor, "g"]:
        """Eq. 7 of some blendshapes."""
        assert corrected.shape is not None
        rows = torch.tensor(chosen, device=self.masks.device)
        template = self.prior.mean + self.prior.expression_basis[rows].view(-1, *self.prior.mean.shape)
        return blendshape_gradient_error(template + corrected.shape[:, 1 + rows], template, self._resting())

    @torch.no_grad()
    def on_chart(self, pixels: Float[Tensor, "b 3 s s"], faces: CpemOutputs) -> Float[Tensor, "b 10 m m"]:
        """Lay what pictures show of faces on the chart, beside what the prior expects: what ModelNet sees of frames.

        In order: difference of colours, colours, how far the expression moves the face in centimetres, how frontally
        and whether at all a vertex is seen.
        """
        vertices = self.prior(self._identity(faces), faces.expression)
        seen = from_camera(vertices, faces)
        normals = vertex_normals(seen, self.triangles)
        places = pinhole(seen, seen.new_full((len(seen),), FOCAL_SIDES), seen.new_zeros(len(seen), 2))[..., :2]
        inside = (places.abs().amax(-1) < 0.5).to(seen.dtype)
        facing = (normals * nn.functional.normalize(-seen, dim=-1)).sum(-1).clamp_min(0) * inside
        shown = nn.functional.grid_sample(pixels, 2 * places[:, None], align_corners=False)[:, :, 0].transpose(1, 2)
        nobody = Corrected(None, None)
        expected = self.albedo(faces, nobody, pixels.new_zeros(3, *self.masks.shape[-2:]))
        expected = expected * vertex_irradiance(normals, faces.light)
        moved = CM_PER_M * (faces.expression @ self.prior.expression_basis).view_as(vertices)
        visible = (facing > 0.1).to(seen.dtype)[..., None]
        values = torch.cat([visible * (shown - expected), visible * (shown - 0.5), moved, facing[..., None]], -1)
        return (values[:, self.texel_vertices] * self.texel_weights[..., None]).sum(3).movedim(-1, 1)

    def _at_vertices(self, maps: Float[Tensor, "g k 3 s s"]) -> Float[Tensor, "g k n 3"]:
        read = self.read_maps((maps * self.masks).flatten(1, 2))
        return read.unflatten(2, (-1, 3)).transpose(1, 2)

    def _identity(self, faces: CpemOutputs) -> Float[Tensor, "b i"]:
        """That of the mean face for networks that say none."""
        count = len(self.prior.identity_basis)
        return faces.identity if faces.identity.shape[1] else faces.expression.new_zeros(len(faces.expression), count)

    def _resting(self) -> RestingTriangles:
        if not hasattr(self, "_rest"):
            self._rest = resting_triangles(self.prior.mean, self.triangles)
        return self._rest


def from_camera(vertices: Float[Tensor, "b v 3"], faces: CpemOutputs) -> Float[Tensor, "b v 3"]:
    """Metres of the head to decimetres before the camera, which is the origin and looks along -z."""
    camera = vertices.new_tensor([0.0, 0.0, CAMERA_DM])
    return rotate(DM_PER_M * vertices, faces.wxyz) + (faces.translation - camera)[:, None]


def soft_parts(head: HeadModel) -> Float[np.ndarray, "v k"]:
    """Shares of `PARSE_CLASSES` of each vertex of a head: one, but for those near other parts."""
    shares = np.eye(len(PARSE_CLASSES), dtype=np.float32)[parse_classes(head)]
    edges = edges_of(head.model.triangles)
    for _ in range(SOFTENED):
        total, count = shares.copy(), np.ones((len(shares), 1), np.float32)
        for here, there in (edges.T, edges.T[::-1]):
            np.add.at(total, here, shares[there])
            np.add.at(count, here, 1)
        shares = total / count
    return shares


def landmarks_on(chart: FaceChart, head: HeadModel) -> tuple[Int[np.ndarray, "68 3"], Float[np.ndarray, "68 3"]]:
    """Which of the chart's vertices the 68 points lie between, and how; what lies below the jaw follows its nearest."""
    scheme, place = load_scheme("ibug68"), head.model.mean
    away = place[scheme.vertices][:, :, None] - place[chart.vertices]
    return np.square(away).sum(-1).argmin(-1), scheme.barycentric.copy()


def weighed(added: Float[Tensor, "g k n 3"], expression: Float[Tensor, "b e"]) -> Float[Tensor, "b n 3"]:
    """Sum the first and the others times their weights, for the frames of each person."""
    weights = torch.cat([expression.new_ones(len(expression), 1), expression], 1).unflatten(0, (len(added), -1))
    return (weights @ added.flatten(2)).view(len(expression), *added.shape[2:])
