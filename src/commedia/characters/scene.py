"""The node tree of a glTF file: places, parents, and a check that it really is a tree."""

import numpy as np

from commedia.characters.character import Node
from commedia.characters.container import entries
from commedia.errors import BadCharacter
from commedia.geometry.rotations import canonical_wxyz, wxyz_from_matrix

MAX_NODES = 20_000
"""Ten times what the richest characters have."""


def with_single_root(tree: dict, name: str) -> dict:
    """Give a scene of several roots one common root, so that a character without bones can turn as a whole."""
    scenes, nodes = entries(tree, "scenes", name), entries(tree, "nodes", name)
    shown = tree.get("scene", 0)
    if not scenes or not isinstance(shown, int) or not 0 <= shown < len(scenes):
        return tree
    roots = scenes[shown].get("nodes") or []
    if len(roots) < 2 or len(scenes) > 1:
        return tree
    root = {"name": "commedia_root", "children": list(roots)}
    return {**tree, "nodes": [*nodes, root], "scenes": [{**scenes[0], "nodes": [len(nodes)]}]}


def read_nodes(tree: dict, name: str) -> tuple[Node, ...]:
    """Read every node; a node has at most one parent."""
    listed = entries(tree, "nodes", name)
    if len(listed) > MAX_NODES:
        raise BadCharacter(f"{name} has {len(listed):,} nodes; at most {MAX_NODES:,} are read")
    parents = [-1] * len(listed)
    for index, entry in enumerate(listed):
        for child in entry.get("children", []):
            if type(child) is not int or not 0 <= child < len(listed) or child == index or parents[child] >= 0:
                raise BadCharacter(f"{name}: node {index} has the child {child!r}, so its nodes are not a tree")
            parents[child] = index
    return tuple(_node(entry, index, parents[index], name) for index, entry in enumerate(listed))


def node_order(tree: dict, nodes: tuple[Node, ...], name: str) -> tuple[int, ...]:
    """List the nodes of the shown scene, parents before children; without scenes, those of all roots."""
    scenes = entries(tree, "scenes", name)
    shown = tree.get("scene", 0)
    if scenes and (type(shown) is not int or not 0 <= shown < len(scenes)):
        raise BadCharacter(f"{name} shows scene {shown!r}, and there are {len(scenes)}")
    roots = scenes[shown].get("nodes", []) if scenes else [i for i, node in enumerate(nodes) if node.parent < 0]
    children: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        children.setdefault(node.parent, []).append(index)
    order: list[int] = []
    waiting = list(reversed(roots))
    while waiting:
        index = waiting.pop()
        if type(index) is not int or not 0 <= index < len(nodes) or len(order) >= len(nodes):
            raise BadCharacter(f"{name}: the scene's nodes are not a tree")
        order.append(index)
        waiting += reversed(children.get(index, []))
    if any(nodes[index].parent >= 0 for index in roots) or len(set(order)) != len(order):
        raise BadCharacter(f"{name}: the scene's nodes are not a tree")
    return tuple(order)


def _node(entry: dict, index: int, parent: int, name: str) -> Node:
    if "matrix" in entry:
        translation, wxyz, scale = decompose(_numbers(entry["matrix"], 16, name).reshape(4, 4).T)
    else:
        translation = _numbers(entry.get("translation", (0, 0, 0)), 3, name)
        wxyz = canonical_wxyz(_numbers(entry.get("rotation", (0, 0, 0, 1)), 4, name)[[3, 0, 1, 2]])
        scale = _numbers(entry.get("scale", (1, 1, 1)), 3, name)
    mesh, skin = entry.get("mesh"), entry.get("skin")
    for reference in (mesh, skin):
        if reference is not None and (type(reference) is not int or reference < 0):
            raise BadCharacter(f"{name}: node {index} refers to {reference!r}")
    return Node(str(entry.get("name", f"node {index}")), parent, translation, wxyz, scale, mesh, skin)


def decompose(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split a 4 x 4 matrix into translation, rotation `wxyz` and scale; shear, which glTF forbids, is lost."""
    scale = np.linalg.norm(matrix[:3, :3], axis=0)
    if np.linalg.det(matrix[:3, :3]) < 0:
        scale[0] = -scale[0]
    rotation = matrix[:3, :3] / np.where(np.abs(scale) > 1e-12, scale, 1)
    return matrix[:3, 3].copy(), wxyz_from_matrix(rotation), scale


def _numbers(values: object, count: int, name: str) -> np.ndarray:
    array = np.array(values, dtype=np.float64)
    if array.shape != (count,) or not np.isfinite(array).all():
        raise BadCharacter(f"{name}: a node is placed with {array.size} numbers instead of {count} finite ones")
    return array
