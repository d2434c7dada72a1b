"""A small person whom tests of whole bodies share: our head, a block for every bone of the rest, arms held out."""

from functools import cache

import numpy as np

from commedia.characters.builder import GlbBuilder
from commedia.characters.face_frame import KEY, FaceFrame
from commedia.characters.gltf import character_from_bytes
from commedia.conventions import EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.face_model.evaluate import blendshapes_of_identity
from commedia.face_model.landmarks import load_scheme
from commedia.face_model.model import load_head
from commedia.geometry.similarity import Similarity
from commedia.synthetic.bodies import Body, body_of

MORPHS = ("jawOpen", "mouthLeft")
_TRUNK = {
    "Hips": ("", (0, -0.72, -0.05)),
    "Spine": ("Hips", (0, -0.62, -0.05)),
    "Spine1": ("Spine", (0, -0.50, -0.05)),
    "Spine2": ("Spine1", (0, -0.38, -0.05)),
    "Neck": ("Spine2", (0, -0.20, -0.06)),
    "Head": ("Neck", (0, -0.12, -0.04)),
}
_LEFT = {
    "Shoulder": ("Spine2", (0.03, -0.22, -0.06)),
    "Arm": ("LeftShoulder", (0.17, -0.22, -0.06)),
    "ForeArm": ("LeftArm", (0.42, -0.22, -0.06)),
    "Hand": ("LeftForeArm", (0.66, -0.22, -0.06)),
    "UpLeg": ("Hips", (0.09, -0.76, -0.05)),
    "Leg": ("LeftUpLeg", (0.09, -1.16, -0.04)),
    "Foot": ("LeftLeg", (0.09, -1.56, -0.05)),
}


def small_person(*, without: str = "") -> bytes:
    """The GLB of a person with a face frame; bones whose name contains `without` are called otherwise."""
    bones = _bones()
    names, head = list(bones), load_head()
    vertices, triangles = [head.model.mean], [head.model.triangles]
    joints = [np.full(len(head.model.mean), names.index("Head"))]
    for number, (name, (parent, place)) in enumerate(bones.items()):
        if parent and name != "Head":
            start = sum(map(len, vertices))
            block, faces = _block(np.array(bones[parent][1]), np.array(place), 0.012 if "Hand" in parent else 0.05)
            vertices.append(block)
            triangles.append(faces + start)
            joints.append(np.full(len(block), names.index(parent)))
        assert number == names.index(name)
    points = np.concatenate(vertices).astype(np.float32)
    owner = np.stack([np.concatenate(joints), *np.zeros((3, len(points)))], axis=1).astype(np.uint8)
    builder, displacements = GlbBuilder(), blendshapes_of_identity(head.model, np.zeros(IDENTITY_COUNT, np.float32))
    moved = np.zeros((len(MORPHS), len(points), 3), np.float32)
    moved[:, : len(head.model.mean)] = displacements[[EXPRESSION_INDEX[name] for name in MORPHS]]
    primitive = {
        "attributes": {
            "POSITION": builder.accessor(points, bounds=True),
            "JOINTS_0": builder.accessor(owner),
            "WEIGHTS_0": builder.accessor(np.tile(np.float32([1, 0, 0, 0]), (len(points), 1))),
        },
        "indices": builder.accessor(np.concatenate(triangles).astype("<u4").ravel()),
        "targets": [{"POSITION": builder.sparse_accessor(offset, bounds=True)} for offset in moved],
    }
    builder.tree |= _tree(bones, without) | {
        "meshes": [{"name": "body", "primitives": [primitive], "extras": {"targetNames": list(MORPHS)}}],
        "skins": [{"joints": list(range(len(bones))), "inverseBindMatrices": builder.accessor(_inverses(bones))}],
    }
    scheme = load_scheme("ibug68")
    frame = FaceFrame(Similarity(1.0, np.eye(3), np.zeros(3)), scheme.vertices, scheme.barycentric)
    builder.tree["asset"]["extras"] = {KEY: frame.to_json()}
    return builder.to_bytes()


@cache
def small_body() -> Body:
    """The same, read."""
    scheme = load_scheme("ibug68")
    frame = FaceFrame(Similarity(1.0, np.eye(3), np.zeros(3)), scheme.vertices, scheme.barycentric)
    return body_of(character_from_bytes(small_person(), "small"), frame, "small")


def _bones() -> dict[str, tuple[str, tuple[float, float, float]]]:
    """Name to parent and place, parents first."""
    left = {f"Left{name}": entry for name, entry in _LEFT.items()}
    palm = np.array(_LEFT["Hand"][1])
    for number, finger in enumerate(("Index", "Middle", "Ring", "Pinky", "Thumb")):
        above = "LeftHand"
        for joint in (1, 2, 3, 4):
            along = (0.09 + 0.025 * (joint - 1), 0.0, 0.03 - 0.02 * number)
            if finger == "Thumb":
                along = (0.02 + 0.02 * joint, -0.01 * joint, 0.02 + 0.02 * joint)
            name = f"LeftHand{finger}{joint}"
            left[name] = (above, tuple((palm + along).tolist()))
            above = name
    right = {
        name.replace("Left", "Right"): (parent.replace("Left", "Right"), (-place[0], *place[1:]))
        for name, (parent, place) in left.items()
    }
    return _TRUNK | left | right


def _block(start: np.ndarray, end: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
    """A closed block from one joint to the next, mirror-symmetric with its other side's."""
    way = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
    aside = np.array([0.0, 0.0, 1.0]) if abs(way[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    other = np.abs(np.cross(way, aside))
    square = [half * (a * aside + b * other) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    corners = np.array([joint + step for joint in (start, end) for step in square])
    quads = ((0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
    return corners, np.array([part for a, b, c, d in quads for part in ((a, b, c), (a, c, d))])


def _tree(bones: dict, without: str) -> dict:
    names = list(bones)
    nodes: list[dict] = []
    for name, (parent, place) in bones.items():
        above = np.array(bones[parent][1]) if parent else np.zeros(3)
        called = f"other{len(nodes)}" if without and without in name else name
        children = [names.index(other) for other, (its, _) in bones.items() if its == name]
        nodes.append({"name": called, "translation": (np.array(place) - above).tolist()})
        if children:
            nodes[-1]["children"] = children
    nodes.append({"name": "body", "mesh": 0, "skin": 0})
    return {"scene": 0, "scenes": [{"nodes": [0, len(bones)]}], "nodes": nodes}


def _inverses(bones: dict) -> np.ndarray:
    """Inverse bind matrices, column by column as glTF wants them."""
    matrices = np.tile(np.eye(4, dtype=np.float32), (len(bones), 1, 1))
    matrices[:, 3, :3] = [-np.array(place) for _, place in bones.values()]
    return matrices.reshape(len(bones), 16)
