"""Which way a character looks, from where its left and right morphs are.

glTF says +z and most files obey; VRM 0 looks along -z, and some exports are a quarter turn off.
"""

import numpy as np
from jaxtyping import Float

from commedia.characters.character import Character
from commedia.characters.names import plain
from commedia.characters.posing import Poser
from commedia.geometry.rotations import wxyz_from_axis_angle

SIDED = ("eyeblink", "browdown", "mouthsmile", "mouthfrown")
"""Blendshapes that move one half of the face only, in plain form without their side."""


def character_from_head(character: Character) -> Float[np.ndarray, "4"]:
    """Find the quarter turn about +y (wxyz) that takes the head frame to the character's."""
    names = {plain(name) for name in character.rig.morph_names}
    if "eyecloseleft" in names and "eyeblinkleft" not in names:
        # FaceWarehouse's names, whose published lists disagree on whose left they mean.
        return wxyz_from_axis_angle(np.zeros(3))
    left = _center(character, ("left", "l"))
    right = _center(character, ("right", "r"))
    quarter = 0
    if left is not None and right is not None:
        x, _, z = left - right
        # +x turned by an angle about +y is (cos, 0, -sin).
        quarter = round(float(np.arctan2(-z, x)) / (np.pi / 2)) if x * x + z * z > 0 else 0
    elif "VRM" in (character.document.json.get("extensions") or {}):
        quarter = 2
    return wxyz_from_axis_angle(np.array([0.0, quarter % 4 * np.pi / 2, 0.0]))


def _center(character: Character, sides: tuple[str, ...]) -> np.ndarray | None:
    """Mean place, at rest and in the scene, of what the morphs of one side move."""
    wanted = {blendshape + side for blendshape in SIDED for side in sides}
    moved, total = np.zeros(3), 0.0
    for piece, posed in Poser(character).at_rest():
        mesh = character.meshes[piece.mesh]
        primitive = mesh.primitives[piece.primitive]
        for row, name in enumerate(mesh.target_names):
            if any(plain(name).endswith(suffix) for suffix in wanted):
                weight = np.abs(primitive.morphs[row]).sum(axis=1)
                moved += weight @ posed
                total += float(weight.sum())
    return moved / total if total > 0 else None
