"""Which nodes of a rig are the bones of a face: by VRM's own table, by name, and by what carries the face.

A bone that is called a head and carries nothing of what the face's morphs move is a control that turns nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from commedia.characters.character import Bones, Character, Mesh, Node, Skin
from commedia.characters.names import bones_by_name
from commedia.errors import UnknownName

VRM_BONES = {"head": "head", "neck": "neck", "leftEye": "left_eye", "rightEye": "right_eye", "jaw": "jaw"}
CARRIES = 0.5
"""Share of the face that hangs on a head."""
MOST = 0.8
"""Share of the face from which on a nameless bone is a head."""
BODY = 0.02
"""Share of all that hangs on bones that lies outside a nameless head: without it that bone is a root."""
SHOWN = 6
MOST_NAMES = 100
"""Names of nodes that a refusal lists."""


def find_bones(
    tree: dict, nodes: tuple[Node, ...], shown: tuple[int, ...], meshes: Sequence[Mesh], skins: Sequence[Skin]
) -> tuple[Bones, tuple[str, ...]]:
    """Find the bones of a face, and what a user has to know of that choice.

    A neck above no head, and eyes and a jaw outside it, are left alone.
    """
    joints = {int(joint) for skin in skins for joint in skin.joints}
    # The place of a mesh is often called `Head` too; only a node without a mesh is a bone.
    places = [index for index in shown if nodes[index].mesh is None or index in joints]
    named = {
        bone: [places[place] for place in found]
        for bone, found in bones_by_name([nodes[index].name for index in places]).items()
    }
    given = _vrm_humanoid(tree, len(nodes))
    named |= {bone: [node] for bone, node in given.items()}
    face, everything = carried(nodes, shown, meshes, skins)
    head, notes = _head(nodes, shown, named.get("head", []), face, everything, given="head" in given)
    if head is None or head not in shown:
        return Bones(), notes or _without_head(nodes, places, joints)
    above = _ancestors(nodes, head)
    parts = {
        part: next((node for node in named.get(part, []) if head in _ancestors(nodes, node)), None)
        for part in ("left_eye", "right_eye", "jaw")
    }
    return Bones(head=head, neck=next((node for node in named.get("neck", []) if node in above), None), **parts), notes


def with_bones(character: Character, chosen: Mapping[str, str]) -> Character:
    """The character with the bones that somebody names by their nodes; the other bones stay as they were found."""
    nodes = {character.nodes[index].name: index for index in reversed(character.node_order)}
    for name in chosen.values():
        if name not in nodes:
            raise UnknownName("bone", name, list(nodes)[:MOST_NAMES])
    if not chosen:
        return character
    rig = character.rig
    bones = replace(rig.bones, **{bone: nodes[name] for bone, name in chosen.items()})
    notes = tuple(note for note in character.notes if "bone" not in note)
    return replace(character, rig=replace(rig, bones=bones), notes=notes)


def carried(
    nodes: Sequence[Node], shown: Sequence[int], meshes: Sequence[Mesh], skins: Sequence[Skin]
) -> tuple[dict[int, float], dict[int, float]]:
    """How much each node carries of what morphs move, each morph counting alike, and of all vertices."""
    face, everything = dict[int, float](), dict[int, float]()
    for index in shown:
        node = nodes[index]
        for primitive in () if node.mesh is None else meshes[node.mesh].primitives:
            moved = np.zeros(len(primitive.positions))
            for morph in primitive.morphs:
                size = np.abs(morph).sum(axis=1)
                moved += size / max(float(size.sum()), 1e-12)
            for weights, amount in ((face, moved), (everything, np.ones(len(moved)))):
                for joint, weight in _shares(index, node, primitive.skinning, skins, amount).items():
                    weights[joint] = weights.get(joint, 0.0) + weight
    return face, everything


def _shares(index: int, node: Node, skinning, skins: Sequence[Skin], amount: np.ndarray) -> dict[int, float]:
    if skinning is None or node.skin is None:
        return {index: float(amount.sum())}
    joints = skins[node.skin].joints
    shares = np.bincount(skinning.joints.ravel(), (skinning.weights * amount[:, None]).ravel(), minlength=len(joints))
    return {int(joints[place]): float(shares[place]) for place in np.flatnonzero(shares)}


def _head(
    nodes: Sequence[Node],
    shown: Sequence[int],
    named: list[int],
    face: Mapping[int, float],
    everything: Mapping[int, float],
    *,
    given: bool,
) -> tuple[int | None, tuple[str, ...]]:
    below, all_below = _below(nodes, face), _below(nodes, everything)
    total, whole = sum(face.values()), sum(everything.values())
    if named and (given or not total):
        return named[0], ()
    carrying = [node for node in named if below.get(node, 0.0) >= CARRIES * total]
    if carrying:
        return carrying[0], ()
    found = _carrier(nodes, shown, below, all_below, total, whole)
    if found is None:
        return (named[0], ()) if named else (None, ())
    share = f"carries {below[found] / total:.0%} of what the morphs move"
    if not named:
        return found, (f"no bone is called a head; '{nodes[found].name}' was taken for it, which {share}",)
    idle = f"the bone '{nodes[named[0]].name}' carries no face"
    return found, (f"{idle}; '{nodes[found].name}' was taken for the head, which {share}",)


def _carrier(
    nodes: Sequence[Node],
    shown: Sequence[int],
    below: Mapping[int, float],
    all_below: Mapping[int, float],
    total: float,
    whole: float,
) -> int | None:
    """The lowest bone on which most of the face hangs, and outside of which a body is left."""
    heads = [
        node
        for node in shown
        if below.get(node, 0.0) >= MOST * total > 0
        and nodes[node].parent >= 0
        and nodes[node].mesh is None
        and all_below[node] < (1 - BODY) * whole
    ]
    return max(heads, key=lambda node: len(_ancestors(nodes, node)), default=None)


def _without_head(nodes: Sequence[Node], places: Sequence[int], joints: set[int]) -> tuple[str, ...]:
    """Say what was looked for and what is there; nothing of a character that has no skeleton."""
    bones = [index for index in places if index in joints or any(node.parent == index for node in nodes)]
    if len(bones) < 2:
        return ()
    listed = ", ".join(f"'{nodes[index].name}'" for index in bones[:SHOWN]) + (", ..." if len(bones) > SHOWN else "")
    return (
        f"no bone is called a head, and none carries the face alone, so all of it turns at its root; found {listed}",
    )


def _vrm_humanoid(tree: dict, count: int) -> dict[str, int]:
    extensions = tree.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    listed = []
    for key in ("VRMC_vrm", "VRM"):
        bones = ((extensions.get(key) or {}).get("humanoid") or {}).get("humanBones") or {}
        # VRM 1 has an object by bone, VRM 0 a list of objects that name their bone.
        listed += bones.items() if isinstance(bones, dict) else [(bone.get("bone"), bone) for bone in bones]
    found = {VRM_BONES[bone]: entry.get("node") for bone, entry in listed if bone in VRM_BONES}
    return {bone: node for bone, node in found.items() if type(node) is int and 0 <= node < count}


def _below(nodes: Sequence[Node], weights: Mapping[int, float]) -> dict[int, float]:
    """What each node carries together with all below it."""
    sums = dict[int, float]()
    for index, weight in weights.items():
        for node in (index, *_ancestors(nodes, index)):
            sums[node] = sums.get(node, 0.0) + weight
    return sums


def _ancestors(nodes: Sequence[Node], index: int | None) -> dict[int, None]:
    above = dict[int, None]()
    while index is not None and nodes[index].parent >= 0 and nodes[index].parent not in above:
        index = nodes[index].parent
        above[index] = None
    return above
