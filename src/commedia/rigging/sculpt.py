"""A character as one mesh in the scene: seams closed, every vertex with its way back to the file, and its own shapes.

Refuses what there is nothing to make of: no triangles, no extent.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from commedia.characters.character import Character
from commedia.characters.posing import Poser
from commedia.errors import BadCharacter
from commedia.geometry.meshes import weld

MOST_VERTICES = 1_000_000
"""More take more memory than a character is worth: 52 shapes of a million vertices are a gigabyte."""
FLAT = 1e-10
"""Of the longest side squared: triangles of less area are dropped."""


@dataclass(frozen=True)
class Patch:
    """One primitive of the file, as part of the whole."""

    mesh: int
    primitive: int
    places: Int[np.ndarray, "n"]
    """For each of its vertices the vertex of the whole."""
    mesh_from_scene: Float[np.ndarray, "m 3 3"]
    """Takes displacements back, per vertex; one for all (m is 1) without a skin."""


@dataclass(frozen=True)
class Sculpt:
    """All that is shown, at rest, in the scene's frame and unit of length."""

    character: Character
    vertices: Float[np.ndarray, "w 3"]
    triangles: Int[np.ndarray, "u 3"]
    patches: tuple[Patch, ...]

    def numbered(self, vertex: int) -> Float[np.ndarray, "3"] | None:
        """The place of a vertex by its number in the file, or None; primitives count on from one another."""
        places = np.concatenate([patch.places for patch in self.patches])
        return self.vertices[places[vertex]] if 0 <= vertex < len(places) else None


def assembled(character: Character) -> Sculpt:
    """Put a character's pieces together, at rest."""
    poser = Poser(character)
    rest = poser.at_rest()
    if not sum(len(character.meshes[piece.mesh].primitives[piece.primitive].triangles) for piece, _ in rest):
        raise BadCharacter(f"{character.name} has no triangles, so there is no face to make shapes of")
    total = sum(len(positions) for _, positions in rest)
    if total > MOST_VERTICES:
        raise BadCharacter(f"{character.name} has {total:,} vertices; shapes are made of at most {MOST_VERTICES:,}")
    vertices, patches, triangles = [], [], []
    start = 0
    for piece, positions in rest:
        triangles.append(character.meshes[piece.mesh].primitives[piece.primitive].triangles.astype(np.int64) + start)
        linear = poser.scene_from_mesh(piece)[:, :, :3].astype(np.float64)
        patches.append((piece, np.arange(start, start + len(positions)), _inverse(linear)))
        vertices.append(positions)
        start += len(positions)
    place, number = weld(np.concatenate(vertices))
    welded = np.zeros((number, 3))
    welded[place] = np.concatenate(vertices)
    return Sculpt(
        character,
        welded,
        _solid(welded, place[np.concatenate(triangles)].astype(np.int64), character.name),
        tuple(Patch(p.mesh, p.primitive, place[rows].astype(np.int64), back) for p, rows, back in patches),
    )


def morph_displacements(sculpt: Sculpt, vertices: Int[np.ndarray, "n"]) -> Float32[np.ndarray, "m n 3"]:
    """Return what each morph of the rig moves, for some vertices of the whole, in the scene's frame and unit."""
    character, poser = sculpt.character, Poser(sculpt.character)
    place = np.full(len(sculpt.vertices), -1)
    place[vertices] = np.arange(len(vertices))
    moved = np.zeros((len(character.rig.morph_names), len(vertices), 3), dtype=np.float32)
    for piece, patch in zip(poser.pieces, sculpt.patches, strict=True):
        mesh = character.meshes[piece.mesh]
        rows = np.flatnonzero(place[patch.places] >= 0)
        linear = poser.scene_from_mesh(piece)[:, :, :3]
        linear = linear if len(linear) == 1 else linear[rows]
        for morph, own in zip(mesh.rig_index, mesh.primitives[piece.primitive].morphs, strict=True):
            moved[morph][place[patch.places[rows]]] = np.einsum("...nij,nj->ni", linear, own[rows])
    return moved


def _inverse(linear: Float[np.ndarray, "m 3 3"]) -> Float[np.ndarray, "m 3 3"]:
    """The way back; where a bone flattens its vertices there is none, and they stay."""
    size = np.abs(linear).max(axis=(1, 2), keepdims=True)
    sound = np.abs(np.linalg.det(linear / np.maximum(size, 1e-300))) > 1e-9
    return np.where(sound[:, None, None], np.linalg.inv(np.where(sound[:, None, None], linear, np.eye(3))), 0)


def _solid(vertices: np.ndarray, triangles: np.ndarray, name: str) -> Int[np.ndarray, "u 3"]:
    """Drop triangles without an area."""
    corners = vertices[triangles]
    sides = corners - np.roll(corners, 1, axis=1)
    area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    solid = triangles[area > FLAT * np.square(sides).sum(axis=2).max(axis=1)]
    if not len(solid):
        raise BadCharacter(f"{name} has {len(triangles):,} triangles and none has an area, so there is no surface")
    return solid
