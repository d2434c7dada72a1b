"""A character before a camera that stands still: framed once, drawn in every pose."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8

from commedia.characters.character import Character
from commedia.characters.posing import PosedPrimitive, Poser
from commedia.characters.wrinkles import WrinkledTexture
from commedia.face_model.model import HeadModel
from commedia.geometry.rotations import inverse_wxyz, matrix_from_wxyz
from commedia.render.colour_numpy import srgb_from_linear
from commedia.render.scene import Scene, Surface, View
from commedia.render.shade_numpy import draw_scene
from commedia.structures import HeadPose, RigPose

BUST = (1.42, 1.16)
"""Least height and width of a character's cell over the height of its head, so that it can turn."""
TALLEST_HEAD = 2.2
"""A head is at most so much higher than the part of it that moves; above that are hats and antlers."""


@dataclass(frozen=True)
class FaceExtent:
    """What of a head moves with its blendshapes, at rest: from the brows to the chin."""

    center: Float[np.ndarray, "3"]
    height: float


def face_extent(positions: list[np.ndarray], morphs: list[np.ndarray]) -> FaceExtent:
    """Pieces of a head (v, 3) and their blendshapes (k, v, 3) to where the face is: all of it where there are none."""
    moving = []
    for piece, moves in zip(positions, morphs, strict=True):
        if len(moves):
            far = np.abs(moves).max(axis=(0, 2))
            moving.append(piece[far > 0.3 * max(float(far.max()), 1e-9)])
    face = np.concatenate(moving or positions)
    low, high = face.min(axis=0), face.max(axis=0)
    return FaceExtent((low + high) / 2, max(float(high[1] - low[1]), 1e-6))


@lru_cache(maxsize=8)
def actor_extent(head: HeadModel) -> FaceExtent:
    """The same of the head that actors are measured with, in its head frame."""
    return face_extent([head.model.mean], [head.model.expression_basis])


class Player:
    """A character before a camera that stands still."""

    def __init__(self, character: Character):
        self._camera_from_scene = matrix_from_wxyz(inverse_wxyz(character.rig.character_from_head)).astype(np.float32)
        self._poser = Poser(character, self._camera_from_scene)
        at_rest = self._poser.at_rest()
        meshes = character.meshes
        morphs = [meshes[piece.mesh].primitives[piece.primitive].morphs for piece, _ in at_rest]
        self._face = face_extent([positions for _, positions in at_rest], morphs)
        self._center, self._height = _bust(self._face, np.concatenate([positions for _, positions in at_rest]))
        self._morph_names = character.rig.morph_names
        self._posed: list[PosedPrimitive] = []
        self._scene: Scene | None = None
        self._wrinkled: dict[int, WrinkledTexture] = {}

    def draw(self, pose: RigPose, picture: UInt8[np.ndarray, "h w 3"], *, opacity: float) -> None:
        """Draw the character's bust in a pose over a picture, which is changed."""
        height, width = picture.shape[:2]
        px_per_m = min(height / BUST[0], width / BUST[1]) / self._height
        draw_scene(self._moved(pose), View(self._center, px_per_m, height, width), picture, opacity=opacity)

    def draw_over(
        self,
        picture: UInt8[np.ndarray, "h w 3"],
        actor: tuple[HeadPose, FaceExtent],
        pose: RigPose,
        scale: float,
        *,
        opacity: float,
    ) -> None:
        """Draw the character with its face where the actor's is, in a picture of `scale` times the frame."""
        placed, face = actor
        px_per_m = placed.px_per_m * scale * face.height / self._face.height
        turned = matrix_from_wxyz(placed.wxyz) @ face.center * placed.px_per_m
        middle_px = (placed.origin_px + turned[:2] * (1, -1)) * scale
        at_rest = np.append(self._camera_from_scene.T @ self._face.center, 1)
        middle = self._camera_from_scene @ (self._poser.head_motion(pose) @ at_rest)[:3]
        height, width = picture.shape[:2]
        across, down = width / 2 - middle_px[0], height / 2 - middle_px[1]
        center = float(middle[0] + across / px_per_m), float(middle[1] - down / px_per_m)
        draw_scene(self._moved(pose), View(center, px_per_m, height, width), picture, opacity=opacity)

    def _moved(self, pose: RigPose) -> Scene:
        """The character in a pose, before the camera; pieces that did not move since the last one cost nothing."""
        pieces = [piece for piece in self._poser.pose(pose) if _is_solid(piece)]
        if self._scene is None:
            self._posed, self._scene = pieces, Scene([self._surface(piece) for piece in pieces])
            self._wrinkled = self._wrinkled_textures(pieces)
        for number, (before, piece) in enumerate(zip(self._posed, pieces, strict=True)):
            if piece is not before:
                self._scene.move(number, piece.positions, piece.normals)
        for number, texture in self._wrinkled.items():
            self._scene.repaint(number, texture.at(pose.weights))
        self._posed = pieces
        return self._scene

    def _wrinkled_textures(self, pieces: list[PosedPrimitive]) -> dict[int, WrinkledTexture]:
        """Of the pieces whose texture changes with the expression, by their places."""
        return {
            number: WrinkledTexture(piece.material.image, piece.material.wrinkles, self._morph_names)
            for number, piece in enumerate(pieces)
            if piece.material.wrinkles and piece.material.image is not None and piece.uv is not None
        }

    def _surface(self, piece: PosedPrimitive) -> Surface:
        factor = np.array(piece.material.colour[:3], dtype=np.float32)
        linear = factor * (1 if piece.colours is None else piece.colours[:, :3])
        textured = piece.material.image is not None and piece.uv is not None
        return Surface(
            vertices=piece.positions,
            triangles=piece.triangles,
            normals=piece.normals,
            colours=srgb_from_linear(np.broadcast_to(linear, piece.positions.shape)),
            uv=piece.uv if textured else None,
            texture=piece.material.image if textured else None,
            alpha_cutoff=_cutoff(piece) if textured else None,
            gloss=_gloss(f"{piece.name} {piece.material.name}".lower()),
        )


def _bust(face: FaceExtent, body: Float[np.ndarray, "v 3"]) -> tuple[tuple[float, float], float]:
    """A head's middle and height for a bust: the head reaches above what moves of it."""
    low = float(face.center[1]) - face.height / 2
    over_face = body[np.abs(body[:, 0] - face.center[0]) < 0.5 * face.height]
    top = min(float(over_face[:, 1].max(initial=low + face.height)), low + TALLEST_HEAD * face.height)
    # A little below the middle, as there are shoulders below and nothing above.
    return (float(face.center[0]), 0.54 * low + 0.46 * top), top - low


def _is_solid(piece: PosedPrimitive) -> bool:
    """Glassy shells (corneas, tear lines) would hide what lies under them."""
    return not (piece.material.alpha_mode == "BLEND" and piece.material.colour[3] < 0.5)


def _cutoff(piece: PosedPrimitive) -> float | None:
    return {"MASK": piece.material.alpha_cutoff, "BLEND": 0.5}.get(piece.material.alpha_mode)


def _gloss(name: str) -> float:
    if "eye" in name and not any(word in name for word in ("brow", "lash", "lid")):
        return 0.85
    return 0.5 if any(word in name for word in ("teeth", "tongue")) else 0.2
