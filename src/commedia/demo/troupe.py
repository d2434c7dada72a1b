"""Draws the troupe on a stage from the parameters in `performance.py`. Needs neither torch nor a display."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

import numpy as np
from jaxtyping import Float32, UInt8

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
from commedia.render.scene import Scene, Surface, View
from commedia.render.shade_numpy import draw_scene
from commedia.structures import FaceParams


def troupe_frames(head: HeadModel | None = None) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Yield the clip's pictures, played by a head (None: the default head)."""
    head = head_or_default(head)
    for index in range(FRAME_COUNT):
        yield stage_picture([(performer, params_at(performer, index / FRAME_RATE)) for performer in TROUPE], head)


def stage_picture(cast: list[tuple[Performer, FaceParams]], head: HeadModel) -> UInt8[np.ndarray, "h w 3"]:
    """Draw everyone at one moment."""
    return _stage(tuple(performer for performer, _ in cast), head).picture([params for _, params in cast])


class Stage:
    """Performers with the same head before a curtain."""

    def __init__(self, performers: Sequence[Performer], head: HeadModel):
        self._head, corner = head, np.zeros(len(head.uv), np.int64)
        corner[head.uv_triangles.ravel()] = head.model.triangles.ravel()
        self._corner = corner
        """Of each texture coordinate its vertex: vertices are doubled where the texture has a seam."""
        looks = [_texture(head, performer.look) for performer in performers]
        rest, triangles = head.model.mean[corner], head.uv_triangles
        sizes = [params_at(performer, 0.0).pose.px_per_m for performer in performers]
        self._scene = Scene(
            [
                Surface(rest * size, triangles, rest, uv=head.uv, texture=look)
                for size, look in zip(sizes, looks, strict=True)
            ]
        )

    def picture(self, everyone: Sequence[FaceParams]) -> UInt8[np.ndarray, "h w 3"]:
        """Draw each performer as said."""
        for number, params in enumerate(everyone):
            placed = self._placed(params)
            normals = smooth_normals(placed, self._head.model.triangles)
            self._scene.move(number, placed[self._corner], normals[self._corner])
        view = View((STAGE_WIDTH_PX / 2, -STAGE_HEIGHT_PX / 2), 1.0, STAGE_HEIGHT_PX, STAGE_WIDTH_PX)
        picture = _curtain().copy()
        draw_scene(self._scene, view, picture, supersample=1, cull_back=True)
        return picture

    def _placed(self, params: FaceParams) -> Float32[np.ndarray, "v 3"]:
        """Where the head's vertices are in stage pixels, y up."""
        pose = params.pose
        turned = vertices_from_params(self._head.model, params.identity, params.expression)
        placed = turned @ matrix_from_wxyz(pose.wxyz).T * pose.px_per_m
        origin = np.array([pose.origin_px[0], -pose.origin_px[1], 0.0])
        return (placed + origin).astype(np.float32)


@lru_cache(maxsize=4)
def _stage(performers: tuple[Performer, ...], head: HeadModel) -> Stage:
    return Stage(performers, head)


@cache
def _curtain() -> UInt8[np.ndarray, "h w 3"]:
    """Folds of dark red cloth, lit from above."""
    x = np.linspace(0, 1, STAGE_WIDTH_PX)
    y = np.linspace(0, 1, STAGE_HEIGHT_PX)[:, None]
    folds = 0.75 + 0.18 * np.sin(2 * np.pi * 14 * x) + 0.07 * np.sin(2 * np.pi * 37 * x + 1)
    return np.clip((folds * (1.05 - 0.5 * y))[..., None] * np.array([120, 32, 36]), 0, 255).astype(np.uint8)


@lru_cache(maxsize=16)
def _texture(head: HeadModel, look: Look) -> UInt8[np.ndarray, "h w 4"]:
    # With alpha it is as the renderer wants it, which would otherwise make it so in every frame.
    skin = paint_head(look, head=head)
    return np.dstack([skin, np.full(skin.shape[:2], 255, dtype=np.uint8)])
