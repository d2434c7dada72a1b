"""Read a glTF 2.0 character: `.glb`, `.vrm` or `.gltf` with its side files.

Refuses, in one sentence, what cannot be played: broken or hostile files, files that need a decoder we do not have, and
characters without morph targets. What is read is for posing and previews; the file itself is kept as `Document`.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from commedia.characters.accessors import Accessors
from commedia.characters.character import Character, Document, Mesh, Node, Rig, Skin
from commedia.characters.container import entries, open_document, parse_document, unread_extensions
from commedia.characters.facing import standing
from commedia.characters.find_bones import find_bones
from commedia.characters.images import read_materials
from commedia.characters.meshes import MeshReader, rest_weights_of_nodes
from commedia.characters.scene import node_order, read_nodes, with_single_root
from commedia.errors import BadCharacter

MALFORMED = (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError, RecursionError)
"""What Python says when JSON has another shape than glTF's; the explicit checks say more, this net misses nothing."""
NO_MORPHS = (
    "has no morph targets (blend shapes), so its face cannot move; expected the 52 ARKit shapes such as 'jawOpen' on "
    "at least one mesh. 'commedia rig make' makes them"
)
EFFECTIVE = 1e-4
"""Of a mesh's size: a morph that moves nothing as far as this is only a name, and what quantisation leaves in it."""


def read_character(path: Path) -> Character:
    """Read a character that has morph targets."""
    return character_from_document(open_document(path))


def character_from_bytes(data: bytes, name: str) -> Character:
    """Read a character that lies in memory as GLB or self-contained glTF."""
    return character_from_document(parse_document(data, name=name))


def character_from_document(document: Document, *, needs_morphs: bool = True) -> Character:
    """Turn an opened file into a character. One without morphs is refused, unless it is only to be looked at."""
    try:
        return _build(document, needs_morphs)
    except MALFORMED as error:
        what = f"{type(error).__name__}: {error}"
        raise BadCharacter(f"{document.name} is not valid glTF ({what})") from error


def _build(document: Document, needs_morphs: bool) -> Character:
    tree, name = document.json, document.name
    nodes = read_nodes(tree, name)
    order = node_order(tree, nodes, name)
    accessors = Accessors(document)
    materials, notes = read_materials(document, accessors)
    shown = {nodes[index].mesh for index in order}
    names: dict[str, int] = {}
    notes += [f"the extension {extension} is not read" for extension in unread_extensions(tree)]
    reader = MeshReader(tree, accessors, len(materials), names, notes)
    weights = rest_weights_of_nodes(tree, order, notes, name)
    meshes = tuple(
        reader.mesh(entry, index, weights.get(index)) if index in shown else _hidden(entry)
        for index, entry in enumerate(entries(tree, "meshes", name))
    )
    if needs_morphs and not names:
        raise BadCharacter(f"{name} {NO_MORPHS}")
    skins = tuple(_skin(entry, accessors, len(nodes)) for entry in entries(tree, "skins", name))
    _check_references(nodes, meshes, skins, name)
    # Places beyond reason, which only a damaged file has, say nothing.
    with np.errstate(all="ignore"):
        bones, about_bones = find_bones(tree, nodes, order, meshes, skins)
    notes += about_bones
    rooted = with_single_root(tree, name)
    if bones.head is None and rooted is not tree:
        # Without a head bone the whole character turns, and that takes one root.
        document, nodes = replace(document, json=rooted), read_nodes(rooted, name)
        order = node_order(rooted, nodes, name)
    effective, rest = _morph_facts(meshes, len(names))
    forward = np.array([1.0, 0, 0, 0])
    rig = Rig(tuple(names), effective, rest, bones, forward)
    character = Character(name, nodes, order, meshes, skins, materials, rig, document, tuple(dict.fromkeys(notes)))
    with np.errstate(all="ignore"):
        return standing(character)


def _hidden(entry: dict) -> Mesh:
    none = np.zeros(0, dtype=np.float32)
    return Mesh(str(entry.get("name", "")), (), (), none, none.astype(np.int32))


def _skin(entry: dict, accessors: Accessors, node_count: int) -> Skin:
    joints = [accessors.entry_index(joint, node_count, "nodes") for joint in entry["joints"]]
    if len(joints) > node_count:
        raise BadCharacter(f"{accessors.name}: a skin has {len(joints):,} joints, and there are {node_count:,} nodes")
    if "inverseBindMatrices" in entry:
        # glTF stores columns first.
        matrices = accessors.floats(entry["inverseBindMatrices"], 16).reshape(-1, 4, 4).transpose(0, 2, 1)
        if len(matrices) < len(joints):
            raise BadCharacter(f"{accessors.name}: a skin of {len(joints)} joints has {len(matrices)} matrices")
    else:
        matrices = np.broadcast_to(np.eye(4), (len(joints), 4, 4))
    return Skin(np.array(joints, dtype=np.int32), matrices[: len(joints)].astype(np.float64))


def _check_references(nodes: tuple[Node, ...], meshes: tuple[Mesh, ...], skins: tuple[Skin, ...], name: str) -> None:
    for node in nodes:
        if (node.mesh is not None and node.mesh >= len(meshes)) or (node.skin is not None and node.skin >= len(skins)):
            raise BadCharacter(f"{name}: the node '{node.name}' refers to a mesh or skin that does not exist")
        if node.mesh is None or node.skin is None:
            continue
        for primitive in meshes[node.mesh].primitives:
            skinning = primitive.skinning
            if skinning is not None and skinning.joints.size and skinning.joints.max() >= len(skins[node.skin].joints):
                raise BadCharacter(f"{name}: '{meshes[node.mesh].name}' hangs on joints that it lacks")


def _morph_facts(meshes: tuple[Mesh, ...], count: int) -> tuple[np.ndarray, np.ndarray]:
    effective, rest = np.zeros(count, dtype=bool), np.zeros(count)
    for mesh in meshes:
        rest[mesh.rig_index] = mesh.rest_weights
        least = EFFECTIVE * _size(mesh)
        for primitive in mesh.primitives:
            moves = np.abs(primitive.morphs).max(axis=(1, 2), initial=0) > least
            effective[mesh.rig_index[moves]] = True
    return effective, rest


def _size(mesh: Mesh) -> float:
    """The diagonal of the box around a mesh, in its own unit."""
    pieces = [primitive.positions for primitive in mesh.primitives if len(primitive.positions)]
    if not pieces:
        return 0.0
    low = np.min([piece.min(axis=0) for piece in pieces], axis=0)
    high = np.max([piece.max(axis=0) for piece in pieces], axis=0)
    return float(np.linalg.norm(high.astype(np.float64) - low))
