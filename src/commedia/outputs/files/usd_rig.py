"""A character as USD prims: a SkelRoot with a Skeleton, its meshes bound to it, and their morphs as BlendShapes.

Every shown node is a joint, so that pieces without a skin can hang on theirs. Points are in the scene's frame at rest,
so programs that ignore skeletons show the neutral character too. Matrices turn over at the border: USD multiplies rows.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from commedia.characters.character import Character, Mesh, Primitive
from commedia.characters.posing import local_matrix
from commedia.errors import optional
from commedia.geometry.meshes import smooth_normals, weld

NORMAL_STEP = 2e-3
"""Turns of a normal smaller than this (a tenth of a degree) are not stored."""
SAME_BIND = 1e-4
"""How far joints may disagree about where a skin was bound, in metres or as turns: the noise of 32-bit exporters."""


@dataclass(frozen=True)
class Joints:
    """The nodes of a character as joints of one skeleton, parents first."""

    nodes: tuple[int, ...]
    tokens: tuple[str, ...]
    """Paths such as `Armature/Neck/Head`."""
    local: Float[np.ndarray, "j 4 4"]
    world: Float[np.ndarray, "j 4 4"]
    """At rest."""


@dataclass(frozen=True)
class Binding:
    """How one piece hangs on the joints."""

    scene_from_mesh: Float[np.ndarray, "4 4"]
    joints: Int[np.ndarray, "v n"]
    """Indices into `Joints`; one row for all vertices of a rigid piece."""
    weights: Float[np.ndarray, "v n"]
    bind: Float[np.ndarray, "j 4 4"] | None
    """World matrices at binding, where they are not those at rest."""


def load_usd() -> Any:
    """Import USD's Python package, whose modules become its attributes. Raises `MissingExtra` without it."""
    for part in ("Gf", "Kind", "Sdf", "Tf", "Usd", "UsdGeom", "UsdShade", "UsdSkel", "Vt"):
        optional(f"pxr.{part}", "writing USD", "usd", "usd-core")
    return optional("pxr", "writing USD", "usd", "usd-core")


def find_joints(character: Character) -> Joints:
    """Make every shown node a joint; joints of skins that are not shown stand at the origin, as when posing."""
    lost = {int(joint) for skin in character.skins for joint in skin.joints} - set(character.node_order)
    nodes = (*character.node_order, *sorted(lost))
    place = {node: row for row, node in enumerate(nodes)}
    local = np.stack([np.eye(4) if node in lost else local_matrix(character.nodes[node]) for node in nodes])
    world, tokens = local.copy(), []
    taken: set[str] = set()
    for row, index in enumerate(nodes):
        node = character.nodes[index]
        above = place.get(node.parent) if index not in lost else None
        if above is not None:
            world[row] = world[above] @ local[row]
        tokens.append(unused((f"{tokens[above]}/" if above is not None else "") + identifier(node.name), taken))
    return Joints(nodes, tuple(tokens), local, world)


def define_character(stage: Any, root: str, character: Character, joints: Joints, materials: list[Any]) -> None:
    """Put skeleton, meshes and morphs under the prim `root`, moved by its `Animation`."""
    pxr, animation = load_usd(), f"{root}/Animation"
    skeletons: dict[bytes, str] = {}
    taken = {f"{root}/{name}" for name in ("Materials", "Animation")}
    for node in character.node_order:
        mesh_index = character.nodes[node].mesh
        if mesh_index is None:
            continue
        mesh = character.meshes[mesh_index]
        for primitive in mesh.primitives:
            binding = _bind(character, joints, node, primitive)
            bind = joints.world if binding.bind is None else binding.bind
            if bind.tobytes() not in skeletons:
                path = unused(f"{root}/Skeleton", taken)
                skeletons[bind.tobytes()] = _define_skeleton(stage, path, animation, joints, bind)
            path = unused(f"{root}/{identifier(mesh.name)}", taken)
            prim = _define_mesh(stage, path, primitive, binding)
            skel = pxr.UsdSkel.BindingAPI(prim)
            skel.CreateSkeletonRel().SetTargets([skeletons[bind.tobytes()]])
            _define_morphs(stage, skel, path, character, mesh, primitive, binding)
            pxr.UsdShade.MaterialBindingAPI.Apply(prim).Bind(materials[primitive.material])


def identifier(name: str) -> str:
    """The nearest name that USD allows: letters, digits and underscores, not beginning with a digit."""
    word = re.sub(r"[^A-Za-z0-9_]", "_", name) or "unnamed"
    return f"_{word}" if word[0].isdigit() else word


def unused(path: str, taken: set[str]) -> str:
    """Number a prim's path until it is not taken, and take it."""
    number, free = 1, path
    while free in taken:
        free = f"{path}_{number}"
        number += 1
    taken.add(free)
    return free


def _bind(character: Character, joints: Joints, node: int, primitive: Primitive) -> Binding:
    place = {index: row for row, index in enumerate(joints.nodes)}
    skin_index = character.nodes[node].skin
    if skin_index is None or primitive.skinning is None:
        return Binding(joints.world[place[node]], np.array([[place[node]]]), np.ones((1, 1)), None)
    skin = character.skins[skin_index]
    rows = np.array([place[int(joint)] for joint in skin.joints])
    placed = joints.world[rows] @ skin.joint_from_mesh
    used = np.unique(primitive.skinning.joints[primitive.skinning.weights > 0])
    indices = rows[primitive.skinning.joints]
    if np.abs(placed[used] - placed[used[0]]).max() <= SAME_BIND:
        return Binding(placed[used[0]], indices, primitive.skinning.weights, None)
    # Bound in a pose that is not the one at rest: only the file's own bind matrices put the vertices in place.
    bind = joints.world.copy()
    bind[rows] = np.linalg.pinv(skin.joint_from_mesh)
    return Binding(np.eye(4), indices, primitive.skinning.weights, bind)


def _define_skeleton(stage: Any, path: str, animation: str, joints: Joints, bind: np.ndarray) -> str:
    pxr = load_usd()
    skeleton = pxr.UsdSkel.Skeleton.Define(stage, path)
    skeleton.CreateJointsAttr(list(joints.tokens))
    skeleton.CreateBindTransformsAttr(_matrices(bind))
    skeleton.CreateRestTransformsAttr(_matrices(joints.local))
    pxr.UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().SetTargets([animation])
    return path


def _matrices(matrices: np.ndarray) -> Any:
    return load_usd().Vt.Matrix4dArray.FromNumpy(np.ascontiguousarray(matrices.transpose(0, 2, 1)))


def _define_mesh(stage: Any, path: str, primitive: Primitive, binding: Binding) -> Any:
    pxr = load_usd()
    vectors, mesh = pxr.Vt.Vec3fArray.FromNumpy, pxr.UsdGeom.Mesh.Define(stage, path)
    linear = binding.scene_from_mesh[:3, :3]
    points = (primitive.positions @ linear.T + binding.scene_from_mesh[:3, 3]).astype(np.float32)
    triangles = primitive.triangles[:, ::-1] if np.linalg.det(linear) < 0 else primitive.triangles
    mesh.CreatePointsAttr(vectors(points))
    mesh.CreateExtentAttr(vectors(np.stack([points.min(axis=0), points.max(axis=0)])))
    mesh.CreateFaceVertexCountsAttr(pxr.Vt.IntArray.FromNumpy(np.full(len(triangles), 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(pxr.Vt.IntArray.FromNumpy(triangles.reshape(-1).astype(np.int32)))
    mesh.CreateSubdivisionSchemeAttr("none")
    mesh.CreateDoubleSidedAttr(True)
    mesh.CreateNormalsAttr(vectors(_turned(primitive.normals, linear)))
    mesh.SetNormalsInterpolation("vertex")
    primvars = pxr.UsdGeom.PrimvarsAPI(mesh)
    if primitive.uv is not None:
        # USD counts from the lower left corner of the image.
        st = np.ascontiguousarray(primitive.uv * [1, -1] + [0, 1], dtype=np.float32)
        kind = pxr.Sdf.ValueTypeNames.TexCoord2fArray
        primvars.CreatePrimvar("st", kind, "vertex").Set(pxr.Vt.Vec2fArray.FromNumpy(st))
    skel = pxr.UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    rigid, width = len(binding.joints) == 1 and len(points) != 1, binding.joints.shape[1]
    skel.CreateGeomBindTransformAttr(pxr.Gf.Matrix4d(1))
    joints, weights = binding.joints.reshape(-1).astype(np.int32), binding.weights.reshape(-1).astype(np.float32)
    skel.CreateJointIndicesPrimvar(rigid, width).Set(pxr.Vt.IntArray.FromNumpy(joints))
    skel.CreateJointWeightsPrimvar(rigid, width).Set(pxr.Vt.FloatArray.FromNumpy(weights))
    return mesh.GetPrim()


def _turned(normals: np.ndarray, linear: np.ndarray) -> np.ndarray:
    turned = normals @ np.linalg.pinv(linear)
    return (turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _define_morphs(
    stage: Any, skel: Any, path: str, character: Character, mesh: Mesh, primitive: Primitive, binding: Binding
) -> None:
    pxr = load_usd()
    linear = binding.scene_from_mesh[:3, :3]
    offsets: dict[int, np.ndarray] = {}
    for morph, rig_index in zip(primitive.morphs, mesh.rig_index.tolist(), strict=False):
        # A name that a mesh has twice is one control, so both move together.
        if morph.any():
            offsets[rig_index] = offsets.get(rig_index, 0) + morph
    if not offsets:
        return
    places = weld(primitive.positions)
    rest = smooth_normals(primitive.positions, primitive.triangles, places)
    targets, taken = [], set()
    for rig_index, offset in offsets.items():
        turned = smooth_normals(primitive.positions + offset, primitive.triangles, places) - rest
        turned[np.abs(turned).max(axis=1) < NORMAL_STEP] = 0
        rows = np.flatnonzero(offset.any(axis=1) | turned.any(axis=1))
        target = unused(f"{path}/{identifier(character.rig.morph_names[rig_index])}", taken)
        shape = pxr.UsdSkel.BlendShape.Define(stage, target)
        shape.CreatePointIndicesAttr(pxr.Vt.IntArray.FromNumpy(rows.astype(np.int32)))
        moved = np.ascontiguousarray(offset[rows] @ linear.T, dtype=np.float32)
        shape.CreateOffsetsAttr(pxr.Vt.Vec3fArray.FromNumpy(moved))
        # As `_turned` does, but without making unit length of a difference: only the size of the mesh is taken out.
        size = np.cbrt(abs(np.linalg.det(linear)))
        normal = np.ascontiguousarray(turned[rows] @ np.linalg.pinv(linear) * size, dtype=np.float32)
        shape.CreateNormalOffsetsAttr(pxr.Vt.Vec3fArray.FromNumpy(normal))
        targets.append(target)
    skel.CreateBlendShapesAttr([character.rig.morph_names[rig_index] for rig_index in offsets])
    skel.CreateBlendShapeTargetsRel().SetTargets(targets)
