"""Photographs whose faces do something else: real skin, hair and light under an expression that is known exactly.

Drawn faces show every unit, but a network soon knows drawn skin from real; photographs show real skin, but nobody
labels most units on them. Here the head that was fitted to a photographed face takes another expression, and each of
its visible points brings the photograph's colour along from where it was:

    fitted face --> expression added to --> both projected --> colour looked up where the point was
                                                               x how the expression changes shading (ratio image)
                                                               what is between the lips drawn, as bright as the skin

What the head does not cover follows its edge and fades to standing still. Gaze stays the photograph's own.

Reference:
    Liu, Shan, Zhang 2001, Expressive Expression Mapping with Ratio Images, for the shading.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from commedia.conventions import EXPRESSION_NAMES, sideless_name
from commedia.data.sample import FaceSample, PictureSample
from commedia.face_model.landmarks import face_box_from_params, landmarks_from_params
from commedia.face_model.model import PARTS, REGIONS, HeadModel, head_or_default
from commedia.faces.crop import Crop, crop_image
from commedia.geometry.placement import look_up
from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.render.project import rotate, weak_perspective
from commedia.render.rasterize import interpolate, rasterize
from commedia.render.shade import vertex_normals
from commedia.structures import FaceParams, HeadPose
from commedia.synthetic.expressions import obey_rules, sample_expressions
from commedia.synthetic.heads import HeadMesh, head_mesh
from commedia.synthetic.looks import Light, Look, sample_light, sample_look
from commedia.synthetic.skin import Points, head_colours

LARGEST_YAW_DEG = 50.0
"""Beyond it too much of what an expression shows was hidden in the photograph."""
SILENT_BELOW = {"jawOpen": 0.2, "mouthUpperUp": 0.35, "mouthLowerDown": 0.35, "mouthSmile": 0.5}
"""Mouths whose units (a bare name: either side) are weaker are closed and unfolded enough to be redrawn."""
LEAST_BOX_PX = 70.0
"""Of a face's landmarks, longer side: smaller faces show no more than drawn ones do."""
RESTING_TRUST = 0.2
"""In photographs nobody posed for: that a unit rests of which no label tells."""
CROP_MARGIN = 2.0
"""As in `synthetic.py`."""

SKIN, RIGHT_EYE = PARTS.index("skin"), PARTS.index("right_eye")

_GAZE = np.array([name.startswith("eyeLook") for name in EXPRESSION_NAMES])
_LOUD = np.array([SILENT_BELOW.get(sideless_name(name), np.inf) for name in EXPRESSION_NAMES])
_RATIO_RANGE = (0.6, 1.5)
_REACH = 0.22
"""Of the picture's side: how far from the head's edge what is behind it follows."""


def reenactable(face: FaceSample) -> bool:
    """Say whether a photographed face is known, large, frontal and silent enough."""
    if face.landmark_kind != "fit" or face.identity is None or face.expression is None:
        return False
    yaw, _, _ = np.degrees(yaw_pitch_roll_from_wxyz(face.pose.wxyz))
    silent = bool((face.expression < _LOUD).all())
    return bool(silent and abs(yaw) < LARGEST_YAW_DEG and np.ptp(face.landmarks_px, axis=0).max() > LEAST_BOX_PX)


def reenactments(
    photographs: Iterable[PictureSample], seed: int, *, each: int = 3, size: int = 176, head: HeadModel | None = None
) -> Iterator[PictureSample]:
    """Make `each` pictures of `size` pixels of every photographed face that can be reenacted."""
    rng = np.random.default_rng([21, seed])
    for photograph in photographs:
        if len(photograph.faces) != 1 or not reenactable(photograph.faces[0]):
            continue
        for number in range(each):
            image, face = _window(photograph, rng, size)
            picture, acted = reenacted(image, face, added_expression(face, rng), rng, head=head)
            source = f"{photograph.source}/reenacted-{seed}-{number}"
            yield PictureSample(picture, (acted,), source, photograph.licence, "synthetic")


def added_expression(face: FaceSample, rng: np.random.Generator) -> Float[np.ndarray, "52"]:
    """Let a face do more than it did; what contradicts gives way, gaze stays."""
    assert face.expression is not None
    drawn = np.where(_GAZE, 0, sample_expressions(rng, 1)[0])
    together = obey_rules(rng, np.maximum(face.expression, drawn))
    return np.where(_GAZE, face.expression, together).astype(np.float32)


def reenacted(
    image: UInt8[np.ndarray, "s s 3"],
    face: FaceSample,
    expression: Float[np.ndarray, "52"],
    rng: np.random.Generator,
    *,
    look: Look | None = None,
    light: Light | None = None,
    head: HeadModel | None = None,
) -> tuple[UInt8[np.ndarray, "s s 3"], FaceSample]:
    """Redraw one fitted face of a square picture with another expression, and say the truth about it.

    `look` and `light` are those of mouth and wrinkles; drawn at random when not given. `head` is whose
    parameters `face` has, None for the default head.
    """
    head = head_or_default(head)
    surface = _surface(head, face, expression, image.shape[0])
    before = look_up(image, *_looked_up(surface, image.shape[0]), border=cv2.BORDER_REPLICATE)
    scene = look or sample_look(rng), light or sample_light(rng)
    return _painted(before, surface, (face.expression, expression), *scene, head), acted(face, expression, head)


def acted(face: FaceSample, expression: Float[np.ndarray, "52"], head: HeadModel) -> FaceSample:
    """Say the truth about a face after it took an expression."""
    assert face.identity is not None
    assert face.expression is not None
    params = FaceParams(face.identity, expression, face.pose)
    changed = np.abs(expression - face.expression) > 0.02
    return replace(
        face,
        box=face_box_from_params(params, head),
        landmarks_px=landmarks_from_params(params, head).astype(np.float32),
        expression=expression,
        expression_trust=np.where(changed, 1.0, face.expression_trust.clip(RESTING_TRUST)).astype(np.float32),
    )


def _window(
    photograph: PictureSample, rng: np.random.Generator, size: int
) -> tuple[UInt8[np.ndarray, "s s 3"], FaceSample]:
    """Cut a square around the face, upright as the photograph is, as synthetic singles are placed."""
    face = photograph.faces[0]
    low, high = face.landmarks_px.min(0), face.landmarks_px.max(0)
    side = float((high - low).max()) * CROP_MARGIN / rng.uniform(0.92, 1.06)
    center = ((low + high) / 2 + rng.uniform(-0.04, 0.04, 2) * side).astype(np.float32)
    image, scale = crop_image(photograph.image, Crop(center, side), size), size / side
    corner = center - side / 2
    pose = HeadPose(
        face.pose.wxyz, ((face.pose.origin_px - corner) * scale).astype(np.float32), face.pose.px_per_m * scale
    )
    return image, replace(face, pose=pose, landmarks_px=((face.landmarks_px - corner) * scale).astype(np.float32))


class _Surface(NamedTuple):
    """The visible points of a head that changed its expression."""

    pixel: Tensor
    part: Tensor
    uv: Tensor
    normals: tuple[Tensor, Tensor]
    """Before and after."""
    was_px: Float[Tensor, "n 2"]
    """Where the point was before."""
    cavity: Float[Tensor, "n"]
    """1 inside the mouth, 0 outside."""


@torch.no_grad()
def _surface(head: HeadModel, face: FaceSample, expression: Float[np.ndarray, "52"], size: int) -> _Surface:
    assert face.identity is not None
    assert face.expression is not None
    mesh: HeadMesh = head_mesh(head, "cpu")
    identity = torch.from_numpy(np.stack([face.identity] * 2))
    wxyz = torch.from_numpy(np.stack([face.pose.wxyz] * 2)).float()
    rotated = rotate(mesh.layer(identity, torch.from_numpy(np.stack([face.expression, expression]))), wxyz)
    origin = torch.from_numpy(np.stack([face.pose.origin_px] * 2)).float()
    points = weak_perspective(rotated, origin, torch.full((2,), face.pose.px_per_m))
    raster = rasterize(points[1:], mesh.triangles, (size, size))
    normals = vertex_normals(rotated, mesh.triangles)
    cavity = torch.from_numpy((head.vertex_region == REGIONS.index("inner_mouth")).astype(np.float32))
    known = torch.cat([normals[0], normals[1], points[0, :, :2], cavity[:, None]], -1)
    carried = interpolate(known[None], mesh.triangles, raster)
    uv = (mesh.uv[mesh.uv_triangles[raster.triangle]] * raster.barycentric[..., None]).sum(1)
    unit = [torch.nn.functional.normalize(carried[:, k : k + 3], dim=1) for k in (0, 3)]
    return _Surface(raster.pixel, mesh.part[raster.triangle], uv, (unit[0], unit[1]), carried[:, 6:8], carried[:, 8])


def _looked_up(surface: _Surface, size: int) -> tuple[Float[np.ndarray, "s s"], Float[np.ndarray, "s s"]]:
    """Say for every pixel at which x and y of the photograph lies what it shows."""
    field, empty = np.zeros((size * size, 2), np.float32), np.full(size * size, 255, np.uint8)
    pixel = surface.pixel.numpy()
    here = np.stack([pixel % size, pixel // size], -1) + 0.5
    field[pixel], empty[pixel] = surface.was_px.numpy() - here, 0
    away, label = cv2.distanceTransformWithLabels(
        empty.reshape(size, size), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    region = np.asarray(label, dtype=np.int64).reshape(-1)
    nearest = np.zeros(int(region.max()) + 1, np.int64)
    nearest[region[pixel]] = pixel
    outside = field[nearest[region]].reshape(size, size, 2)
    fading = np.square(np.clip(1 - away / (_REACH * size), 0, 1))[..., None]
    smooth = cv2.GaussianBlur(outside, (0, 0), size / 40) * fading
    field = np.where(empty.reshape(size, size, 1) > 0, smooth, field.reshape(size, size, 2)).astype(np.float32)
    steps = np.arange(size, dtype=np.float32) + np.float32(0.5)
    return field[..., 0] + steps[None], field[..., 1] + steps[:, None]


def _painted(
    moved: UInt8[np.ndarray, "s s 3"],
    surface: _Surface,
    expressions: tuple[np.ndarray | None, np.ndarray],
    look: Look,
    light: Light,
    head: HeadModel,
) -> UInt8[np.ndarray, "s s 3"]:
    """Shade moved skin as the expression does, and draw what lies between the lips."""
    size = moved.shape[0]
    drawn = [
        head_colours(
            head, Points(surface.uv, surface.part, normal), look, light, torch.from_numpy(np.asarray(expression))
        )
        for normal, expression in zip(surface.normals, expressions, strict=True)
    ]
    photo = torch.from_numpy(moved.reshape(-1, 3)[surface.pixel.numpy()]).float().div(255).square()
    inside = torch.where(surface.part > RIGHT_EYE, 1.0, surface.cavity)
    skin = (surface.part == SKIN) & (inside < 0.5)
    gain = photo[skin].median(0).values / drawn[1][skin].median(0).values.clamp_min(1e-3)
    ratio = torch.where(skin[:, None], (drawn[1] / drawn[0].clamp_min(1e-3)).clamp(*_RATIO_RANGE), 1.0)
    shading = _soft(ratio, surface, size, fill=1.0, sigma=0.7)
    between = torch.cat([drawn[1] * gain * inside[:, None], inside[:, None]], 1)
    mouth = _soft(between, surface, size, fill=0.0, sigma=0.5)
    colour = np.square(moved.astype(np.float32) / 255) * shading * (1 - mouth[..., 3:]) + mouth[..., :3]
    return (np.sqrt(colour.clip(0, 1)) * 255 + 0.5).astype(np.uint8)


def _soft(values: Float[Tensor, "n c"], surface: _Surface, size: int, *, fill: float, sigma: float) -> np.ndarray:
    """Lay values of visible points out as a picture, without hard edges."""
    canvas = np.full((size * size, values.shape[1]), fill, np.float32)
    canvas[surface.pixel.numpy()] = values.numpy()
    return cv2.GaussianBlur(canvas.reshape(size, size, -1), (0, 0), sigma)
