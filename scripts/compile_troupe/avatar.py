"""A VALID avatar's file to its pieces in the scene: surface, texture coordinates, weights of five bones."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from PIL import Image

from commedia.characters.character import Character
from commedia.characters.open import open_still
from commedia.characters.posing import Piece, Poser, local_matrix

BONES = ("Spine2", "Neck", "Head", "LeftEye", "RightEye")
"""Kept, as the avatars call them; what hangs on another bone goes with the nearest of these above it."""
ARMS_DEG = {"LeftArm": -35.0, "RightArm": 35.0}
"""Avatars stand with arms stretched out; a bust has them down."""
TONGUE_SHAPE, TONGUE_LEAST = "OutMiddle", 0.2
"""The avatars' own shape that puts the tongue out; what it moves by this share of its most is tongue, not gum."""
ABOVE_HEAD_BONE_M = 0.03
PARTS = {
    "H_DDS": "skin", "h_L_eye": "left_eye", "h_R_eye": "right_eye", "h_L_gland": "left_eye_corner",
    "h_R_gland": "right_eye_corner", "h_TeethUp": "upper_teeth", "h_TeethDown": "lower_teeth", "h_wig": "hair",
}  # fmt: skip
"""Meshes by how their names begin; others, such as transparent shells over the eyes, are left out."""


@dataclass(frozen=True)
class Part:
    """One piece of a character, at rest in the scene: metres, +y up, looking along +z."""

    name: str
    positions: Float[np.ndarray, "n 3"]
    uv: Float[np.ndarray, "n 2"]
    weights: Float[np.ndarray, "n 5"]
    """Of each of `BONES`; rows sum to one."""
    triangles: Int[np.ndarray, "t 3"]

    def with_triangles(self, triangles: Int[np.ndarray, "u 3"]) -> "Part":
        """The same with other triangles, and only the vertices that they use."""
        used, own = np.unique(triangles, return_inverse=True)
        return Part(self.name, self.positions[used], self.uv[used], self.weights[used], own.reshape(-1, 3))


@dataclass(frozen=True)
class Avatar:
    """What is taken from a file."""

    parts: dict[str, Part]
    bones: Float[np.ndarray, "5 3"]
    """Where `BONES` are."""
    shoulder_m: float
    """How far the arms' joints are from the middle."""
    skin_image: Image.Image
    hair_image: Image.Image | None


def read_avatar(path: Path) -> Avatar:
    """Read a file, lower its arms, and tell the tongue from the gum that it has grown into."""
    character = open_still(path)
    world = _world(character)
    node = {one.name: index for index, one in enumerate(character.nodes)}
    places = {name: world[node[name]][:3, 3] for name in (*BONES, *ARMS_DEG)}
    parts = {part.name: part for part in _parts(character, world)}
    images = {image: _image(character, image) for image in {"skin", "hair"} & parts.keys()}
    bones = np.stack([places[name] for name in BONES])
    if "hair" in parts:
        parts["hair"] = _hanging(parts["hair"], bones)
    return Avatar(parts, bones, float(places["LeftArm"][0]), images["skin"], images.get("hair"))


def _hanging(hair: Part, bones: Float[np.ndarray, "5 3"]) -> Part:
    """Hair that turns with the head above, and lies still on the shoulders; the avatars' turns all with the head."""
    chest, head = BONES.index("Spine2"), BONES.index("Head")
    low, high = bones[BONES.index("Neck"), 1], bones[head, 1] + ABOVE_HEAD_BONE_M
    share = np.clip((hair.positions[:, 1] - low) / (high - low), 0, 1)
    weights = np.zeros_like(hair.weights)
    weights[:, head], weights[:, chest] = share, 1 - share
    return replace(hair, weights=weights)


def _world(character: Character) -> dict[int, Float[np.ndarray, "4 4"]]:
    """Every node's place with the arms down."""
    world: dict[int, np.ndarray] = {}
    for index in character.node_order:
        node = character.nodes[index]
        placed = local_matrix(node)
        world[index] = world[node.parent] @ placed if node.parent >= 0 else placed
        if node.name in ARMS_DEG:
            world[index] = _turned(world[index], ARMS_DEG[node.name])
    return world


def _turned(placed: Float[np.ndarray, "4 4"], angle_deg: float) -> Float[np.ndarray, "4 4"]:
    """Turn about the scene's z through where the node is."""
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    turned = placed.copy()
    turned[:3, :3] = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ placed[:3, :3]
    return turned


def _parts(character: Character, world: dict[int, np.ndarray]) -> Iterator[Part]:
    for piece in Poser(character).pieces:
        mesh = character.meshes[piece.mesh]
        name = next((part for start, part in PARTS.items() if mesh.name.startswith(start)), None)
        if name is None:
            continue
        part = _placed(character, piece, name, world)
        if name == "lower_teeth":
            shape = next(row for row, own in enumerate(mesh.target_names) if TONGUE_SHAPE in own)
            moved = np.linalg.norm(mesh.primitives[piece.primitive].morphs[shape], axis=1)
            tongue = ((moved > TONGUE_LEAST * moved.max()) & ~_below_tip(part.positions, moved))[part.triangles]
            yield replace(part.with_triangles(part.triangles[tongue.all(axis=1)]), name="tongue")
            # Without what lies between, or they would hang together again.
            part = part.with_triangles(part.triangles[~tongue.any(axis=1)])
        yield part


def _below_tip(positions: Float[np.ndarray, "n 3"], moved: Float[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """The band that holds the tongue down in the middle: it would hang from the tongue that comes out."""
    tongue = positions[moved > TONGUE_LEAST * moved.max()]
    low, high = tongue.min(axis=0), tongue.max(axis=0)
    middle = np.abs(positions[:, 0] - (low[0] + high[0]) / 2) < 0.1 * (high[0] - low[0])
    return middle & (positions[:, 1] < low[1] + 0.15 * (high[1] - low[1]))


def _placed(character: Character, piece: Piece, name: str, world: dict[int, np.ndarray]) -> Part:
    primitive = character.meshes[piece.mesh].primitives[piece.primitive]
    skin, skinning = character.skins[character.nodes[piece.node].skin], primitive.skinning
    matrices = np.stack([world[int(joint)] for joint in skin.joints]) @ skin.joint_from_mesh
    moved = np.einsum("vjab,vb->vja", matrices[skinning.joints][:, :, :3, :3], primitive.positions)
    moved += matrices[skinning.joints][:, :, :3, 3]
    positions = np.einsum("vj,vja->va", skinning.weights, moved)
    kept = _kept_bones(character)[skin.joints[skinning.joints]]
    weights = np.stack([(skinning.weights * (kept == bone)).sum(axis=1) for bone in range(len(BONES))], axis=1)
    return Part(name, positions, primitive.uv.astype(np.float64), weights, primitive.triangles.astype(np.int64))


def _kept_bones(character: Character) -> Int[np.ndarray, "m"]:
    """For each node the nearest of `BONES` from it up; the first where there is none."""
    kept = np.zeros(len(character.nodes), dtype=np.int64)
    for index in character.node_order:
        node = character.nodes[index]
        kept[index] = BONES.index(node.name) if node.name in BONES else kept[node.parent] if node.parent >= 0 else 0
    return kept


def _image(character: Character, part: str) -> Image.Image:
    """The colours of a part at full size, which a `Character` has shrunk."""
    tree = character.document.json
    start = next(begin for begin, name in PARTS.items() if name == part)
    mesh = next(one for one in tree["meshes"] if one["name"].startswith(start))
    material = tree["materials"][mesh["primitives"][0]["material"]]
    texture = tree["textures"][material["pbrMetallicRoughness"]["baseColorTexture"]["index"]]
    source = texture.get("source", texture.get("extensions", {}).get("EXT_texture_webp", {}).get("source"))
    view = tree["bufferViews"][tree["images"][source]["bufferView"]]
    start = view.get("byteOffset", 0)
    data = bytes(character.document.buffers[view["buffer"]][start : start + view["byteLength"]])
    return Image.open(io.BytesIO(data)).convert("RGB")


def on_surface(part: Part, uv: Float[np.ndarray, "m 2"]) -> Float[np.ndarray, "m 3"]:
    """Where points of the texture are on a part; the nearest triangle's middle where none covers the point."""
    corners = part.uv[part.triangles]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    area[np.abs(area) < 1e-12] = 1e-12
    found = np.zeros((len(uv), 3))
    for row, point in enumerate(uv):
        offset = point - corners[:, 0]
        b = (offset[:, 0] * second[:, 1] - offset[:, 1] * second[:, 0]) / area
        c = (first[:, 0] * offset[:, 1] - first[:, 1] * offset[:, 0]) / area
        outside = -np.minimum(np.minimum(b, c), 1 - b - c)
        best = int(outside.argmin())
        share = np.clip([1 - b[best] - c[best], b[best], c[best]], 0, None)
        found[row] = share / share.sum() @ part.positions[part.triangles[best]]
    return found


def used_texels(parts: list[Part], side_px: int) -> Bool[np.ndarray, "s s"]:
    """Which texels of a square image some triangle covers."""
    mask = np.zeros((side_px, side_px), np.uint8)
    for part in parts:
        corners = np.round(part.uv[part.triangles] * side_px - 0.5).astype(np.int32)
        for triangle in corners:
            cv2.fillConvexPoly(mask, triangle, 1)
    return mask > 0
