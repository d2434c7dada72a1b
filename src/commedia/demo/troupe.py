"""Draws the troupe on a stage from the parameters in `performance.py`. Needs neither torch nor a display."""

from collections.abc import Iterator
from functools import cache, lru_cache

import numpy as np
from jaxtyping import UInt8

from commedia.characters.skin import Look, paint_head
from commedia.demo.performance import (
    FRAME_COUNT,
    FRAME_RATE,
    STAGE_HEIGHT_PX,
    STAGE_WIDTH_PX,
    TROUPE,
    Performer,
    params_at,
)
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.model import HeadModel, head_or_default
from commedia.geometry.meshes import smooth_normals
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.render.scene import Surface, View
from commedia.render.shade_numpy import render_mesh
from commedia.structures import FaceParams


def troupe_frames(head: HeadModel | None = None) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Yield the clip's pictures, played by a head (None: the default head)."""
    head = head_or_default(head)
    for index in range(FRAME_COUNT):
        yield stage_picture([(performer, params_at(performer, index / FRAME_RATE)) for performer in TROUPE], head)


def stage_picture(cast: list[tuple[Performer, FaceParams]], head: HeadModel) -> UInt8[np.ndarray, "h w 3"]:
    """Draw everyone at one moment."""
    view = View((STAGE_WIDTH_PX / 2, -STAGE_HEIGHT_PX / 2), 1.0, STAGE_HEIGHT_PX, STAGE_WIDTH_PX)
    surfaces = [_surface(head, performer, params) for performer, params in cast]
    return render_mesh(surfaces, view, background=_curtain(), supersample=1, cull_back=True)


def _surface(head: HeadModel, performer: Performer, params: FaceParams) -> Surface:
    """The head in stage pixels, y up, with vertices doubled where the texture has a seam."""
    corner = _vertex_of_uv(head)
    pose = params.pose
    turned = vertices_from_params(head.model, params.identity, params.expression) @ matrix_from_wxyz(pose.wxyz).T
    placed = turned * pose.px_per_m + np.array([pose.origin_px[0], -pose.origin_px[1], 0.0])
    normals = smooth_normals(placed, head.model.triangles)
    return Surface(
        vertices=placed[corner],
        triangles=head.uv_triangles,
        normals=normals[corner],
        uv=head.uv,
        texture=_texture(head, performer.look),
    )


@cache
def _curtain() -> UInt8[np.ndarray, "h w 3"]:
    """Folds of dark red cloth, lit from above."""
    x = np.linspace(0, 1, STAGE_WIDTH_PX)
    y = np.linspace(0, 1, STAGE_HEIGHT_PX)[:, None]
    folds = 0.75 + 0.18 * np.sin(2 * np.pi * 14 * x) + 0.07 * np.sin(2 * np.pi * 37 * x + 1)
    return np.clip((folds * (1.05 - 0.5 * y))[..., None] * np.array([120, 32, 36]), 0, 255).astype(np.uint8)


def _vertex_of_uv(head: HeadModel) -> np.ndarray:
    vertex = np.zeros(len(head.uv), np.int64)
    vertex[head.uv_triangles.ravel()] = head.model.triangles.ravel()
    return vertex


@lru_cache(maxsize=16)
def _texture(head: HeadModel, look: Look) -> UInt8[np.ndarray, "h w 4"]:
    # With alpha it is as the renderer wants it, which would otherwise make it so in every frame.
    skin = paint_head(look, head=head)
    return np.dstack([skin, np.full(skin.shape[:2], 255, dtype=np.uint8)])
