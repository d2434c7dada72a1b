"""Cuts of a head to its skin in the head's texture chart: seen from the front, shading divided out, gaps left open."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32

from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import PARTS, REGIONS, HeadModel
from commedia.geometry.cameras import image_from_head
from commedia.geometry.meshes import smooth_normals
from commedia.geometry.placement import look_up
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.looks.portraits import Portrait
from commedia.render.colour_numpy import linear_from_srgb
from commedia.render.uv import Texels, texels_of

CHART_PX = 512
GRAZING, FACING = 0.3, 0.75
"""The part of a normal that points at the camera where skin begins to be seen, and from where it is seen fully."""
EDGE_PX = 6.0
"""How softly what is seen ends, in texels."""
LEAST_SHADE, MOST_SHADE = 0.6, 1.7
"""Light on skin is divided out within these shares of that on the middle of the face."""
ON_A_FACE = 0.8
"""Light on a well lit face, when white paper is 1: in a picture skin is darker than its colour by so much."""
MIRRORED = 0.08
"""What the other side of the face counts for; it decides only where one's own is not seen."""

Chart = Float32[np.ndarray, "s s 3"]


@dataclass(frozen=True, eq=False)
class FaceChart:
    """What each texel of a head's chart is; independent of who wears it."""

    texels: Texels
    regions: Float32[np.ndarray, "s s r"]
    """Share of each of `REGIONS`."""
    place: Chart
    """Metres of the mean head."""

    def part(self, *names: str) -> Float32[np.ndarray, "s s"]:
        return self.regions[..., [REGIONS.index(name) for name in names]].sum(axis=-1)


@lru_cache(maxsize=2)
def face_chart(head: HeadModel) -> FaceChart:
    """Look a head's chart up, once."""
    texels = texels_of(head.uv, head.uv_triangles, CHART_PX)
    one_hot = np.eye(len(REGIONS), dtype=np.float32)[head.vertex_region]
    values = texels.carried(np.concatenate([head.model.mean, one_hot], axis=1), head.model.triangles)
    skin = texels.covered & (head.triangle_part[texels.triangle] == PARTS.index("skin"))
    return FaceChart(texels, values[..., 3:] * skin[..., None], values[..., :3])


@dataclass(frozen=True, eq=False)
class Sight:
    """One cut, spread over the chart."""

    srgb: Chart
    """0 to 1, as photographed."""
    weight: Float32[np.ndarray, "s s"]
    """0 where it is not seen, 1 where it is seen from the front."""
    normal: Chart
    """Camera axes."""


def sight_of(portrait: Portrait, identity: Float[np.ndarray, "i"], head: HeadModel) -> Sight:
    """Spread one cut over the chart, by the shape that the face has in it."""
    params, chart = portrait.params, face_chart(head)
    vertices = vertices_from_params(head.model, identity, params.expression)
    normals = smooth_normals(vertices, head.model.triangles) @ matrix_from_wxyz(params.pose.wxyz).T
    seen_px = image_from_head(vertices, params.pose)
    values = chart.texels.carried(np.concatenate([seen_px, normals], axis=1).astype(np.float32), head.model.triangles)
    x, y, normal = values[..., 0], values[..., 1], values[..., 2:]
    srgb = look_up(portrait.image, x, y, border=cv2.BORDER_REPLICATE).astype(np.float32) / 255
    part = portrait.seen
    inside = (x > part.left_px + 1) & (x < part.right_px - 1) & (y > part.top_px + 1) & (y < part.bottom_px - 1)
    facing = np.clip((normal[..., 2] - GRAZING) / (FACING - GRAZING), 0, 1)
    # Where a face turns away its picture must fade out, and not end at a line.
    weight = cv2.GaussianBlur((facing * (inside & chart.texels.covered)).astype(np.float32), (0, 0), EDGE_PX)
    return Sight(srgb, weight * inside * np.minimum(facing * 4, 1), normal)


def plain_skin(head: HeadModel) -> Bool[np.ndarray, "s s"]:
    """Texels of bare skin in the middle of everybody's face: forehead, cheeks and nose."""
    chart = face_chart(head)
    x, y, _ = np.moveaxis(chart.place, -1, 0)
    middle = (np.abs(x) < 0.055) & (y > -0.045) & (y < 0.045)
    return middle & (chart.part("skin", "nose") > 0.95)


def flattened(sight: Sight, plain: Bool[np.ndarray, "s s"]) -> Chart:
    """Divide the light out of a sight: linear colours as if the middle of the face were lit alike from everywhere.

    Light is what a plane through the normals (harmonics of the first order) fits to the brightness of bare skin; what
    the fit leaves by far, such as spots and hair, is left out of it.
    """
    linear = linear_from_srgb(sight.srgb) / ON_A_FACE
    light = linear.mean(axis=-1)
    used = plain & (sight.weight > 0.2)
    if used.sum() < 200:
        return linear
    basis, wanted = _basis(sight.normal[used]), light[used]
    for _ in range(3):
        solved = np.linalg.lstsq(basis, wanted, rcond=None)[0]
        near = np.abs(basis @ solved - wanted) <= 1.5 * np.median(np.abs(basis @ solved - wanted)) + 1e-4
        basis, wanted = basis[near], wanted[near]
    fitted = _basis(sight.normal) @ solved
    middle = float(np.median(fitted[used]))
    shade = np.clip(fitted / max(middle, 1e-3), LEAST_SHADE, MOST_SHADE)
    return linear / shade[..., None].astype(np.float32)


def _basis(normal: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones_like(normal[..., :1]), normal], axis=-1)


def joined_skin(
    sights: Sequence[Sight], worths: Sequence[float], head: HeadModel
) -> tuple[Chart, Float32[np.ndarray, "s s"]]:
    """Somebody's linear skin from all sights of it, and how well each texel is seen, 0 to 1.

    The worthiest decides where it sees; the others, brought to its colours, help and fill in; then the other side.
    """
    plain = plain_skin(head)
    skins = [flattened(sight, plain) for sight in sights]
    levels = [_level(skin, sight, plain) for skin, sight in zip(skins, sights, strict=True)]
    weights = [sight.weight * (worth / max(worths)) ** 4 for sight, worth in zip(sights, worths, strict=True)]
    best = levels[int(np.argmax(worths))]
    total = sum(
        skin * (best / level) * weight[..., None] for skin, level, weight in zip(skins, levels, weights, strict=True)
    )
    seen = sum(weights)
    total, seen = total + MIRRORED * total[:, ::-1], seen + MIRRORED * seen[:, ::-1]
    return total / np.maximum(seen, 1e-4)[..., None], np.clip(seen * 4, 0, 1)


def _level(skin: Chart, sight: Sight, plain: Bool[np.ndarray, "s s"]) -> Float32[np.ndarray, "3"]:
    used = plain & (sight.weight > 0.2)
    return np.maximum(np.median(skin[used], axis=0), 1e-3) if used.any() else np.ones(3, np.float32)
