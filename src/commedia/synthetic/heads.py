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
from commedia.render.project import rotate
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
        skin, wear = (
            (rotated[k].numpy(), points[k].numpy()),
            (worn[k].numpy(), wear_points[k].numpy(), extra[k].numpy()),
        )
        rgba, parse = _pictured(mesh, performer, skin, wear, size)
        camera = np.array([*origin[k].tolist(), float(scale[k]), performer.distance_m], np.float32)
        drawn.append(DrawnHead(rgba, faces[k], parse, camera))
    return drawn


def _project(rotated: Tensor, origin: Tensor, scale: Tensor, performers: list[Performer]) -> Tensor:
    """As `perspective`, and as `weak_perspective` of those infinitely far away; a depth that is as good as theirs."""
    nearness = 1 / rotated.new_tensor([performer.distance_m for performer in performers])
    larger = 1 / (1 - rotated[..., 2:] * nearness[:, None, None]).clamp_min(1e-3)
    xy = rotated[..., :2] * larger * (scale[:, None] * scale.new_tensor([1.0, -1.0]))[:, None]
    return torch.cat([origin[:, None] + xy, -rotated[..., 2:] * larger], -1)


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


def _pictured(
    mesh: HeadMesh, performer: Performer, head: tuple[np.ndarray, ...], wear: tuple[np.ndarray, ...], size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Picture and parse map of a head and what it wears: each its rotated vertices and their image points; `extra`."""
    colour, alpha = np.zeros((size * size, 3), np.float32), np.zeros(size * size, np.float32)
    depth, parse = np.full(size * size, np.inf, np.float32), np.zeros(size * size, np.uint8)
    seen = _seen(head[1], mesh.triangles, size, cull=True)
    depth[seen.pixel] = seen.mixed(mesh.triangles, head[1][:, 2:])[:, 0]
    alpha[seen.pixel], parse[seen.pixel] = 1.0, seen.most_of(mesh.triangles, mesh.parse)
    front = _seen(wear[1], (dress := dress_mesh()).triangles, size, cull=False)
    front = front.where(front.mixed(dress.triangles, wear[1][:, 2:])[:, 0] < depth[front.pixel])
    # Cloth and hair are seen from both sides.
    normal = _normals(front, wear[0], dress.triangles, towards_viewer=True)
    part = dress.part[front.triangle]
    cloth, opacity = dress_colours(DressPoints(part, front.mixed(dress.triangles, wear[2]), normal), performer)
    hidden = np.zeros(size * size, bool)
    hidden[front.pixel] = opacity == 1
    seen, solid = seen.where(~hidden[seen.pixel]), opacity > 0.5
    shadow = _shadow(front.pixel[solid & (part < TORSO)], size)[seen.pixel, None]
    colour[seen.pixel] = _skin(mesh, performer, seen, head[0]) * (1 - shadow)
    covers = front.pixel[solid & (part != LASH)]
    parse[covers] = np.where(parse[covers] > 0, COVERED, 0)
    loop("cover")(front.pixel, cloth, opacity, colour, alpha)
    return on_screen(colour, alpha, size), parse.reshape(size, size)


def _seen(points: Float32[np.ndarray, "v 3"], triangles: Int64[np.ndarray, "t 3"], size: int, *, cull: bool) -> Seen:
    corners = torch.from_numpy(triangles)
    owner = visible_triangles(torch.from_numpy(points)[None], corners, (size, size), cull=cull)[0]
    return seen_pixels(owner.numpy(), points, triangles)


def _normals(
    seen: Seen, rotated: Float32[np.ndarray, "v 3"], triangles: np.ndarray, *, towards_viewer: bool = False
) -> Float32[np.ndarray, "n 3"]:
    return made_unit(seen.mixed(triangles, normals_of(rotated, triangles)), towards_viewer=towards_viewer)


def _skin(
    mesh: HeadMesh, performer: Performer, seen: Seen, rotated: Float32[np.ndarray, "v 3"]
) -> Float32[np.ndarray, "n 3"]:
    uv, normal = seen.mixed(mesh.uv_triangles, mesh.head.uv), _normals(seen, rotated, mesh.triangles)
    points = Points(uv, mesh.part[seen.triangle], normal)
    return head_colours(mesh.head, points, performer.appearance, performer.light, performer.truth.expression)


def _shadow(casts: Int64[np.ndarray, "n"], size: int) -> Float32[np.ndarray, "p"]:
    """Share of the light that is missing just under and beside hair, hat and frames, as a soft contact shadow."""
    cover = np.zeros((size, size), np.uint8)
    cover.reshape(-1)[casts] = 255
    # What is as soft as this needs no more than half the pixels.
    half = cv2.resize(cover, (size // 2, size // 2), interpolation=cv2.INTER_AREA)
    soft = cv2.resize(cv2.GaussianBlur(half, (0, 0), size / 140), (size, size))
    return np.float32(0.55 / 255) * np.roll(soft, max(1, size // 80), axis=0).reshape(-1)


def on_screen(colour: Float32[np.ndarray, "p 3"], alpha: Float32[np.ndarray, "p"], size: int) -> np.ndarray:
    """Linear colour and opacity per pixel to RGBA as a screen shows it."""
    rgba = np.zeros((size * size, 4), np.uint8)
    loop("show")(colour, alpha, rgba)
    # Half a pixel of blur stands in for the anti-aliasing that the z-buffer does not do.
    soft = np.asarray(cv2.GaussianBlur(rgba.reshape(size, size, 4), (3, 3), 0.5), np.uint8)
    loop("undo_opacity")(soft.reshape(-1, 4))
    return soft
