"""A drawn figure with a skeleton whose names, roots and sides a test chooses: a ball with a face on a stick.

The face is on the +z side of the ball, before any root turns or mirrors it.
"""

from collections.abc import Sequence

import numpy as np

from commedia.characters.builder import GlbBuilder
from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes

RADIUS, CENTER_Y = 0.1, 1.65
NOSE = 0
"""The vertex at the very front."""
PLACES = {"hips": 0.9, "spine": 1.2, "neck": 1.5, "head": 1.6}
"""Heights of the bones."""
MORPHS = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight", "browInnerUp")


def drawn_figure(
    names: Sequence[str] = ("Hips", "Spine", "Neck", "Head", "LeftEye", "RightEye"),
    *,
    morphs: Sequence[str] = MORPHS,
    carrier: int = 3,
    root: dict | None = None,
    more: Sequence[str] = (),
    eyes: bool = True,
) -> Character:
    """Names of hips, spine, neck, head and the eyes; `carrier` is the bone that carries the ball, `root` what is said
    of the armature's node, `more` names of bones beside the head that carry nothing."""
    return character_from_bytes(figure_builder(names, morphs, carrier, root, more, eyes).to_bytes(), "figure")


def figure_builder(names, morphs=MORPHS, carrier=3, root=None, more=(), eyes=True) -> GlbBuilder:
    """The same as a file that is not finished."""
    builder = GlbBuilder()
    ball, triangles = _ball()
    stick = np.array([[0, 0.9, 0], [0.05, 0.9, 0], [0, 1.2, 0.05], [0.05, 1.2, 0]], dtype=np.float32)
    positions = np.concatenate([ball, stick])
    triangles = np.concatenate([triangles, len(ball) + np.array([[0, 1, 2], [1, 3, 2]])]).astype("<u2")
    joints = np.zeros((len(positions), 4), dtype=np.uint8)
    joints[: len(ball), 0] = carrier
    weights = np.tile(np.array([1, 0, 0, 0], dtype=np.float32), (len(positions), 1))
    heights = list(PLACES.values())
    world = [np.array([0, height, 0]) for height in heights]
    world += [np.array([x, 1.68, 0.08]) for x in (0.03, -0.03)] if eyes else []
    binds = np.tile(np.eye(4, dtype=np.float32), (len(world), 1, 1))
    binds[:, :3, 3] = -np.array(world)
    primitive = {
        "attributes": {
            "POSITION": builder.accessor(positions, bounds=True),
            "JOINTS_0": builder.accessor(joints),
            "WEIGHTS_0": builder.accessor(weights),
        },
        "indices": builder.accessor(triangles.reshape(-1)),
        "targets": [{"POSITION": builder.sparse_accessor(_moved(name, positions), bounds=True)} for name in morphs],
    }
    bones = _bones(names, world)
    first = 1 + len(bones)
    beside = [{"name": name, "translation": [0, 0.4, 0]} for name in more]
    builder.tree |= {
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [
            {"name": "Armature", **(root or {}), "children": [1, first]},
            *bones,
            {"name": "FigureMesh", "mesh": 0, "skin": 0},
            *beside,
        ],
        "meshes": [{"name": "Figure", "primitives": [primitive], "extras": {"targetNames": list(morphs)}}],
        "skins": [{"joints": list(range(1, 1 + len(world))), "inverseBindMatrices": builder.accessor(_columns(binds))}],
    }
    builder.tree["nodes"][2]["children"] += [first + 1 + number for number in range(len(more))]
    return builder


def _bones(names: Sequence[str], world: Sequence[np.ndarray]) -> list[dict]:
    """Hips, spine, neck and head, one on the other, and eyes on the head where there are places for them."""
    eyes = [{"name": name, "translation": (place - world[3]).tolist()} for name, place in zip(names[4:], world[4:])]  # noqa: B905
    bones = []
    for number, (name, place) in enumerate(zip(names[:4], world[:4], strict=True)):
        below = world[number - 1] if number else np.zeros(3)
        bones.append({"name": name, "translation": (place - below).tolist(), "children": [2 + number]})
    bones[3]["children"] = [5, 6][: len(eyes)]
    return bones + eyes


def _ball() -> tuple[np.ndarray, np.ndarray]:
    """Rings around the z axis, from the nose at +z to the back."""
    rings, around = 7, 12
    points = [(0.0, 0.0, 1.0)]
    for ring in range(1, rings):
        polar = np.pi * ring / rings
        for step in range(around):
            turn = 2 * np.pi * (step + 0.5) / around
            points.append((np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)))
    points.append((0.0, 0.0, -1.0))
    faces = [(0, 1 + step, 1 + (step + 1) % around) for step in range(around)]
    for ring in range(rings - 2):
        for step in range(around):
            a, b = 1 + ring * around + step, 1 + ring * around + (step + 1) % around
            faces += [(a, a + around, b), (b, a + around, b + around)]
    last = len(points) - 1
    faces += [(last - around + step, last, last - around + (step + 1) % around) for step in range(around)]
    ball = RADIUS * np.array(points, dtype=np.float32) + np.array([0, CENTER_Y, 0], dtype=np.float32)
    return ball, np.array(faces)


def _moved(name: str, positions: np.ndarray) -> np.ndarray:
    """A centimetre down, on the front, on the side that the name says."""
    side = 1 if name.endswith(("Left", "_L")) else -1 if name.endswith(("Right", "_R")) else 0
    front = positions[:, 2] > 0.6 * RADIUS
    chosen = front & (positions[:, 0] * side > 0.01 if side else True)
    offsets = np.zeros_like(positions)
    offsets[chosen, 1] = -0.01
    return offsets


def _columns(matrices: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(matrices.transpose(0, 2, 1).reshape(-1, 16).astype(np.float32))
