"""The meshes of a glTF file: positions, morphs, colours and what moves them, checked before they are believed."""

from dataclasses import dataclass

import numpy as np

from commedia.characters.accessors import Accessors
from commedia.characters.character import Mesh, Primitive, Skinning
from commedia.characters.container import entries
from commedia.characters.draco import EXTENSION, draco_arrays
from commedia.characters.morph_names import morph_names
from commedia.errors import BadCharacter
from commedia.geometry.meshes import smooth_normals, weld

TRIANGLES = 4


def rest_weights_of_nodes(tree: dict, shown: tuple[int, ...], notes: list[str], name: str) -> dict[int, list]:
    """Weights that shown nodes give their meshes at rest, which overrule the meshes' own, by mesh."""
    nodes, weights = entries(tree, "nodes", name), dict[int, list]()
    for index in shown:
        mesh, given = nodes[index].get("mesh"), nodes[index].get("weights")
        if isinstance(mesh, int) and isinstance(given, list):
            if weights.setdefault(mesh, given) != given:
                notes.append(f"nodes give the mesh {mesh} different weights at rest; those of the first count")
    return weights


@dataclass(frozen=True)
class MeshReader:
    """Reads one file's meshes."""

    tree: dict
    accessors: Accessors
    materials: int
    names: dict[str, int]
    """Every morph's place in the rig; grows."""
    notes: list[str]
    """What a user has to know; grows."""

    def mesh(self, entry: dict, index: int, node_weights: list | None) -> Mesh:
        """One mesh; `node_weights` are what its node says of its morphs at rest."""
        name = self.accessors.name
        primitives = [item for item in entry["primitives"] if item.get("mode", TRIANGLES) == TRIANGLES]
        left_out = len(entry["primitives"]) - len(primitives)
        if left_out:
            self.notes.append(f"{left_out} pieces of the mesh {index} are points, lines or strips, and were left out")
        counts = {len(item.get("targets") or ()) for item in primitives}
        if len(counts) > 1:
            raise BadCharacter(f"{name}: the primitives of mesh {index} differ in their number of morph targets")
        count = counts.pop() if counts else 0
        targets, about_names = morph_names(entry, primitives, count, self.tree, name)
        self.notes.extend(about_names)
        weights = np.array(node_weights or entry.get("weights") or [0.0] * count, dtype=np.float32)
        if weights.shape != (count,) or not np.isfinite(weights).all():
            raise BadCharacter(f"{name}: mesh {index} has {count} morph targets and {weights.size} weights")
        rig_index = np.array([self.names.setdefault(target, len(self.names)) for target in targets], dtype=np.int32)
        read = tuple(_primitive(item, self.accessors, self.materials) for item in primitives)
        return Mesh(str(entry.get("name", f"mesh {index}")), read, targets, weights, rig_index)


def _decompress(entry: dict, accessors: Accessors) -> None:
    """Give a primitive's accessors what Draco has compressed, if it has."""
    compressed = (entry.get("extensions") or {}).get(EXTENSION)
    if compressed is None:
        return
    data = bytes(accessors.view_bytes(compressed.get("bufferView")))
    for accessor, elements in draco_arrays(entry, data, compressed, accessors.name):
        accessors.replace(accessor, elements)


def _primitive(entry: dict, accessors: Accessors, materials: int) -> Primitive:
    attributes = entry["attributes"]
    _decompress(entry, accessors)
    positions = accessors.floats(attributes["POSITION"], 3)
    count = len(positions)
    flat = accessors.integers(entry["indices"])[:, 0] if "indices" in entry else np.arange(count)
    if len(flat) and flat.max() >= count:
        raise BadCharacter(f"{accessors.name}: a triangle refers to vertex {flat.max()} of {count}")
    triangles = flat[: len(flat) // 3 * 3].reshape(-1, 3).astype(np.int32)
    targets = entry.get("targets") or []
    accessors.reserve_morphs(len(targets) * count)
    if not accessors.is_stored(attributes["POSITION"]):
        raise BadCharacter(
            f"{accessors.name}: a mesh of {count:,} vertices has no positions, so there is no face in it"
        )
    morphs = np.zeros((len(targets), count, 3), dtype=np.float32)
    for row, target in enumerate(targets):
        if "POSITION" in target:
            morphs[row] = _same_length(accessors.floats(target["POSITION"], 3), count, accessors.name)
    normals = accessors.floats(attributes["NORMAL"], 3) if "NORMAL" in attributes else smooth_normals(
        positions, triangles, weld(positions)
    )  # fmt: skip
    material = entry.get("material")
    return Primitive(
        positions,
        _same_length(normals, count, accessors.name),
        triangles,
        _optional(accessors, attributes, "TEXCOORD_0", (2,), count),
        _colours(accessors, attributes, count),
        _skinning(accessors, attributes, count),
        morphs,
        materials - 1 if material is None else accessors.entry_index(material, materials - 1, "materials"),
    )


def _same_length(values: np.ndarray, count: int, name: str) -> np.ndarray:
    if len(values) != count:
        raise BadCharacter(f"{name}: an attribute has {len(values)} elements for {count} vertices")
    return values


def _optional(accessors: Accessors, attributes: dict, key: str, widths: tuple[int, ...], count: int):
    if key not in attributes:
        return None
    width = accessors.width(attributes[key])
    if width not in widths:
        raise BadCharacter(f"{accessors.name}: {key} is {width} wide")
    return _same_length(accessors.floats(attributes[key], width), count, accessors.name)


def _colours(accessors: Accessors, attributes: dict, count: int) -> np.ndarray | None:
    colours = _optional(accessors, attributes, "COLOR_0", (3, 4), count)
    if colours is not None and colours.shape[1] == 3:
        colours = np.concatenate([colours, np.ones((count, 1), dtype=np.float32)], axis=1)
    return colours


def _skinning(accessors: Accessors, attributes: dict, count: int) -> Skinning | None:
    sets = [number for number in (0, 1) if f"JOINTS_{number}" in attributes]
    if not sets:
        return None
    joints = np.concatenate([accessors.integers(attributes[f"JOINTS_{number}"], 4) for number in sets], axis=1)
    weights = np.concatenate([accessors.floats(attributes[f"WEIGHTS_{number}"], 4) for number in sets], axis=1)
    weights = np.clip(weights, 0, 1e6)  # as glTF wants them; beyond, sums say nothing
    total = weights.sum(axis=1, keepdims=True)
    weights = np.where(total > 1e-6, weights / np.maximum(total, 1e-6), np.eye(1, weights.shape[1], dtype=np.float32))
    joints = np.where(weights > 0, joints, 0)
    _same_length(joints, count, accessors.name)
    _same_length(weights, count, accessors.name)
    return Skinning(joints.astype(np.int32), weights.astype(np.float32))
