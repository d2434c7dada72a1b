"""A character before a camera that stands still: framed once, drawn in every pose."""

import numpy as np
from jaxtyping import UInt8

from commedia.characters.character import Character
from commedia.characters.posing import PosedPrimitive, Poser
from commedia.geometry.rotations import inverse_wxyz, matrix_from_wxyz
from commedia.render.colour_numpy import srgb_from_linear
from commedia.render.scene import Scene, Surface, View
from commedia.render.shade_numpy import draw_scene
from commedia.structures import RigPose

BUST = (1.42, 1.16)
"""Least height and width of a character's cell over the height of its head, so that it can turn."""
TALLEST_HEAD = 2.2
"""A head is at most so much higher than the part of it that moves; above that are hats and antlers."""


class Player:
    """A character before a camera that stands still."""

    def __init__(self, character: Character):
        self._poser = Poser(character)
        self._camera_from_scene = matrix_from_wxyz(inverse_wxyz(character.rig.character_from_head)).astype(np.float32)
        self._center, self._height = self._frame(character)
        self._posed: list[PosedPrimitive] = []
        self._scene: Scene | None = None

    def draw(self, pose: RigPose, picture: UInt8[np.ndarray, "h w 3"], *, opacity: float) -> None:
        """Draw the character in a pose over a picture, which is changed."""
        height, width = picture.shape[:2]
        px_per_m = min(height / BUST[0], width / BUST[1]) / self._height
        draw_scene(self._moved(pose), View(self._center, px_per_m, height, width), picture, opacity=opacity)

    def _moved(self, pose: RigPose) -> Scene:
        """The character in a pose, before the camera; pieces that did not move since the last one cost nothing."""
        pieces = [piece for piece in self._poser.pose(pose) if _is_solid(piece)]
        if self._scene is None:
            self._posed, self._scene = pieces, Scene([self._surface(piece) for piece in pieces])
            return self._scene
        first = 0
        for before, piece in zip(self._posed, pieces, strict=True):
            last = first + len(piece.positions)
            if piece is not before:
                self._scene.vertices[first:last] = piece.positions @ self._camera_from_scene.T
                self._scene.normals[first:last] = piece.normals @ self._camera_from_scene.T
            first = last
        self._posed = pieces
        return self._scene

    def _surface(self, piece: PosedPrimitive) -> Surface:
        factor = np.array(piece.material.colour[:3], dtype=np.float32)
        linear = factor * (1 if piece.colours is None else piece.colours[:, :3])
        textured = piece.material.image is not None and piece.uv is not None
        return Surface(
            vertices=piece.positions @ self._camera_from_scene.T,
            triangles=piece.triangles,
            normals=piece.normals @ self._camera_from_scene.T,
            colours=srgb_from_linear(np.broadcast_to(linear, piece.positions.shape)),
            uv=piece.uv if textured else None,
            texture=piece.material.image if textured else None,
            alpha_cutoff=_cutoff(piece) if textured else None,
            gloss=_gloss(f"{piece.name} {piece.material.name}".lower()),
        )

    def _frame(self, character: Character) -> tuple[tuple[float, float], float]:
        """Find the head's middle and height: what the morphs move is the face, and the head reaches above it."""
        moving, everything = [], []
        for piece, positions in self._poser.at_rest():
            morphs = character.meshes[piece.mesh].primitives[piece.primitive].morphs
            everything.append(positions)
            if len(morphs):
                moves = np.abs(morphs).max(axis=(0, 2))
                moving.append(positions[moves > 0.3 * max(float(moves.max()), 1e-9)])
        face = np.concatenate(moving or everything) @ self._camera_from_scene.T
        low, high = face.min(axis=0), face.max(axis=0)
        middle, size = float(low[0] + high[0]) / 2, max(float(high[1] - low[1]), 1e-6)
        body = np.concatenate(everything) @ self._camera_from_scene.T
        over_face = body[np.abs(body[:, 0] - middle) < 0.5 * size]
        top = min(float(over_face[:, 1].max(initial=high[1])), float(low[1]) + TALLEST_HEAD * size)
        # A little below the middle, as there are shoulders below and nothing above.
        return (middle, 0.54 * float(low[1]) + 0.46 * top), top - float(low[1])


def _is_solid(piece: PosedPrimitive) -> bool:
    """Glassy shells (corneas, tear lines) would hide what lies under them."""
    return not (piece.material.alpha_mode == "BLEND" and piece.material.colour[3] < 0.5)


def _cutoff(piece: PosedPrimitive) -> float | None:
    return {"MASK": piece.material.alpha_cutoff, "BLEND": 0.5}.get(piece.material.alpha_mode)


def _gloss(name: str) -> float:
    if "eye" in name and not any(word in name for word in ("brow", "lash", "lid")):
        return 0.85
    return 0.5 if any(word in name for word in ("teeth", "tongue")) else 0.2
