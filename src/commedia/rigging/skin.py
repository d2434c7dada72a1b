"""What a character's shapes move, turned so that it looks at us, and where bones or known blinks say its eyes are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from commedia.characters.character import Character
from commedia.characters.posing import Poser
from commedia.conventions import EXPRESSION_INDEX
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.rigging.pieces import connected
from commedia.rigging.sculpt import Sculpt, morph_displacements

SIDES = {"left": 1.0, "right": -1.0}
"""The subject's; sign of x."""
CARRIED = 0.5
"""Of a vertex's skinning weights: what hangs on an eye bone by at least this goes with it."""


@dataclass(frozen=True)
class Skin:
    """All vertices that some shape or eye bone moves, in a frame in which the character looks along +z, +y up."""

    vertices: Float[np.ndarray, "n 3"]
    shapes: Float[np.ndarray, "m n 3"]
    """Displacements by each of the rig's morphs."""
    piece: Int[np.ndarray, "n"]
    """Vertices with one number hang together."""
    eyes: dict[str, Float[np.ndarray, "3"]]
    """Middles of the `left` and the `right` eye, as far as anything says where they are."""
    irises: dict[str, Bool[np.ndarray, "n"]]
    """What the eye bones carry."""


def skin_of(sculpt: Sculpt, gains: Float[np.ndarray, "m e"]) -> Skin:
    """Gather it; `gains` are the shapes whose names are known, which say where eyes without bones are."""
    carried = {side: carried_by(sculpt, getattr(sculpt.character.rig.bones, f"{side}_eye")) for side in SIDES}
    rows = np.flatnonzero(_moved(sculpt) | carried["left"] | carried["right"])
    turn = matrix_from_wxyz(sculpt.character.rig.character_from_head)
    vertices = sculpt.vertices[rows] @ turn
    shapes = morph_displacements(sculpt, rows).astype(np.float64) @ turn
    irises = {side: own[rows] for side, own in carried.items()}
    eyes = {side: vertices[own].mean(axis=0) for side, own in irises.items() if own.any()}
    if len(eyes) < len(SIDES):
        eyes = {side: place for side in SIDES if (place := _blinks_at(vertices, shapes, gains, side)) is not None}
    return Skin(vertices, shapes, connected(sculpt.vertices, sculpt.triangles)[rows], eyes, irises)


def carried_by(sculpt: Sculpt, bone: int | None) -> Bool[np.ndarray, "w"]:
    """Return which vertices go where a bone goes."""
    character, own = sculpt.character, np.zeros(len(sculpt.vertices), dtype=bool)
    if bone is None:
        return own
    below = _below(character, bone)
    for piece, patch in zip(Poser(character).pieces, sculpt.patches, strict=True):
        skinning = character.meshes[piece.mesh].primitives[piece.primitive].skinning
        skin = character.nodes[piece.node].skin
        if skinning is None or skin is None:
            own[patch.places] |= piece.node in below
            continue
        on = np.isin(character.skins[skin].joints[skinning.joints], list(below))
        own[patch.places[(skinning.weights * on).sum(axis=1) > CARRIED]] = True
    return own


def _below(character: Character, bone: int) -> set[int]:
    below = {bone}
    # Parents come first in this order.
    for node in character.node_order:
        if character.nodes[node].parent in below:
            below.add(node)
    return below


def _moved(sculpt: Sculpt) -> Bool[np.ndarray, "w"]:
    character, own = sculpt.character, np.zeros(len(sculpt.vertices), dtype=bool)
    for patch in sculpt.patches:
        morphs = character.meshes[patch.mesh].primitives[patch.primitive].morphs
        own[patch.places[(morphs != 0).any(axis=(0, 2))]] = True
    return own


def _blinks_at(vertices: np.ndarray, shapes: np.ndarray, gains: np.ndarray, side: str) -> Float[np.ndarray, "3"] | None:
    """The middle of the way of a lid whose shape is known; that of both eyes says nothing of either."""
    known = np.flatnonzero(gains[:, EXPRESSION_INDEX[f"eyeBlink{side.title()}"]])
    other = gains[:, EXPRESSION_INDEX[f"eyeBlink{'Right' if side == 'left' else 'Left'}"]]
    known = known[other[known] == 0]
    if not len(known):
        return None
    down = -shapes[known[0], :, 1]
    lid = down > down.max() / 2
    return (vertices + shapes[known[0]] / 2)[lid].mean(axis=0) if down.max() > 0 else None
