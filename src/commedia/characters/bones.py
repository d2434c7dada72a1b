"""From a pose in the head frame to the local rotations of nodes. Clips and previews use the same.

A rig with a head bone turns there, and lets the neck take `NECK_SHARE` of the turn; one without turns at its roots.
"""

import numpy as np
from jaxtyping import Float

from commedia.characters.character import Character
from commedia.geometry.rotations import (
    axis_angle_from_wxyz,
    canonical_wxyz,
    inverse_wxyz,
    multiply_wxyz,
    wxyz_from_axis_angle,
)

NECK_SHARE = 0.4
"""Part of the head's turn that a rig's neck makes, so that the skin of the throat is not wrung."""


def rest_rotations(character: Character) -> dict[int, np.ndarray]:
    """World rotation `wxyz` of each node at rest, as what hangs on it is turned by.

    Sizes turn nothing. A negative scale mirrors: as turning everything by -1 commutes with every turn, the mirror
    counts as the half turn that is left of it.
    """
    world: dict[int, np.ndarray] = {}
    for index in character.node_order:
        node = character.nodes[index]
        local = multiply_wxyz(canonical_wxyz(node.wxyz), _mirror_wxyz(node.scale))
        world[index] = local if node.parent < 0 else multiply_wxyz(world[node.parent], local)
    return world


def _mirror_wxyz(scale: Float[np.ndarray, "3"]) -> Float[np.ndarray, "4"]:
    signs = np.where(scale < 0, -1.0, 1.0)
    kept = signs * signs.prod()
    return np.array([float((kept > 0).all()), *((kept > 0) & (kept < 0).any()).astype(float)])


def turned_nodes(character: Character) -> tuple[int, ...]:
    """The nodes whose rotation a face animates: neck, head and eyes, or the roots of a rig without a head bone."""
    bones = character.rig.bones
    if bones.head is None:
        turned = [index for index in character.node_order if character.nodes[index].parent < 0]
    else:
        turned = [node for node in (bones.neck, bones.head) if node is not None]
    return (*turned, *(node for node in (bones.left_eye, bones.right_eye) if node is not None))


def local_rotations(
    character: Character,
    head_wxyz: Float[np.ndarray, "n 4"],
    left_eye_wxyz: Float[np.ndarray, "n 4"],
    right_eye_wxyz: Float[np.ndarray, "n 4"],
    rest: dict[int, np.ndarray] | None = None,
) -> dict[int, np.ndarray]:
    """Local rotation `wxyz` (n, 4) of every node in `turned_nodes`, frame by frame; `rest` is what `rest_rotations`
    says, for who asks again and again.

    A turn D in the world makes a node's world rotation D P R, with its parent's rest rotation P and its own R, so the
    local rotation becomes P^-1 D P R; what a moved parent already did is taken out of D first.
    """
    rest = rest_rotations(character) if rest is None else rest
    bones = character.rig.bones
    # All together, as each step on a few numbers takes as long as on many.
    head, left_eye, right_eye = _in_character(character, np.stack([head_wxyz, left_eye_wxyz, right_eye_wxyz]))
    turns: dict[int, np.ndarray] = {}
    if bones.head is None:
        turns |= dict.fromkeys(turned_nodes(character), head)
    elif bones.neck is None:
        turns[bones.head] = head
    else:
        turns[bones.neck], turns[bones.head] = neck_and_head(head)
    turns |= {eye: wxyz for eye, wxyz in ((bones.left_eye, left_eye), (bones.right_eye, right_eye)) if eye is not None}
    return _local(character, rest, turns) if turns else {}


def neck_and_head(head_wxyz: Float[np.ndarray, "*b 4"]) -> tuple[Float[np.ndarray, "*b 4"], Float[np.ndarray, "*b 4"]]:
    """Divide the turn of a head: what the neck does, and what the head adds to it."""
    neck = wxyz_from_axis_angle(NECK_SHARE * axis_angle_from_wxyz(head_wxyz))
    return neck, multiply_wxyz(inverse_wxyz(neck), head_wxyz)


def _in_character(character: Character, wxyz: np.ndarray) -> np.ndarray:
    facing = np.broadcast_to(character.rig.character_from_head, wxyz.shape)
    return multiply_wxyz(multiply_wxyz(facing, wxyz), inverse_wxyz(facing))


def _local(character: Character, rest: dict[int, np.ndarray], turns: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """P^-1 D P R of nodes with the turns D and the rotations R."""
    nodes, turn = [character.nodes[index] for index in turns], np.stack(list(turns.values()))
    unturned = np.array([1.0, 0, 0, 0])
    above = np.stack([rest[node.parent] if node.parent >= 0 else unturned for node in nodes])[:, None]
    own = canonical_wxyz(np.stack([node.wxyz for node in nodes]))[:, None]
    above, own = (np.broadcast_to(each, turn.shape) for each in (above, own))
    turned = multiply_wxyz(multiply_wxyz(inverse_wxyz(above), turn), above)
    return dict(zip(turns, canonical_wxyz(multiply_wxyz(turned, own)), strict=True))
