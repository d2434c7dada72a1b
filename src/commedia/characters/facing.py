"""Which way a character looks, and whether the names of its sides are the subject's or the viewer's.

glTF says +z and most files obey; VRM 0 looks along -z, and some exports are a quarter turn off. The names of left and
right morphs tell it too, where they mean the subject's sides and nothing is mirrored. What is seen says more: the face
lies on the front of the head, its skin looks forward, eyes lie before the head's bone, tongue and lips go forward.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from commedia.characters.character import Character
from commedia.characters.names import plain
from commedia.characters.posing import Piece, Poser
from commedia.geometry.meshes import smooth_normals, weld
from commedia.geometry.rotations import wxyz_from_axis_angle

SIDED = ("eyeblink", "browdown", "mouthsmile", "mouthfrown")
"""Blendshapes that move one half of the face only, in plain form without their side."""
FORWARD = ("tongueout", "jawforward", "mouthpucker", "mouthfunnel")
"""Blendshapes that come towards whoever is looked at."""
CLEAR = 0.25
"""Share of a look that must be horizontal to say anything: a face on average looks ahead by .5 and more."""
WAYS = ("+z", "+x", "-z", "-x")
"""What a character looks along after so many quarter turns about +y."""


@dataclass(frozen=True)
class Facing:
    """How a character stands in its file."""

    character_from_head: Float[np.ndarray, "4"]
    """The quarter turn about +y (wxyz) that takes the head frame to the character's."""
    sides_exchanged: bool = False
    """Whether morphs that are called left lie on the subject's right."""
    notes: tuple[str, ...] = ()


def standing(character: Character) -> Character:
    """A character that was just read, with its rig knowing where it looks and which side is which."""
    found, bones = facing_of(character), character.rig.bones
    if found.sides_exchanged:
        bones = replace(bones, left_eye=bones.right_eye, right_eye=bones.left_eye)
    rig = replace(
        character.rig,
        bones=bones,
        character_from_head=found.character_from_head,
        sides_exchanged=found.sides_exchanged,
    )
    return replace(character, rig=rig, notes=(*character.notes, *found.notes))


def looking(character: Character, way: str) -> Character:
    """The character as somebody says that it looks, of `WAYS`, its sides as they are called; as it is for no way."""
    if not way:
        return character
    rig, bones = character.rig, character.rig.bones
    if rig.sides_exchanged:
        bones = replace(bones, left_eye=bones.right_eye, right_eye=bones.left_eye)
    turn = _turn(WAYS.index(way))
    notes = tuple(note for note in character.notes if " looks along " not in note and " look along " not in note)
    rig = replace(rig, bones=bones, character_from_head=turn, sides_exchanged=False)
    return replace(character, rig=rig, notes=notes)


def facing_of(character: Character) -> Facing:
    """Find out how a character stands, by all that can be seen of it."""
    names = {plain(name) for name in character.rig.morph_names}
    poser = Poser(character)
    # FaceWarehouse's published lists disagree on whose left they mean.
    warehouse = "eyecloseleft" in names and "eyeblinkleft" not in names
    named = None if warehouse else _quarter_of_sides(character, poser)
    looks = list(_looks(character, poser))
    seen = _quarter(np.sum(looks, axis=0)) if looks else None
    agreed = len(looks) > 1 and all(_quarter(look) == seen for look in looks)
    if warehouse or named is None:
        is_vrm_0 = "VRM" in (character.document.json.get("extensions") or {})
        usual = 2 if is_vrm_0 and not warehouse else 0
        return Facing(_turn(seen if agreed and seen is not None and not warehouse else usual))
    if seen is None or seen == named:
        return Facing(_turn(named))
    if agreed and (seen - named) % 4 == 2:
        said = f"the face looks along {WAYS[seen]}, so what is called left lies on its right; the sides are exchanged"
        return Facing(_turn(seen), True, (said,))
    said = f"taken to look along {WAYS[named]}, as the names of its sides say, though it seems to along {WAYS[seen]}"
    return Facing(_turn(named), notes=(said,))


def _turn(quarter: int) -> Float[np.ndarray, "4"]:
    return wxyz_from_axis_angle(np.array([0.0, quarter % 4 * np.pi / 2, 0.0]))


def _quarter(look: np.ndarray) -> int:
    """Quarter turns about +y from +z to the nearest horizontal axis."""
    return round(float(np.arctan2(look[0], look[2])) / (np.pi / 2)) % 4


def _quarter_of_sides(character: Character, poser: Poser) -> int | None:
    left, right = _center(character, poser, ("left", "l")), _center(character, poser, ("right", "r"))
    if left is None or right is None:
        return None
    x, _, z = left - right
    # +x turned by an angle about +y is (cos, 0, -sin).
    return round(float(np.arctan2(-z, x)) / (np.pi / 2)) % 4 if x * x + z * z > 0 else 0


def _center(character: Character, poser: Poser, sides: tuple[str, ...]) -> np.ndarray | None:
    """Mean place, at rest and in the scene, of what the morphs of one side move."""
    wanted = {blendshape + side for blendshape in SIDED for side in sides}
    moved, total = np.zeros(3), 0.0
    for piece, posed in poser.at_rest():
        mesh = character.meshes[piece.mesh]
        primitive = mesh.primitives[piece.primitive]
        for row, name in enumerate(mesh.target_names):
            if any(plain(name).endswith(suffix) for suffix in wanted):
                weight = np.abs(primitive.morphs[row]).sum(axis=1)
                moved += weight @ posed
                total += float(weight.sum())
    return moved / total if total > 0 else None


def _looks(character: Character, poser: Poser) -> Iterator[np.ndarray]:
    """Horizontal directions in the scene that are forward, by different evidence, each only where it is clear."""
    skin, place = _skin_and_place(character, poser)
    for look in (skin, place, _eyes(character, poser), _forward_morphs(character, poser)):
        flat = look * [1, 0, 1]
        if np.linalg.norm(flat) > CLEAR:
            yield flat / np.linalg.norm(flat)


def _skin_and_place(character: Character, poser: Poser) -> tuple[np.ndarray, np.ndarray]:
    """Where what the morphs move looks on average, and how far it lies from the middle of its mesh at that height, in
    halves of the mesh."""
    skin, place, total = np.zeros(3), np.zeros(3), 1e-12
    for piece, posed in poser.at_rest():
        moved = _moved(character, piece)
        if not moved.any():
            continue
        primitive = character.meshes[piece.mesh].primitives[piece.primitive]
        normals = smooth_normals(posed, primitive.triangles, weld(primitive.positions))
        skin += moved @ normals * _outward(posed, primitive.triangles)
        heights = posed[moved > 0.05 * moved.max(), 1]
        level = posed[(posed[:, 1] >= heights.min()) & (posed[:, 1] <= heights.max())]
        low, high = level.min(axis=0), level.max(axis=0)
        place += (
            (moved @ posed - moved.sum() * (low + high) / 2) * [1, 0, 1] / max(float((high - low).max()) / 2, 1e-12)
        )
        total += float(moved.sum())
    return skin / total, place / total


def _moved(character: Character, piece: Piece) -> np.ndarray:
    """How much each vertex of a piece is moved by its morphs, each morph counting alike."""
    primitive = character.meshes[piece.mesh].primitives[piece.primitive]
    moved = np.zeros(len(primitive.positions))
    for morph in primitive.morphs:
        size = np.abs(morph).sum(axis=1)
        moved += size / max(float(size.sum()), 1e-12)
    return moved


def _outward(posed: np.ndarray, triangles: np.ndarray) -> float:
    """-1 where a mirrored root has turned the triangles inside out, which their volume shows."""
    corners = posed[triangles].astype(np.float64) - posed.mean(axis=0)
    volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    return -1.0 if volume < 0 else 1.0


def _eyes(character: Character, poser: Poser) -> np.ndarray:
    """From the head's bone to the eyes'."""
    bones = character.rig.bones
    if bones.head is None or bones.left_eye is None or bones.right_eye is None:
        return np.zeros(3)
    head, left, right = (poser.place_at_rest(node) for node in (bones.head, bones.left_eye, bones.right_eye))
    between = (left + right) / 2 - head
    across = left - right
    # An eye is beside the other: what lies along that line says nothing.
    ahead = between - (between @ across) / max(float(across @ across), 1e-12) * across
    return ahead / max(float(np.linalg.norm(ahead)), 1e-12)


def _forward_morphs(character: Character, poser: Poser) -> np.ndarray:
    """Where tongue, jaw and lips go when they go forward."""
    total = np.zeros(3)
    for piece in poser.pieces:
        mesh = character.meshes[piece.mesh]
        primitive = mesh.primitives[piece.primitive]
        rows = [row for row, name in enumerate(mesh.target_names) if plain(name).endswith(FORWARD)]
        if rows and len(primitive.positions):
            linear = poser.scene_from_mesh(piece)[:, :, :3]
            for row in rows:
                moved = (linear @ primitive.morphs[row][:, :, None])[:, :, 0].sum(axis=0)
                total += moved / max(float(np.linalg.norm(moved)), 1e-12)
    return total / max(float(np.linalg.norm(total)), 1e-12)
