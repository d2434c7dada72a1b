"""Performers to pictures without a background: a batch of heads with opacity, and the truth about each in pixels."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, Int64, UInt8
from torch import Tensor

from commedia.data.sample import FaceSample, full_weight
from commedia.data.truth import COVERED, parse_classes
from commedia.face_model.landmarks import load_scheme
from commedia.face_model.model import HeadModel, face_vertices, head_or_default
from commedia.render.project import perspective, rotate, weak_perspective
from commedia.render.rasterize import visible_triangles
from commedia.render.surface import Seen, made_unit, normals_of, seen_pixels
from commedia.structures import Box, HeadPose
from commedia.synthetic.dressing import DressPoints, dress, dress_colours, dress_mesh
from commedia.synthetic.motion import moved_heads
from commedia.synthetic.painting import loop
from commedia.synthetic.painting_loops import LASH, TORSO
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


class HeadMesh(NamedTuple):
    """What is the same for everybody, as the loops read it."""

    head: HeadModel
    triangles: Int64[np.ndarray, "t 3"]
    part: Int64[np.ndarray, "t"]
    uv_triangles: Int64[np.ndarray, "t 3"]
    face: Int64[np.ndarray, "f"]
    parse: UInt8[np.ndarray, "v"]
    """Of each vertex, as `PARSE_CLASSES` counts."""


@lru_cache(maxsize=4)
def head_mesh(head: HeadModel) -> HeadMesh:
    numbers = head.model.triangles, head.triangle_part, head.uv_triangles, face_vertices(head)
    return HeadMesh(head, *(np.ascontiguousarray(one, np.int64) for one in numbers), parse_classes(head))


@torch.no_grad()
def draw_heads(
    performers: list[Performer],
    size: int,
    sides_px: Float[np.ndarray, "b"],
    offsets_px: Float[np.ndarray, "b 2"],
    *,
    head: HeadModel | None = None,
) -> list[DrawnHead]:
    """Draw each performer, with `head` for a head (None: the default head), on a square of `size` pixels.

    The box of the 68 landmarks gets `sides_px` as its longer side, and lies `offsets_px` from the picture's middle.
    """
    mesh = head_mesh(head_or_default(head))
    vertices = moved_heads(performers, mesh.head, "cpu")
    dressed = [dress(p, v, mesh.head) for p, v in zip(performers, vertices.numpy(), strict=True)]
    worn, extra = (torch.from_numpy(np.stack(part)) for part in zip(*dressed, strict=True))
    rotated = rotate(vertices, torch.from_numpy(np.stack([performer.truth.wxyz for performer in performers])))
    origin, scale = _placed(rotated, performers, size, sides_px, offsets_px)
    points, wear_points = (_project(one, origin, scale, performers) for one in (rotated, worn))
    faces, drawn = _truths(mesh, rotated, points, performers), []
    for k, performer in enumerate(performers):
        skin = _seen_head(mesh, rotated[k], points[k], size)
        wear = _seen_wear(worn[k], wear_points[k], extra[k], size)
        rgba, parse = _composed(mesh.head, performer, skin, wear, size)
        camera = np.array([*origin[k].tolist(), float(scale[k]), performer.distance_m], np.float32)
        drawn.append(DrawnHead(rgba, faces[k], parse, camera))
    return drawn


def _project(rotated: Tensor, origin: Tensor, scale: Tensor, performers: list[Performer]) -> Tensor:
    """Mix the two cameras: those infinitely far away have weak perspective."""
    distance = rotated.new_tensor([performer.distance_m for performer in performers])
    far = torch.isinf(distance)
    near = perspective(rotated, origin, scale, torch.where(far, 1.0, distance))
    return torch.where(far[:, None, None], weak_perspective(rotated, origin, scale), near)


def _placed(
    rotated: Tensor, performers: list[Performer], size: int, sides: np.ndarray, offsets: np.ndarray
) -> tuple[Tensor, Tensor]:
    """Find origin and scale that put the box of the landmarks where it should be."""
    count = len(performers)
    at_rest = rotated.new_zeros(count, 2), rotated.new_ones(count)
    marks = _marks(_project(rotated, *at_rest, performers))[..., :2]
    low, high = marks.amin(1), marks.amax(1)
    scale = torch.from_numpy(np.asarray(sides, np.float32)) / (high - low).amax(1)
    centre = size / 2 + torch.from_numpy(np.asarray(offsets, np.float32))
    return centre - scale[:, None] * (low + high) / 2, scale


def _marks(vertices: Tensor) -> Tensor:
    scheme = load_scheme("ibug68")
    corners, shares = torch.from_numpy(np.array(scheme.vertices)).long(), torch.from_numpy(np.array(scheme.barycentric))
    return (vertices[:, corners] * shares[..., None]).sum(2)


def _truths(mesh: HeadMesh, rotated: Tensor, points: Tensor, performers: list[Performer]) -> list[FaceSample]:
    marks = _marks(points)[..., :2]
    origin, scale = weak_fit(_marks(rotated), marks)
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


class _Layer(NamedTuple):
    """What is seen of a mesh, pixel by pixel."""

    pixel: Int64[np.ndarray, "n"]
    part: Int64[np.ndarray, "n"]
    normal: Float32[np.ndarray, "n 3"]
    """Unit."""
    depth: Float32[np.ndarray, "n"]
    paint: Float32[np.ndarray, "n c"]
    """Head: texture coordinates. Wear: `extra` of `DressPoints`."""
    parse: UInt8[np.ndarray, "n"] | None = None


def _seen_head(mesh: HeadMesh, rotated: Tensor, points: Tensor, size: int) -> _Layer:
    seen, normal, depth = _seen(rotated, points, mesh.triangles, size, both_sides=False)
    uv = seen.mixed(mesh.uv_triangles, mesh.head.uv)
    parse = seen.most_of(mesh.triangles, mesh.parse)
    return _Layer(seen.pixel, mesh.part[seen.triangle], normal, depth, uv, parse)


def _seen_wear(worn: Tensor, points: Tensor, extra: Tensor, size: int) -> _Layer:
    mesh = dress_mesh()
    # Cloth and hair are seen from both sides.
    seen, normal, depth = _seen(worn, points, mesh.triangles, size, both_sides=True)
    return _Layer(seen.pixel, mesh.part[seen.triangle], normal, depth, seen.mixed(mesh.triangles, extra.numpy()))


def _seen(
    rotated: Tensor, points: Tensor, triangles: np.ndarray, size: int, *, both_sides: bool
) -> tuple[Seen, np.ndarray, np.ndarray]:
    """The pixels that see a mesh, with normal and depth."""
    owner = visible_triangles(points[None], torch.from_numpy(triangles), (size, size), cull=not both_sides)[0].numpy()
    seen = seen_pixels(owner, points.numpy(), triangles)
    normal = seen.mixed(triangles, normals_of(rotated.numpy(), triangles))
    depth = seen.mixed(triangles, points[:, 2:].numpy())[:, 0]
    return seen, made_unit(normal, towards_viewer=both_sides), depth


def _composed(
    model: HeadModel, performer: Performer, head: _Layer, wear: _Layer, size: int
) -> tuple[np.ndarray, np.ndarray]:
    colour, alpha = np.zeros((size * size, 3), np.float32), np.zeros(size * size, np.float32)
    depth, parse = np.full(size * size, np.inf, np.float32), np.zeros(size * size, np.uint8)
    alpha[head.pixel], depth[head.pixel], parse[head.pixel] = 1.0, head.depth, head.parse
    front = np.flatnonzero(wear.depth < depth[wear.pixel])
    pixel, part = wear.pixel[front], wear.part[front]
    cloth, opacity = dress_colours(DressPoints(part, wear.paint[front], wear.normal[front]), performer)
    hidden = np.zeros(size * size, bool)
    hidden[pixel] = opacity == 1
    shown = np.flatnonzero(~hidden[head.pixel])
    points = Points(head.paint[shown], head.part[shown], head.normal[shown])
    skin = head_colours(model, points, performer.appearance, performer.light, performer.truth.expression)
    solid, below = opacity > 0.5, head.pixel[shown]
    colour[below] = skin * (1 - _shadow(pixel[solid & (part < TORSO)], size)[below, None])
    covers = pixel[solid & (part != LASH)]
    parse[covers] = np.where(parse[covers] > 0, COVERED, 0)
    loop("cover")(pixel, cloth, opacity, colour, alpha)
    return on_screen(colour, alpha, size), parse.reshape(size, size)


def _shadow(casts: Int64[np.ndarray, "n"], size: int) -> Float32[np.ndarray, "p"]:
    """Share of the light that is missing just under and beside hair, hat and frames, as a soft contact shadow."""
    cover = np.zeros((size, size), np.uint8)
    cover.reshape(-1)[casts] = 255
    soft = np.roll(cv2.GaussianBlur(cover, (0, 0), size / 70), max(1, size // 80), axis=0)
    return np.float32(0.55 / 255) * soft.reshape(-1)


def on_screen(colour: Float32[np.ndarray, "p 3"], alpha: Float32[np.ndarray, "p"], size: int) -> np.ndarray:
    """Linear colour and opacity per pixel to RGBA as a screen shows it."""
    rgba, shown = np.zeros((size * size, 4), np.float32), np.zeros((size * size, 4), np.uint8)
    loop("show")(colour, alpha, rgba)
    # Half a pixel of blur stands in for the anti-aliasing that the z-buffer does not do.
    soft = cv2.GaussianBlur(rgba.reshape(size, size, 4), (3, 3), 0.5)
    loop("as_bytes")(soft.reshape(-1, 4), shown)
    return shown.reshape(size, size, 4)
