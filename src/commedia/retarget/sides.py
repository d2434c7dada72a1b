"""Whether a rig's names mean the viewer's left or the subject's, seen in what its morphs move.

Only tables that say `sides = "geometry"` ask: the published lists of FaceWarehouse's blendshapes contradict each other.
"""

from collections.abc import Mapping

import numpy as np

from commedia.characters.character import Character
from commedia.characters.posing import Poser
from commedia.conventions import plain_morph

SLIDES = ("jaw", "mouthLeft", "mouthRight")
"""Blendshapes that go to a side rather than lie on one: where they are says nothing."""


def names_are_mirrored(character: Character, morphs: Mapping[str, Mapping[str, float]]) -> bool:
    """Compare the places of what left and right blendshapes move; True when the table's sides are the wrong way round.

    The character looks along +z, as glTF says, so the subject's left is at larger x. A draw trusts the table.
    """
    place = {"Left": [0.0, 0.0], "Right": [0.0, 0.0]}
    for piece, rest in Poser(character).at_rest():
        mesh = character.meshes[piece.mesh]
        primitive = mesh.primitives[piece.primitive]
        for row, name in enumerate(mesh.target_names):
            for side in _sides(morphs.get(plain_morph(name), {})):
                moved = np.linalg.norm(primitive.morphs[row], axis=1)
                place[side][0] += float(moved @ rest[:, 0])
                place[side][1] += float(moved.sum())
    (left, left_total), (right, right_total) = place["Left"], place["Right"]
    return left_total > 0 and right_total > 0 and left / left_total < right / right_total


def _sides(blendshapes: Mapping[str, float]) -> set[str]:
    sides = {
        side
        for blendshape in blendshapes
        for side in ("Left", "Right")
        if blendshape.endswith(side) and not blendshape.startswith(SLIDES)
    }
    return sides if len(sides) == 1 else set()
