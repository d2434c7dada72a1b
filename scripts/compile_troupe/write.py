"""Pieces to a GLB that any tool reads: core glTF 2.0 with no extension, JPEG pictures, sparse shapes."""

import io
import json

import cv2
import numpy as np
from avatar import Avatar, Part, used_texels
from jaxtyping import Float, UInt8
from PIL import Image

from commedia.characters.builder import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, GlbBuilder, glb_header
from commedia.characters.gltf import character_from_bytes
from commedia.geometry.meshes import smooth_normals, weld
from commedia.outputs.files.packing import pack

SKIN_SIDE_PX, HAIR_SIDE_PX = 1280, 512
QUALITY = 84
BONES = ("Chest", "Neck", "Head", "LeftEye", "RightEye")
PARENTS = (-1, 0, 1, 2, 2)
ROUGHNESS = {"skin": 0.6, "eye": 0.15, "teeth": 0.35, "tongue": 0.4, "base": 0.8, "hair": 0.55}
FACE, HAIR = "Face", "Hair"
MIDDLE_U = 0.326
LIDS = np.array([[0.236, 0.2135], [0.25, 0.2125], [0.2575, 0.2115], [0.2705, 0.2115], [0.282, 0.2125], [0.288, 0.2155]])
"""The rim of the right upper lid in the texture of all avatars, and how far above it lashes are painted."""
LID_HEIGHT = 0.016
LASH_SPAN_PX, LID_BLUR_PX = 61, 3
BETWEEN_BROWS, SKIN_SHARE = np.array([[0.315, 0.19], [0.337, 0.21]]), 0.4
STEP_M, STEP_NORMAL = 2**-15, 2**-12
"""30 micrometres, and a fiftieth of a degree."""
COPYRIGHT = "Avatar: (c) 2022 Tiffany Do, VALID, MIT License; shapes: commedia, with ICT-FaceKit, (c) 2020 USC ICT, MIT"


def bust_glb(name: str, avatar: Avatar) -> bytes:
    """Write the pieces without shapes and normals: mesh `Face`, a primitive a piece, and mesh `Hair` where there is."""
    builder = GlbBuilder()
    builder.tree["asset"]["copyright"] = COPYRIGHT
    face = [part for part in avatar.parts.values() if part.name != "hair"]
    meshes = [(FACE, face)] + ([(HAIR, [avatar.parts["hair"]])] if "hair" in avatar.parts else [])
    materials = _add_materials(builder, avatar, [part.name for _, parts in meshes for part in parts])
    builder.tree["meshes"] = [
        {"name": mesh, "primitives": [_primitive(builder, part, materials[part.name]) for part in parts]}
        for mesh, parts in meshes
    ]
    bones = [
        {"name": bone, "translation": (place - (avatar.bones[parent] if parent >= 0 else 0)).tolist()}
        for bone, place, parent in zip(BONES, avatar.bones, PARENTS, strict=True)
    ]
    for child, parent in enumerate(PARENTS):
        if parent >= 0:
            bones[parent].setdefault("children", []).append(child)
    shown = [{"name": mesh, "mesh": number, "skin": 0} for number, (mesh, _) in enumerate(meshes)]
    back = np.tile(np.eye(4, dtype=np.float32), (len(bones), 1, 1))
    # Columns first, as glTF has them.
    back[:, 3, :3] = -avatar.bones
    builder.tree |= {
        "scene": 0,
        "scenes": [{"name": name, "nodes": [0, *range(len(bones), len(bones) + len(shown))]}],
        "nodes": bones + shown,
        "skins": [
            {
                "joints": list(range(len(bones))),
                "skeleton": 0,
                "inverseBindMatrices": builder.accessor(back.reshape(-1, 16)),
            }
        ],
    }
    return builder.to_bytes()


def with_normals(data: bytes) -> bytes:
    """Add the normals of the surfaces at rest. Shapes have none: what shows them well would double the file."""
    character = character_from_bytes(data, "bust")
    packed = pack(character.document)
    builder = GlbBuilder(packed.tree, b"".join(packed.chunks))
    for mesh, entry in zip(character.meshes, builder.tree["meshes"], strict=True):
        for read, primitive in zip(mesh.primitives, entry["primitives"], strict=True):
            normals = smooth_normals(read.positions, read.triangles, weld(read.positions))
            primitive["attributes"]["NORMAL"] = builder.accessor(normals, target=ARRAY_BUFFER)
    return builder.to_bytes()


def rounded(data: bytes) -> bytes:
    """The same file with places and shapes in whole `STEP_M` and normals in whole `STEP_NORMAL`: as long, and a third
    shorter in a wheel, which deflates it."""
    length = int.from_bytes(data[12:16], "little")
    tree, begin = json.loads(data[20 : 20 + length]), 28 + length
    stored = np.frombuffer(data, np.uint8, offset=begin).copy()
    for number, step in _steps(tree).items():
        entry = tree["accessors"][number]
        sparse = entry.get("sparse")
        count, where = (entry["count"], entry) if sparse is None else (sparse["count"], sparse["values"])
        if "bufferView" not in where:
            continue
        # Both are aligned to four bytes.
        first = tree["bufferViews"][where["bufferView"]].get("byteOffset", 0) + where.get("byteOffset", 0)
        values = stored[first : first + 12 * count].view("<f4").reshape(count, 3)
        values[:] = np.round(values / step) * step
        if "min" in entry:
            # Of a shape most rows are zero.
            rest = values[:0] if count == entry["count"] else np.zeros((1, 3), np.float32)
            rows = np.concatenate([values, rest])
            entry |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
    return glb_header(tree, len(stored)) + stored.tobytes()


def _steps(tree: dict) -> dict[int, float]:
    """What each accessor is rounded to, by number."""
    steps = {}
    for primitive in (primitive for mesh in tree["meshes"] for primitive in mesh["primitives"]):
        steps[primitive["attributes"]["NORMAL"]] = STEP_NORMAL
        for places in (primitive["attributes"], *primitive.get("targets", ())):
            steps[places["POSITION"]] = STEP_M
    return steps


def _add_materials(builder: GlbBuilder, avatar: Avatar, parts: list[str]) -> dict[str, int]:
    skin = [part for part in avatar.parts.values() if part.name != "hair"]
    pictures = {"skin": _skin_picture(avatar.skin_image, skin)}
    if avatar.hair_image is not None:
        pictures["hair"] = avatar.hair_image.resize((HAIR_SIDE_PX, HAIR_SIDE_PX), Image.Resampling.LANCZOS)
    kinds = [kind for kind in ROUGHNESS if kind != "hair" or "hair" in parts]
    builder.tree |= {
        "images": [
            {"name": name, "mimeType": "image/jpeg", "bufferView": builder.view(_jpeg(picture))}
            for name, picture in pictures.items()
        ],
        "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}],
        "textures": [{"source": source, "sampler": 0} for source in range(len(pictures))],
        "materials": [
            {
                "name": kind,
                # The mouth is a bag, and hair is a shell: both are seen from inside.
                "doubleSided": True,
                "pbrMetallicRoughness": {
                    "baseColorTexture": {"index": int(kind == "hair")},
                    "metallicFactor": 0.0,
                    "roughnessFactor": ROUGHNESS[kind],
                },
            }
            for kind in kinds
        ],
    }
    return {part: next(row for row, kind in enumerate(kinds) if kind in part) for part in parts}


def _skin_picture(image: Image.Image, parts: list[Part]) -> Image.Image:
    """Shrink the atlas; what no triangle shows becomes one colour, which takes no bytes."""
    used = used_texels(parts, SKIN_SIDE_PX).astype(np.uint8)
    # Mipmaps and JPEG's blocks of 16 look across the border.
    near = cv2.dilate(used, np.ones((25, 25), np.uint8)) > 0
    small = np.asarray(image.resize((SKIN_SIDE_PX, SKIN_SIDE_PX), Image.Resampling.LANCZOS)).copy()
    small[~near] = np.median(small[used > 0], axis=0)
    return Image.fromarray(_without_lashes(small))


def _without_lashes(picture: UInt8[np.ndarray, "s s 3"]) -> UInt8[np.ndarray, "s s 3"]:
    """Smear upper lids sideways, and halfway to the skin between the brows: they hold painted lashes and shadows, which
    would hang down as streaks and patches when the lids close."""
    smeared, mask = picture.astype(np.float32), np.zeros(picture.shape[:2], np.float32)
    for rim in (LIDS, LIDS * (-1, 1) + (2 * MIDDLE_U, 0)):
        band = np.concatenate([rim, (rim - (0, LID_HEIGHT))[::-1]])
        cv2.fillPoly(mask, [np.round(band * len(picture)).astype(np.int32)], 1.0)
    mask = cv2.GaussianBlur(mask, (0, 0), LID_BLUR_PX)[..., None]
    kernel = np.hanning(LASH_SPAN_PX)[None]
    # Only lids are mixed with lids: brows and eyes beside them are of other colours.
    total = cv2.filter2D(smeared * mask, -1, kernel) / np.maximum(cv2.filter2D(mask, -1, kernel), 1e-3)[..., None]
    low, high = np.round(BETWEEN_BROWS * len(picture)).astype(int)
    skin = np.median(smeared[low[1] : high[1], low[0] : high[0]].reshape(-1, 3), axis=0)
    wanted = (1 - SKIN_SHARE) * total + SKIN_SHARE * skin
    return np.round(smeared * (1 - mask) + wanted * mask).clip(0, 255).astype(np.uint8)


def _jpeg(picture: Image.Image) -> bytes:
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=QUALITY, optimize=True)
    return encoded.getvalue()


def _primitive(builder: GlbBuilder, part: Part, material: int) -> dict:
    joints, weights = _strongest(part.weights)
    return {
        "attributes": {
            "POSITION": builder.accessor(part.positions.astype(np.float32), target=ARRAY_BUFFER, bounds=True),
            "TEXCOORD_0": _shares(builder, np.round(part.uv * 0xFFFF).astype("<u2")),
            "JOINTS_0": builder.accessor(joints, target=ARRAY_BUFFER),
            "WEIGHTS_0": _shares(builder, weights),
        },
        "indices": builder.accessor(part.triangles.reshape(-1).astype("<u2"), target=ELEMENT_ARRAY_BUFFER),
        "material": material,
    }


def _shares(builder: GlbBuilder, values: np.ndarray) -> int:
    """Add whole numbers that stand for shares of the largest one."""
    accessor = builder.accessor(values, target=ARRAY_BUFFER)
    builder.tree["accessors"][accessor]["normalized"] = True
    return accessor


def _strongest(weights: Float[np.ndarray, "n 5"]) -> tuple[UInt8[np.ndarray, "n 4"], UInt8[np.ndarray, "n 4"]]:
    """The four strongest joints of each vertex and their weights in 255ths; zeros name joint 0, as glTF asks."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    strongest = np.take_along_axis(weights, order, axis=1)
    parts = np.floor(255 * strongest / strongest.sum(axis=1, keepdims=True)).astype(np.int64)
    parts[:, 0] += 255 - parts.sum(axis=1)
    return np.where(parts > 0, order, 0).astype("u1"), parts.astype("u1")
