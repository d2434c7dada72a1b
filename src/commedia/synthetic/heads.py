"""Performers to pictures without a background: a batch of heads with opacity, and the truth about each in pixels."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import one_hot

from commedia.data.sample import FaceSample, full_weight
from commedia.data.truth import COVERED, PARSE_CLASSES, parse_classes
from commedia.face_model.landmarks import load_scheme
from commedia.face_model.model import HeadModel, face_vertices, head_or_default
from commedia.render.project import perspective, rotate, weak_perspective
from commedia.render.rasterize import Raster, interpolate, rasterize
from commedia.render.shade import vertex_normals
from commedia.structures import Box, HeadPose
from commedia.synthetic.dressing import LASH, TORSO, DressPoints, dress, dress_colours, dress_mesh
from commedia.synthetic.motion import moved_heads
from commedia.synthetic.performers import Performer
from commedia.synthetic.skin import Points, head_colours


@dataclass(frozen=True)
class DrawnHead:
    """One head on nothing."""

    rgba: UInt8[np.ndarray, "s s 4"]
    """Colour as a screen shows it, not multiplied by opacity."""
    face: FaceSample
    """In pixels of this picture."""
    parse: UInt8[np.ndarray, "s s"] | None = None
    """`PARSE_CLASSES` and `COVERED`; None of heads that are not our own model's."""
    camera: Float[np.ndarray, "4"] | None = None
    """As in `DrawnTruth`."""


@dataclass(frozen=True)
class HeadMesh:
    head: HeadModel
    triangles: Tensor
    part: Tensor
    uv: Tensor
    uv_triangles: Tensor
    mark_vertices: Tensor
    mark_weights: Tensor
    face: Tensor
    dress_triangles: Tensor
    dress_part: Tensor
    parse: Tensor
    """Of each vertex, as `PARSE_CLASSES` counts."""


@lru_cache(maxsize=4)
def head_mesh(head: HeadModel, device: str) -> HeadMesh:
    scheme, wear = load_scheme("ibug68"), dress_mesh()
    arrays = (
        head.model.triangles, head.triangle_part, head.uv, head.uv_triangles, scheme.vertices, scheme.barycentric,
        face_vertices(head), wear.triangles, wear.part, parse_classes(head),
    )  # fmt: skip
    tensors = [torch.from_numpy(np.array(array)).to(device) for array in arrays]
    whole = [tensor if tensor.is_floating_point() else tensor.long() for tensor in tensors]
    return HeadMesh(head, *whole)


@torch.no_grad()
def draw_heads(
    performers: list[Performer],
    size: int,
    sides_px: Float[np.ndarray, "b"],
    offsets_px: Float[np.ndarray, "b 2"],
    *,
    device: str = "cpu",
    head: HeadModel | None = None,
) -> list[DrawnHead]:
    """Draw each performer, with `head` for a head (None: the default head), on a square of `size` pixels.

    The box of the 68 landmarks gets `sides_px` as its longer side, and lies `offsets_px` from the picture's middle.
    """
    mesh = head_mesh(head_or_default(head), device)
    expression, wxyz = (
        torch.from_numpy(np.stack([getattr(performer.truth, name) for performer in performers])).to(device)
        for name in ("expression", "wxyz")
    )
    vertices = moved_heads(performers, mesh.head, device)
    dressed = [dress(p, v, mesh.head) for p, v in zip(performers, vertices.cpu().numpy(), strict=True)]
    worn, extra = (torch.from_numpy(np.stack(part)).to(device) for part in zip(*dressed, strict=True))
    rotated = rotate(vertices, wxyz)
    origin, scale = _placed(mesh, rotated, performers, size, sides_px, offsets_px)
    points = _project(rotated, origin, scale, performers)
    faces = _truths(mesh, rotated, points, performers)
    wear_points = _project(worn, origin, scale, performers)
    skin = _rastered_head(mesh, rotated, points, size)
    wear = _rastered_wear(mesh, worn, wear_points, extra, size)
    cameras = [[*origin[k].tolist(), float(scale[k]), performer.distance_m] for k, performer in enumerate(performers)]
    drawn = []
    for k, performer in enumerate(performers):
        rgba, parse = _composed(mesh.head, performer, skin.of(k), wear.of(k), expression[k], size)
        drawn.append(DrawnHead(rgba, faces[k], parse, np.array(cameras[k], np.float32)))
    return drawn


def _project(rotated: Tensor, origin: Tensor, scale: Tensor, performers: list[Performer]) -> Tensor:
    """Mix the two cameras: those infinitely far away have weak perspective."""
    distance = rotated.new_tensor([performer.distance_m for performer in performers])
    far = torch.isinf(distance)
    near = perspective(rotated, origin, scale, torch.where(far, 1.0, distance))
    return torch.where(far[:, None, None], weak_perspective(rotated, origin, scale), near)


def _placed(
    mesh: HeadMesh, rotated: Tensor, performers: list[Performer], size: int, sides: np.ndarray, offsets: np.ndarray
) -> tuple[Tensor, Tensor]:
    """Find origin and scale that put the box of the landmarks where it should be."""
    count = len(performers)
    at_rest = rotated.new_zeros(count, 2), rotated.new_ones(count)
    marks = _marks(mesh, _project(rotated, *at_rest, performers))[..., :2]
    low, high = marks.amin(1), marks.amax(1)
    scale = torch.from_numpy(np.asarray(sides, np.float32)).to(rotated.device) / (high - low).amax(1)
    centre = size / 2 + torch.from_numpy(np.asarray(offsets, np.float32)).to(rotated.device)
    return centre - scale[:, None] * (low + high) / 2, scale


def _marks(mesh: HeadMesh, vertices: Tensor) -> Tensor:
    return (vertices[:, mesh.mark_vertices] * mesh.mark_weights[..., None]).sum(2)


def _truths(mesh: HeadMesh, rotated: Tensor, points: Tensor, performers: list[Performer]) -> list[FaceSample]:
    marks = _marks(mesh, points)[..., :2]
    origin, scale = weak_fit(_marks(mesh, rotated), marks)
    face = points[:, mesh.face, :2]
    boxes = torch.cat([face.amin(1), face.amax(1)], 1).cpu().tolist()
    return [
        FaceSample(
            box=Box(*boxes[k]),
            landmarks_px=marks[k].cpu().numpy(),
            landmark_kind="synthetic",
            pose=HeadPose(performer.truth.wxyz, origin[k].cpu().numpy(), float(scale[k])),
            identity=performer.truth.identity,
            expression=performer.truth.expression,
            expression_weight=full_weight(),
            identity_name=performer.truth.name,
        )
        for k, performer in enumerate(performers)
    ]


def weak_fit(
    rotated: Float[Tensor, "b l 3"], points_px: Float[Tensor, "b l 2"]
) -> tuple[Float[Tensor, "b 2"], Float[Tensor, "b"]]:
    """Find the origin and pixels per metre with which rotated points land nearest to their pixels (least squares)."""
    flat = rotated[..., :2] * rotated.new_tensor([1.0, -1.0])
    middle, target = flat.mean(1), points_px.mean(1)
    spread, aim = flat - middle[:, None], points_px - target[:, None]
    scale = (spread * aim).sum((1, 2)) / (spread * spread).sum((1, 2))
    return target - scale[:, None] * middle, scale


@dataclass(frozen=True)
class _Layer:
    """Covered pixels of a batch: what is needed to colour them, sorted by picture."""

    starts: list[int]
    pixel: Tensor
    part: Tensor
    attributes: Tensor

    def of(self, picture: int) -> "_Layer":
        span = slice(self.starts[picture], self.starts[picture + 1])
        return _Layer([], self.pixel[span], self.part[span], self.attributes[span])


def _layer(raster: Raster, part: Tensor, attributes: Tensor, count: int) -> _Layer:
    starts = torch.searchsorted(raster.picture, torch.arange(count + 1, device=raster.picture.device)).tolist()
    return _Layer(starts, raster.pixel, part[raster.triangle], attributes)


def _rastered_head(mesh: HeadMesh, rotated: Tensor, points: Tensor, size: int) -> _Layer:
    """Attributes: normal (3), depth, uv (2), parse class."""
    raster = rasterize(points, mesh.triangles, (size, size))
    normals = vertex_normals(rotated, mesh.triangles)
    carried = interpolate(torch.cat([normals, points[..., 2:]], -1), mesh.triangles, raster)
    uv = (mesh.uv[mesh.uv_triangles[raster.triangle]] * raster.barycentric[..., None]).sum(1)
    corners = one_hot(mesh.parse, len(PARSE_CLASSES)).float()[mesh.triangles[raster.triangle]]
    seen = (corners * raster.barycentric[..., None]).sum(1).argmax(1, keepdim=True)
    return _layer(raster, mesh.part, torch.cat([carried, uv, seen], 1), len(rotated))


def _rastered_wear(mesh: HeadMesh, worn: Tensor, points: Tensor, extra: Tensor, size: int) -> _Layer:
    """Attributes: normal (3), depth, extra (3)."""
    raster = rasterize(points, mesh.dress_triangles, (size, size), cull=False)
    normals = vertex_normals(worn, mesh.dress_triangles)
    carried = interpolate(torch.cat([normals, points[..., 2:], extra], -1), mesh.dress_triangles, raster)
    # Cloth and hair are seen from both sides.
    normal = carried[:, :3] * torch.where(carried[:, 2:3] < 0, -1.0, 1.0)
    return _layer(raster, mesh.dress_part, torch.cat([normal, carried[:, 3:]], 1), len(worn))


def _composed(
    model: HeadModel, performer: Performer, head: _Layer, wear: _Layer, expression: Tensor, size: int
) -> tuple[np.ndarray, np.ndarray]:
    device = head.pixel.device
    colour, alpha = torch.zeros(size * size, 3, device=device), torch.zeros(size * size, device=device)
    depth = torch.full((size * size,), torch.inf, device=device)
    normal = torch.nn.functional.normalize(head.attributes[:, :3], dim=1)
    points = Points(head.attributes[:, 4:6], head.part, normal)
    skin = head_colours(model, points, performer.appearance, performer.light, expression)
    colour[head.pixel], alpha[head.pixel], depth[head.pixel] = skin, 1.0, head.attributes[:, 3]
    parse = torch.zeros(size * size, dtype=torch.uint8, device=device)
    parse[head.pixel] = head.attributes[:, 6].byte()
    front = (wear.attributes[:, 3] < depth[wear.pixel]).nonzero()[:, 0]
    pixel, attributes = wear.pixel[front], wear.attributes[front]
    if pixel.numel():
        normal = torch.nn.functional.normalize(attributes[:, :3], dim=1)
        seen = DressPoints(wear.part[front], attributes[:, 4:], normal)
        cloth, opacity = dress_colours(seen, performer)
        colour *= _shadow(pixel[(opacity > 0.5) & (seen.part < TORSO)], size)
        below = alpha[pixel]
        parse[pixel[(opacity > 0.5) & (seen.part != LASH) & (parse[pixel] > 0)]] = COVERED
        weight = torch.where(below > 0, opacity, 1.0)[:, None]
        colour[pixel] = colour[pixel] * (1 - weight) + cloth * weight
        alpha[pixel] = torch.maximum(below, opacity)
    return on_screen(colour, alpha, size), parse.view(size, size).cpu().numpy()


def _shadow(casts: Tensor, size: int) -> Tensor:
    """Darken what lies just under and beside hair, hat and frames, as a soft contact shadow."""
    cover = np.zeros(size * size, np.float32)
    cover[casts.cpu().numpy()] = 1
    soft = cv2.GaussianBlur(cover.reshape(size, size), (0, 0), size / 70)
    soft = np.roll(soft, max(1, size // 80), axis=0)
    return torch.from_numpy(1 - 0.55 * soft.reshape(-1, 1)).to(casts.device)


def on_screen(colour: Tensor, alpha: Tensor, size: int) -> np.ndarray:
    """Linear colour and opacity per pixel to RGBA as a screen shows it."""
    # A shoulder like a film's: straight up to 0.7 of white, then never quite there.
    bright = (colour - 0.7).clamp_min_(0)
    shown = torch.minimum(colour, colour.new_tensor(0.7)) + 0.3 * bright / (bright + 0.3)
    rgba = torch.cat([shown.clamp_(0, 1).sqrt_() * alpha[:, None], alpha[:, None]], 1)
    # Half a pixel of blur stands in for the anti-aliasing that the z-buffer does not do.
    soft = cv2.GaussianBlur(rgba.reshape(size, size, 4).cpu().numpy(), (3, 3), 0.5)
    soft[..., :3] /= np.maximum(soft[..., 3:], 1e-4)
    return (soft * 255 + 0.5).clip(0, 255).astype(np.uint8)
