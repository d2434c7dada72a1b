"""A contact sheet: the face at rest and with each of the 52 blendshapes, to be looked at before anybody plays it."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from commedia.characters.character import Character
from commedia.characters.posing import PosedPrimitive, Poser
from commedia.conventions import EXPRESSION_NAMES
from commedia.geometry.rotations import wxyz_from_axis_angle
from commedia.outputs.preview.drawing import draw_text
from commedia.render.colour_numpy import srgb_from_linear
from commedia.render.scene import Surface, View
from commedia.render.shade_numpy import render_mesh
from commedia.structures import RigPose

COLUMNS = 9
WITH_OPEN_JAW = {"mouthClose": 1.0, "tongueOut": 0.5}
"""Blendshapes that mean nothing behind closed lips, and how far the jaw opens for them."""
BACKGROUND = (40, 43, 48)


def draw_sheet(
    character: Character,
    head_from_scene: Float[np.ndarray, "3 3"],
    face: Float[np.ndarray, "n 3"],
    tints: Sequence[Float[np.ndarray, "m 3"]],
    *,
    tile_px: int = 220,
) -> UInt8[np.ndarray, "h w 3"]:
    """Draw the sheet of a character with the 52 blendshapes as morphs, seen from straight ahead of the face.

    Every tile shows the points `face` (scene) with some room around. `tints` are sRGB in [0, 1] of each piece's
    vertices, for those without any colours; in the poser's order.
    """
    seen = face @ head_from_scene.T
    low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    # Landmarks end at the brows, and an open jaw reaches lower than the face at rest.
    low[1], high[1] = low[1] - 0.3 * (high[1] - low[1]), high[1] + 0.2 * (high[1] - low[1])
    middle = (low + high) / 2
    view = View((float(middle[0]), float(middle[1])), tile_px / float(1.08 * (high - low).max()), tile_px, tile_px)
    poser = Poser(character)
    tiles = []
    for blendshape in ("neutral", *EXPRESSION_NAMES):
        pose = _pose(
            character,
            {blendshape: 1.0} | ({"jawOpen": WITH_OPEN_JAW[blendshape]} if blendshape in WITH_OPEN_JAW else {}),
        )
        surfaces = [surface_of(piece, head_from_scene, own) for piece, own in zip(poser.pose(pose), tints, strict=True)]
        tile = render_mesh(surfaces, view, background=BACKGROUND)
        draw_text(tile, blendshape, (6.0, 12.0), size_px=13, colour=(255, 240, 140))
        tiles.append(tile)
    tiles += [np.full_like(tiles[0], BACKGROUND)] * (-len(tiles) % COLUMNS)
    return np.vstack([np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)])


def surface_of(
    piece: PosedPrimitive, camera_from_scene: Float[np.ndarray, "3 3"], tint: Float[np.ndarray, "#m 3"]
) -> Surface:
    """What the renderer draws of a posed piece, turned to the camera; `tint` (sRGB) is for what has no colours."""
    factor = np.array(piece.material.colour[:3], dtype=np.float32)
    linear = factor * (1 if piece.colours is None else piece.colours[:, :3])
    textured = piece.material.image is not None and piece.uv is not None
    # A file without colours is white, which hides every shape.
    plain = not textured and piece.colours is None and float(factor.min()) > 0.95
    shape, cutoffs = piece.positions.shape, {"MASK": piece.material.alpha_cutoff, "BLEND": 0.5}
    return Surface(
        vertices=piece.positions @ camera_from_scene.T,
        triangles=piece.triangles,
        normals=piece.normals @ camera_from_scene.T,
        colours=np.broadcast_to(tint, shape) if plain else srgb_from_linear(np.broadcast_to(linear, shape)),
        uv=piece.uv if textured else None,
        texture=piece.material.image if textured else None,
        alpha_cutoff=cutoffs.get(piece.material.alpha_mode) if textured else None,
        gloss=0.2,
    )


def png_bytes(picture: UInt8[np.ndarray, "h w 3"]) -> bytes:
    """Encode a picture as PNG."""
    return cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))[1].tobytes()


def _pose(character: Character, blendshapes: dict[str, float]) -> RigPose:
    straight = wxyz_from_axis_angle(np.zeros(3))
    weights = np.array([blendshapes.get(name, 0.0) for name in character.rig.morph_names])
    return RigPose(weights, straight, straight, straight)
