"""Whole people as characters: what `avatars.py` reads of a head, from head to foot, with bones, skin and clothes.

A body is a glTF character with a face frame and the bones of `skeleton.py`; it stands in its head frame, arms held out.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from commedia.characters.character import Character
from commedia.characters.face_frame import FaceFrame
from commedia.characters.posing import Poser
from commedia.geometry.meshes import smooth_normals
from commedia.render.colour_numpy import sample_texture
from commedia.synthetic.avatars import FOREHEAD, Avatar, read_with_face, whole_avatar
from commedia.synthetic.body_poses import FaceMarks
from commedia.synthetic.skeleton import Moved, Skeleton, skeleton_of

GARMENTS = ("none", "upper", "lower", "hair")
"""What may cover a point; where something does, the texture's alpha says whether it is cloth, or hair."""
_BARE = ("Head", "Neck", "Hand", "Finger", "Eye")
_LOWER = ("Hips", "UpLeg", "Leg", "Foot", "Toe")


@dataclass(frozen=True)
class Body:
    """A whole person, ready to be posed and drawn."""

    looks: Avatar
    """At rest; alpha of the textures is 255 on cloth."""
    skeleton: Skeleton
    normals: Float[np.ndarray, "v 3"]
    """At rest, unit length."""
    joints: Int[np.ndarray, "v n"]
    """Bones that move each vertex, and ..."""
    weights: Float[np.ndarray, "v n"]
    """... how much; each row sums to one."""
    of_head: Int[np.ndarray, "h"]
    """Triangles that the head's bone moves, hair too."""
    of_face: Bool[np.ndarray, "t"]
    """Of these, the skin and the eyes between hairline, ears and chin."""
    garment: Int[np.ndarray, "t"]
    """Into `GARMENTS`; of clothes, "upper" for all."""
    lower: Float[np.ndarray, "v"]
    """How much hips and legs move each vertex: from a half on, clothes are "lower"."""
    cloth_light: Float[np.ndarray, "4"]
    """Mean linear brightness of each garment's cloth."""
    face: FaceMarks

    def marks(self, vertices: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, "68 3"]:
        """The 68 points on moved vertices."""
        found = self.looks.marks
        return (vertices[found.vertices] * found.weights[..., None]).sum(axis=1)

    def posed(
        self, moved: Moved, weights: Float[np.ndarray, "52"]
    ) -> tuple[Float[np.ndarray, "v 3"], Float[np.ndarray, "v 3"]]:
        """Move the face by blendshapes, then everything by bones; normals follow the bones alone."""
        active = np.flatnonzero(weights)
        shaped = self.looks.vertices + np.tensordot(weights[active], self.looks.morphs[active], axes=1)
        maps = np.concatenate([moved.rotation, moved.shift[..., None]], axis=2).astype(np.float32).reshape(-1, 12)
        blended = self.weights[:, :1] * maps[self.joints[:, 0]]
        for column in range(1, self.joints.shape[1]):
            rows = np.flatnonzero(self.weights[:, column])
            blended[rows] += self.weights[rows, column, None] * maps[self.joints[rows, column]]
        blended = blended.reshape(-1, 3, 4)
        both = np.stack([shaped.astype(np.float32), self.normals], axis=2)
        vertices, normals = np.moveaxis(blended[:, :, :3] @ both, 2, 0)
        return vertices + blended[:, :, 3], normals


def read_body(path: Path) -> Body:
    """Read a whole person with a face frame; raises BadCharacter."""
    return body_of(*read_with_face(path), path.stem)


def body_of(character: Character, frame: FaceFrame, name: str) -> Body:
    """Take skin, bones and clothes out of a character; raises BadCharacter when it has no whole body."""
    skeleton = skeleton_of(character, frame.head_from_scene)
    looks = whole_avatar(character, frame, name)
    joints, weights = _skinning(character, skeleton)
    parts = np.array([_plain(skeleton, bone) for bone in range(len(skeleton.names))])
    main = parts[joints[np.arange(len(joints)), weights.argmax(axis=1)]]
    corner = main[looks.triangles[:, 0]]
    of_head = np.isin(main, ["Head", "Eye"])[looks.triangles].all(axis=1)
    marks = (looks.vertices[frame.vertices] * frame.weights[..., None]).sum(axis=1)
    skin = int(np.bincount(looks.paint[of_head & _touches(looks, frame)] + 1).argmax()) - 1
    face = of_head & (looks.paint == skin) & _in_face(looks, marks)
    lower = (weights * np.isin(parts, _LOWER)[joints]).sum(axis=1)
    garment = np.where(np.isin(corner, _BARE), GARMENTS.index("none"), GARMENTS.index("upper"))
    garment = np.where(of_head & ~face & (looks.paint >= 0), GARMENTS.index("hair"), garment)
    looks = _with_cloth(looks, skin, marks, garment)
    return Body(
        looks, skeleton, _normals(looks), joints, weights, np.flatnonzero(of_head), face, garment, lower,
        _lightness(looks, garment, lower),
        FaceMarks(marks[8], marks[30], marks[36:48].mean(axis=0)),
    )  # fmt: skip


def _plain(skeleton: Skeleton, bone: int) -> str:
    """What part of a person a bone is: the first of the known parts at it or above it."""
    while bone >= 0:
        for part in (*_LOWER[1:], "Spine", "ForeArm", "Finger", "Hand", "Arm", "Eye", "Head", "Neck"):
            if part in skeleton.names[bone]:
                return part
        if skeleton.names[bone] == "Hips":
            return "Hips"
        bone = int(skeleton.parents[bone])
    return ""


def _skinning(character: Character, skeleton: Skeleton) -> tuple[Int[np.ndarray, "v n"], Float[np.ndarray, "v n"]]:
    """Bones and weights of every vertex, numbered as in the skeleton; what has no skin hangs on its node."""
    number = {node: bone for bone, node in enumerate(character.node_order)}
    pieces = Poser(character).pieces
    joints, weights = [], []
    for piece in pieces:
        node, primitive = character.nodes[piece.node], character.meshes[piece.mesh].primitives[piece.primitive]
        if primitive.skinning is None or node.skin is None:
            joints.append(np.full((len(primitive.positions), 1), number[piece.node]))
            weights.append(np.ones((len(primitive.positions), 1)))
            continue
        bones = np.array([number.get(int(joint), 0) for joint in character.skins[node.skin].joints])
        joints.append(bones[primitive.skinning.joints])
        weights.append(primitive.skinning.weights)
    widest = max(part.shape[1] for part in joints)
    padded = [[np.pad(part, [(0, 0), (0, widest - part.shape[1])]) for part in parts] for parts in (joints, weights)]
    return np.concatenate(padded[0]), np.concatenate(padded[1]).astype(np.float32)


def _normals(looks: Avatar) -> Float[np.ndarray, "v 3"]:
    return smooth_normals(looks.vertices, looks.triangles, (looks.places, int(looks.places.max()) + 1)).astype(
        np.float32
    )


def _touches(looks: Avatar, frame: FaceFrame) -> Bool[np.ndarray, "t"]:
    """Triangles with a corner that carries a landmark."""
    return np.isin(looks.triangles, frame.vertices).any(axis=1)


def _in_face(looks: Avatar, marks: Float[np.ndarray, "68 3"]) -> Bool[np.ndarray, "t"]:
    """Triangles between the ears, from the chin to the hairline, that look forward or aside."""
    low, high = marks.min(axis=0), marks.max(axis=0)
    high[1] += FOREHEAD * (high[1] - low[1])
    low[2] = marks[[0, 16], 2].mean()
    middle = looks.vertices[looks.triangles].mean(axis=1)
    high[2] += 0.03
    return ((middle >= low) & (middle <= high)).all(axis=1)


def parted(garment: Int[np.ndarray, "n"], lower: Float[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
    """Tell trousers from shirts."""
    return np.where((garment == GARMENTS.index("upper")) & (lower >= 0.5), GARMENTS.index("lower"), garment)


def _with_cloth(looks: Avatar, skin: int, marks: Float[np.ndarray, "68 3"], garment: np.ndarray) -> Avatar:
    """Write into the skin texture's alpha which texels are unlike the skin of the cheeks."""
    if skin < 0:
        return looks
    texture = looks.textures[skin]
    lab = cv2.cvtColor(np.ascontiguousarray(texture[..., :3]), cv2.COLOR_RGB2LAB).astype(np.float32)
    cheeks = looks.marks.vertices[[1, 2, 3, 13, 14, 15, 31, 35, 48, 54]].ravel()
    side = np.array(texture.shape[1::-1])
    at = np.clip((looks.uv[cheeks] % 1) * side, 0, side - 1).astype(int)
    like = np.median(lab[at[:, 1], at[:, 0]], axis=0)
    away = np.linalg.norm((lab - like) * (0.35, 1, 1), axis=-1)
    cloth = np.clip((cv2.GaussianBlur(away, (0, 0), 1.0) - 15) / 6, 0, 1)
    alpha = (255 * cloth + 0.5).astype(np.uint8)
    painted: UInt8[np.ndarray, "h w 4"] = np.dstack([texture[..., :3], alpha])
    return replace(looks, textures=tuple(painted if n == skin else t for n, t in enumerate(looks.textures)))


def _lightness(looks: Avatar, garment: Int[np.ndarray, "t"], lower: Float[np.ndarray, "v"]) -> Float[np.ndarray, "4"]:
    """Mean brightness of the cloth of each garment."""
    garment = parted(garment, lower[looks.triangles[:, 0]])
    light = np.full(len(GARMENTS), 0.3)
    for number in range(1, len(GARMENTS)):
        for paint in np.unique(looks.paint[garment == number]):
            mine = looks.triangles[(garment == number) & (looks.paint == paint), 0]
            if paint >= 0 and len(mine):
                colour, alpha = sample_texture(looks.textures[paint], looks.uv[mine].astype(np.float32))
                light[number] = float((colour.mean(axis=1) * alpha).sum() / max(float(alpha.sum()), 1e-6))
    return np.clip(light, 0.02, 1.0)
