"""Small characters and motions that tests of reading, retargeting and writing share."""

from functools import cache
from pathlib import Path

import numpy as np

from commedia.characters.builder import GlbBuilder
from commedia.characters.character import Character
from commedia.characters.gltf import read_character
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.face_model.model import load_head
from commedia.face_model.person import Person
from commedia.face_model.wrinkles import WrinkleMap
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace

SQUARE = np.array([[-1, 0, 0], [1, 0, 0], [1, 1, 0], [-1, 1, 0]], dtype=np.float32) * 0.1


@cache
def avatar(path: Path) -> Character:
    """Read a large character once for all tests of a process."""
    return read_character(path)


@cache
def own_person() -> Person:
    """What `commedia personalize` finds: own shape, jaw and skin, which changes with the expression."""
    rng, mean = np.random.default_rng(0), load_head().model.mean
    jaw = load_head().model.expression_basis[EXPRESSION_INDEX["jawOpen"]] * np.float32([1, 1.2, 1])
    texture, change = (rng.integers(0, 255, (64, 64, 3)).astype(np.uint8) for _ in range(2))
    identity = rng.normal(size=IDENTITY_COUNT).astype(np.float32)
    maps = tuple(WrinkleMap(name, {name: 1.0}, change) for name in ("jawOpen", "browInnerUp"))
    return Person("me", identity, mean * np.float32([1.1, 1, 1]), {"jawOpen": jaw}, texture, wrinkles=maps)


def params(yaw_pitch_roll: tuple[float, float, float] = (0.0, 0.0, 0.0), **blendshapes: float) -> FaceParams:
    """A face with a few blendshapes active."""
    expression = np.zeros(EXPRESSION_COUNT)
    for name, weight in blendshapes.items():
        expression[EXPRESSION_INDEX[name]] = weight
    pose = HeadPose(wxyz_from_yaw_pitch_roll(np.array(yaw_pitch_roll)), np.array([320.0, 240.0]), 1000.0)
    return FaceParams(np.zeros(50), expression, pose)


def tracked(face: FaceParams, number: int = 1) -> TrackedFace:
    """The same, as the tracker hands it on."""
    return TrackedFace(number, "tracked", Box(1.0, 2.0, 30.0, 40.0), face, np.full((68, 2), 20.25), 0.9)


def small_builder(names: tuple[str, ...], *, bones: bool = True) -> GlbBuilder:
    """Two squares: `face` hangs skinned on a head under a neck, `teeth` shares its morphs without a skin.

    Morph k moves the vertices by (k + 1) centimetres: those at x > 0 for names of the left side, at x < 0 for names of
    the right side, all for others. The head is turned and the neck leans at rest, as on real rigs.
    """
    builder = GlbBuilder()
    primitive = _primitive(builder, names)
    mesh = {"primitives": [primitive], "extras": {"targetNames": list(names)}}
    skinned = {**primitive, "attributes": {**primitive["attributes"], **_hung_on_head(builder)}}
    lean = wxyz_from_yaw_pitch_roll(np.array([0.0, 0.3, 0.0]))[[1, 2, 3, 0]].tolist()
    builder.tree |= {
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [
            {"name": "Armature", "children": [1, 4, 5]},
            {"name": "Neck", "translation": [0, 1.4, 0], "rotation": lean, "children": [2]},
            {"name": "Head" if bones else "top", "translation": [0, 0.1, 0], "children": [3]},
            {"name": "LeftEye" if bones else "ball", "translation": [0.03, 0.07, 0.08]},
            {"name": "face", "mesh": 0, "skin": 0},
            {"name": "teeth", "mesh": 1},
        ],
        "meshes": [{"name": "face", **mesh, "primitives": [skinned]}, {"name": "teeth", **mesh}],
        "skins": [{"joints": [1, 2]}],
    }
    return builder


def _primitive(builder: GlbBuilder, names: tuple[str, ...]) -> dict:
    targets = []
    for number, name in enumerate(names):
        side = 1 if "Left" in name else -1 if "Right" in name else 0
        moved = SQUARE[:, 0] * side > 0 if side else np.full(4, True)
        offset = np.zeros_like(SQUARE)
        offset[moved, 2] = 0.01 * (number + 1)
        targets.append({"POSITION": builder.sparse_accessor(offset, bounds=True)})
    triangles = np.array([0, 1, 2, 0, 2, 3], dtype="<u2")
    return {
        "attributes": {"POSITION": builder.accessor(SQUARE, bounds=True)},
        "indices": builder.accessor(triangles),
        "targets": targets,
    }


def _hung_on_head(builder: GlbBuilder) -> dict:
    joints = np.tile(np.array([1, 0, 0, 0], dtype=np.uint8), (4, 1))
    weights = np.tile(np.array([1, 0, 0, 0], dtype=np.float32), (4, 1))
    return {"JOINTS_0": builder.accessor(joints), "WEIGHTS_0": builder.accessor(weights)}
