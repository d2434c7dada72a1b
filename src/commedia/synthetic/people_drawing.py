"""Posed people before a camera to one picture: who covers whom, how much of each face is seen, what is true of it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from commedia.data.sample import FaceSample
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_matrix
from commedia.render.project import perspective
from commedia.render.rasterize import Raster, interpolate, rasterize, visible_triangles
from commedia.structures import Box, HeadPose
from commedia.synthetic.appearance import Light
from commedia.synthetic.avatars import FOREHEAD, GLOSS
from commedia.synthetic.bodies import Body
from commedia.synthetic.heads import on_screen, weak_fit
from commedia.synthetic.outfits import Outfit, dressed
from commedia.synthetic.skeleton import unit
from commedia.synthetic.skin import light_on

_NEAREST_M = 0.15
"""What is nearer to the camera is not drawn: there is no clipping."""
_MEASURE_PX = 56
"""Side of the square on which it is counted how much of a face would be seen if nothing covered it."""


class Camera(NamedTuple):
    """A pinhole that looks along -z, at a picture of `size` x `size` pixels."""

    size: int
    distance_m: float
    """Of the plane z = 0, which is drawn ..."""
    px_per_m: float
    """... at this scale."""

    def pixels(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Points before the camera to (x, y, depth); NaN behind it."""
        flat = torch.from_numpy(np.ascontiguousarray(points.reshape(1, -1, 3), dtype=np.float32))
        middle, scale, distance = torch.full((1, 2), self.size / 2), torch.tensor([self.px_per_m]), self.distance_m
        found = perspective(flat, middle, scale.float(), torch.tensor([distance]).float())[0].numpy()
        found[distance - flat[0, :, 2].numpy() < _NEAREST_M] = np.nan
        return found.reshape(points.shape)


@dataclass(frozen=True)
class Person:
    """Somebody before the camera."""

    body: Body
    expression: Float[np.ndarray, "52"]
    """What is true of the face; what moved it may be larger or smaller."""
    vertices: Float[np.ndarray, "v 3"]
    """Camera axes, metres: x right, y up, z towards the viewer, 0 at `Camera.distance_m`."""
    normals: Float[np.ndarray, "v 3"]
    """In the same axes; not of length 1."""
    head: Float[np.ndarray, "3 3"]
    """Takes directions of the head frame to camera axes, its origin ..."""
    origin: Float[np.ndarray, "3"]
    """... to here."""

    def seen_from(self, camera: Camera) -> Float[np.ndarray, "3 3"]:
        """Rotation of the head as seen along the ray to it."""
        ray = unit(self.origin - np.array([0, 0, camera.distance_m]))
        across = np.cross(ray, [0.0, 0.0, -1.0])
        sine, cosine = float(np.linalg.norm(across)), float(-ray[2])
        half = np.arctan2(sine, cosine) / 2
        return matrix_from_wxyz(np.array([np.cos(half), *(np.sin(half) * unit(across))])) @ self.head

    def turned_deg(self, camera: Camera) -> float:
        """Angle between where the face looks and the camera: 0 straight at it, 180 straight away."""
        return float(np.degrees(np.arccos(np.clip(self.seen_from(camera)[2, 2], -1, 1))))


class Sight(NamedTuple):
    """What each pixel of a picture sees."""

    raster: Raster
    points: torch.Tensor
    triangles: torch.Tensor
    person: Int[np.ndarray, "n"]
    """Whom, and ..."""
    own: Int[np.ndarray, "n"]
    """... which triangle of theirs."""


@torch.no_grad()
def look(people: list[Person], camera: Camera) -> Sight:
    """Find who is seen where."""
    corners, starts, firsts = [], [0], [0]
    for person in people:
        corners.append(person.body.looks.triangles + starts[-1])
        starts.append(starts[-1] + len(person.vertices))
        firsts.append(firsts[-1] + len(person.body.looks.triangles))
    points = torch.from_numpy(camera.pixels(np.concatenate([person.vertices for person in people])))[None]
    triangles = torch.from_numpy(np.concatenate(corners))
    raster = rasterize(points, triangles, (camera.size, camera.size), cull=False)
    person = np.searchsorted(firsts, raster.triangle.numpy(), side="right") - 1
    return Sight(raster, points, triangles, person, raster.triangle.numpy() - np.array(firsts)[person])


def seen_of_face(person: Person, number: int, sight: Sight) -> int:
    """Pixels that see the face of the person of this number."""
    return int(person.body.of_face[sight.own[sight.person == number]].sum())


def shown_alone(person: Person, camera: Camera) -> float:
    """Pixels of a face that would be seen if there were nothing but its head, and the picture had no end."""
    body, points = person.body, camera.pixels(person.vertices)
    box = points[body.looks.triangles[body.of_face].ravel(), :2]
    if not np.isfinite(box).all():
        return np.inf  # it reaches behind the camera: out of sight
    low, high = box.min(axis=0), box.max(axis=0)
    scale = _MEASURE_PX / float((high - low).max())
    points[:, :2] = (points[:, :2] - low) * scale
    corners, size = torch.from_numpy(body.looks.triangles[body.of_head]), (_MEASURE_PX, _MEASURE_PX)
    seen = visible_triangles(torch.from_numpy(points)[None], corners, size, cull=False)
    return float(body.of_face[body.of_head[seen[seen >= 0].numpy()]].sum()) / scale**2


def truth_of(person: Person, camera: Camera) -> FaceSample:
    """Say where a face is and what it does."""
    head = person.seen_from(camera)
    placed = person.body.marks(person.vertices)
    marks = camera.pixels(placed)[:, :2]
    at = (placed - person.origin) @ person.head
    rotated = torch.from_numpy((at @ head.T).astype(np.float32))[None]
    origin, scale = weak_fit(rotated, torch.from_numpy(marks.astype(np.float32))[None])
    has = person.body.looks.has.astype(np.float32)
    return FaceSample(
        box=face_box(marks, head),
        landmarks_px=marks.astype(np.float32),
        landmark_kind="synthetic",
        pose=HeadPose(wxyz_from_matrix(head).astype(np.float32), origin[0].numpy(), float(scale[0])),
        identity=None,
        expression=person.expression * has,
        expression_weight=has,
        identity_name=person.body.looks.name,
    )


def face_box(marks: Float[np.ndarray, "68 2"], head: Float[np.ndarray, "3 3"]) -> Box:
    """Bound the landmarks and the forehead that rises above the brows, whichever way up the head is."""
    up = np.array([head[0, 1], -head[1, 1]])
    up = up / max(float(np.linalg.norm(up)), 1e-6)
    heights = marks @ up
    forehead = marks[17:27] + FOREHEAD * float(np.ptp(heights)) * up
    around = np.concatenate([marks, forehead])
    (left, top), (right, bottom) = around.min(axis=0).tolist(), around.max(axis=0).tolist()
    return Box(left, top, right, bottom)


@torch.no_grad()
def shaded(people: list[Person], outfits: list[Outfit], sight: Sight, light: Light, size: int) -> np.ndarray:
    """Colour what is seen, RGBA."""
    parts = []
    for person in people:
        looks = person.body.looks
        parts.append(np.concatenate([person.normals, looks.colours, looks.uv, person.body.lower[:, None]], axis=1))
    carried = interpolate(torch.from_numpy(np.concatenate(parts))[None], sight.triangles, sight.raster)
    normal = torch.nn.functional.normalize(carried[:, :3], dim=1)
    normal = normal * torch.where(normal[:, 2:] < 0, -1.0, 1.0)
    albedo = carried[:, 3:6].numpy()
    for number, person in enumerate(people):
        mine = np.flatnonzero(sight.person == number)
        uv, lower = carried[mine, 6:8].numpy(), carried[mine, 8].numpy()
        albedo[mine] *= dressed(person.body, outfits[number], sight.own[mine], uv, lower)
    lit = torch.from_numpy(albedo) * torch.from_numpy(light_on(normal.float().numpy(), light))
    if len(light.directions):
        half = torch.from_numpy(light.directions[0]) + torch.tensor([0.0, 0.0, 1.0])
        shine = (normal @ (half / half.norm().clamp_min(1e-3))).clamp(1e-4, 1) ** 20
        lit = lit + GLOSS * shine[:, None] * torch.from_numpy(light.colours[0])
    colour, alpha = torch.zeros(size * size, 3), torch.zeros(size * size)
    colour[sight.raster.pixel], alpha[sight.raster.pixel] = lit.float(), 1.0
    return on_screen(colour.numpy(), alpha.numpy(), size)
