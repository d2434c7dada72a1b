"""Put a character into a pose: morph targets, then bones, in numpy. What the preview draws.

`Poser` keeps what never changes between frames and moves only the vertices that a pose moves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int32

from commedia.characters import posing_loops
from commedia.characters.bones import local_rotations, rest_rotations, turned_nodes
from commedia.characters.character import Character, Material, Node, Primitive, Skinning
from commedia.geometry.compiled import compiled
from commedia.geometry.meshes import smooth_normals, weld
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.structures import RigPose

INVISIBLE = 1e-4
"""Weights below this move no vertex by as much as a hundredth of a millimetre, and cost nothing."""


@dataclass(frozen=True)
class PosedPrimitive:
    """One piece of a character as it looks now, in the scene's frame (metres, +y up) or as that was turned."""

    positions: Float32[np.ndarray, "v 3"]
    normals: Float32[np.ndarray, "v 3"]
    triangles: Int32[np.ndarray, "t 3"]
    uv: Float32[np.ndarray, "v 2"] | None
    colours: Float32[np.ndarray, "v 4"] | None
    """Linear vertex colours."""
    material: Material
    name: str
    """The mesh it is part of."""


@dataclass(frozen=True)
class Piece:
    """Where a primitive stands in the scene."""

    node: int
    mesh: int
    primitive: int
    skin: int | None
    """Whose joints move it; None for one that moves with its node."""


def pose_character(character: Character, pose: RigPose) -> list[PosedPrimitive]:
    """Pose once; use `Poser` for many frames."""
    return Poser(character).pose(pose)


class Poser:
    """Poses one character again and again."""

    def __init__(self, character: Character, turn: Float[np.ndarray, "3 3"] | None = None):
        """`turn` takes positions and normals from the scene's frame to that of who looks at them."""
        self.character = character
        self._turn = None if turn is None else _four_by_four(turn)
        self.pieces = [
            Piece(node, mesh, number, None if primitive.skinning is None else character.nodes[node].skin)
            for node in character.node_order
            if (mesh := character.nodes[node].mesh) is not None
            for number, primitive in enumerate(character.meshes[mesh].primitives)
        ]
        self._rest_world, self._rest_rotations = _world(character, {}, {}), rest_rotations(character)
        self._rest: dict[Piece, PosedPrimitive] = {}
        self._rest_key: dict[Piece, tuple] = {}
        self._places: dict[Piece, tuple[np.ndarray, int]] = {}
        self._moves: dict[Piece, tuple[slice, np.ndarray]] = {}
        self._skinnings: dict[Piece, Skinning] = {}

    def pose(self, pose: RigPose) -> list[PosedPrimitive]:
        """Evaluate morphs and skins; pieces that do not move are returned as they were."""
        return self._all_posed(pose.weights, self._world_of(pose))

    def head_motion(self, pose: RigPose) -> Float[np.ndarray, "4 4"]:
        """Where a pose takes what is fixed to the head, from where it is at rest, in the scene's frame."""
        bones = self.character.rig.bones
        node = turned_nodes(self.character)[0] if bones.head is None else bones.head
        return self._world_of(pose)[node] @ np.linalg.inv(self._rest_world[node])

    def _world_of(self, pose: RigPose) -> dict[int, np.ndarray]:
        turns = pose.head_wxyz[None], pose.left_eye_wxyz[None], pose.right_eye_wxyz[None]
        rotations = local_rotations(self.character, *turns, self._rest_rotations)
        return _world(self.character, {node: wxyz[0] for node, wxyz in rotations.items()}, self._rest_world)

    def at_rest(self) -> list[tuple[Piece, np.ndarray]]:
        """Each piece's positions (v, 3) when nothing is animated."""
        posed = self._all_posed(self.character.rig.rest_weights, self._rest_world)
        return [(piece, primitive.positions) for piece, primitive in zip(self.pieces, posed, strict=True)]

    def place_at_rest(self, node: int) -> Float[np.ndarray, "3"]:
        """Where a node is when nothing is animated."""
        return self._rest_world[node][:3, 3]

    def scene_from_mesh(self, piece: Piece) -> Float32[np.ndarray, "n 3 4"]:
        """Where a piece is taken at rest: a linear map and a shift, per vertex under a skin, else one for all."""
        return self._blended(piece, _moving_part(self.character, piece, self._rest_world))

    def _all_posed(self, weights: np.ndarray, world: dict[int, np.ndarray]) -> list[PosedPrimitive]:
        parts: dict[tuple, np.ndarray] = {}
        own: dict[int, np.ndarray] = {}
        for piece in self.pieces:
            if (hangs_on := (piece.node, piece.skin)) not in parts:
                part = _moving_part(self.character, piece, world)
                parts[hangs_on] = part if self._turn is None else self._turn @ part
            if piece.mesh not in own:
                of_mesh = weights[self.character.meshes[piece.mesh].rig_index].astype(np.float32)
                own[piece.mesh] = np.where(np.abs(of_mesh) > INVISIBLE, of_mesh, np.float32(0))
        return [self._posed(piece, own[piece.mesh], parts[piece.node, piece.skin]) for piece in self.pieces]

    def _posed(self, piece: Piece, own: np.ndarray, matrices: np.ndarray) -> PosedPrimitive:
        mesh = self.character.meshes[piece.mesh]
        primitive = mesh.primitives[piece.primitive]
        moving = bool(len(primitive.morphs)) and bool(own.any())
        key = (own.tobytes() if moving else b"", matrices.tobytes())
        if self._rest_key.get(piece) == key:
            return self._rest[piece]
        positions, normals = primitive.positions, primitive.normals
        if moving and (found := self._moved_by_morphs(piece, primitive))[1].size:
            moved, moves = found
            positions = positions.copy()
            positions[moved] += (own @ moves).reshape(-1, 3)
            normals = self._morphed_normals(piece, primitive, positions)
        posed = self._placed(piece, mesh.name, primitive, positions, normals, matrices)
        self._rest[piece], self._rest_key[piece] = posed, key
        return posed

    def _moved_by_morphs(self, piece: Piece, primitive: Primitive) -> tuple[slice, np.ndarray]:
        """From the first to the last vertex that any morph moves, and by how much each does: (k, 3 n)."""
        if piece not in self._moves:
            moved = np.flatnonzero(primitive.morphs.any(axis=(0, 2)))
            part = slice(int(moved.min(initial=0)), int(moved.max(initial=-1)) + 1)
            moves = np.ascontiguousarray(primitive.morphs[:, part]).reshape(len(primitive.morphs), -1)
            self._moves[piece] = part, moves
        return self._moves[piece]

    def _morphed_normals(self, piece: Piece, primitive: Primitive, positions: np.ndarray) -> np.ndarray:
        if piece not in self._places:
            self._places[piece] = weld(primitive.positions)
        return smooth_normals(positions, primitive.triangles, self._places[piece])

    def _placed(self, piece: Piece, name: str, primitive: Primitive, positions, normals, matrices) -> PosedPrimitive:
        placed, turned = self._taken(piece, positions, normals, matrices)
        material = self.character.materials[primitive.material]
        return PosedPrimitive(placed, turned, primitive.triangles, primitive.uv, primitive.colours, material, name)

    def _taken(self, piece: Piece, positions, normals, matrices) -> tuple[np.ndarray, np.ndarray]:
        """Positions and unit normals where the skin's joints, or the node, take them."""
        if (loop := _compiled_skin()) is not None:
            placed, turned = (np.zeros(positions.shape, dtype=np.float32) for _ in range(2))
            skinning = self._skinning(piece)
            loop(
                *map(np.ascontiguousarray, (positions, normals, skinning.joints, skinning.weights, matrices)),
                placed,
                turned,
            )
            return placed, turned
        blended = self._blended(piece, matrices)
        placed = (blended[:, :, :3] @ positions[:, :, None])[:, :, 0] + blended[:, :, 3]
        turned = (blended[:, :, :3] @ normals[:, :, None])[:, :, 0]
        return placed, turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)

    def _skinning(self, piece: Piece) -> Skinning:
        """How joints move a piece; one that moves with its node hangs on that alone."""
        if piece not in self._skinnings:
            primitive = self.character.meshes[piece.mesh].primitives[piece.primitive]
            count = len(primitive.positions)
            alone = Skinning(np.zeros((count, 1), np.int32), np.ones((count, 1), np.float32))
            self._skinnings[piece] = alone if piece.skin is None or primitive.skinning is None else primitive.skinning
        return self._skinnings[piece]

    def _blended(self, piece: Piece, matrices: np.ndarray) -> np.ndarray:
        """(v, 3, 4), or (1, 3, 4) for a piece that moves as a whole."""
        if piece.skin is None:
            return matrices[:, :3]
        skinning = self._skinning(piece)
        blended = np.zeros((len(skinning.joints), 3, 4), dtype=np.float32)
        for column in range(skinning.joints.shape[1]):
            weight = skinning.weights[:, column]
            if weight.any():
                blended += weight[:, None, None] * matrices[skinning.joints[:, column], :3]
        return blended


@lru_cache(maxsize=1)
def _compiled_skin() -> Callable[..., Any] | None:
    vertices, joints = "float32[:, ::1]", "int32[:, ::1]"
    moved = f"{vertices}, {vertices}, {joints}, {vertices}, float32[:, :, ::1], {vertices}, {vertices}"
    return compiled(posing_loops.skin_vertices, f"void({moved})")


def _moving_part(character: Character, piece: Piece, world: dict[int, np.ndarray]) -> Float32[np.ndarray, "j 4 4"]:
    """The matrices a piece hangs on: one per joint of its skin, or its node's own."""
    if piece.skin is None:
        return world[piece.node][None].astype(np.float32)
    skin = character.skins[piece.skin]
    lost = np.eye(4)
    placed = np.stack([world.get(int(joint), lost) for joint in skin.joints])
    return (placed @ skin.joint_from_mesh).astype(np.float32)


def _four_by_four(turn: Float[np.ndarray, "3 3"]) -> Float32[np.ndarray, "4 4"]:
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = turn
    return matrix


def _world(
    character: Character, rotations: dict[int, np.ndarray], rest: dict[int, np.ndarray]
) -> dict[int, np.ndarray]:
    """Where every node is; `rest` is where each is without `rotations`, and what they do not move is taken from it."""
    world: dict[int, np.ndarray] = {}
    for index in character.node_order:
        node = character.nodes[index]
        still = node.parent < 0 or world[node.parent] is rest.get(node.parent)
        if still and index in rest and index not in rotations:
            world[index] = rest[index]
            continue
        local = local_matrix(node, rotations.get(index))
        world[index] = world[node.parent] @ local if node.parent >= 0 else local
    return world


def local_matrix(node: Node, wxyz: np.ndarray | None = None) -> Float[np.ndarray, "4 4"]:
    """Place a node in its parent, turned as said or as at rest."""
    matrix = np.eye(4)
    matrix[:3, :3] = matrix_from_wxyz(node.wxyz if wxyz is None else wxyz) * node.scale
    matrix[:3, 3] = node.translation
    return matrix
