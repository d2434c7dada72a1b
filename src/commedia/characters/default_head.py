"""The default head as a character: a rig of 52 blendshapes, made as GLB and read back like any other file."""

import io
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from commedia.characters.builder import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, GlbBuilder
from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.characters.hair import with_hair
from commedia.characters.skin import Look, paint_head, texture_of
from commedia.characters.wrinkles import wrinkle_extras
from commedia.conventions import EXPRESSION_NAMES, IDENTITY_COUNT
from commedia.face_model.evaluate import blendshapes_of_identity, vertices_from_params
from commedia.face_model.model import PARTS, HeadModel, head_or_default
from commedia.face_model.person import Albedo, Person
from commedia.face_model.wrinkles import WrinkleMap
from commedia.geometry.meshes import smooth_normals, weld

HEAD_NODE, FACE_MESH = "Head", "Face"
ROUGHNESS = {"skin": 0.55, "left_eye": 0.12, "right_eye": 0.12, "teeth": 0.3, "tongue": 0.4}


def default_head_character(
    identity: Float[np.ndarray, "i"] | None = None,
    *,
    name: str = "person",
    head: HeadModel | None = None,
    albedo: Albedo | None = None,
    look: Look | None = None,
    wrinkles: Sequence[WrinkleMap] = (),
) -> Character:
    """Make a head with an identity (None: default, mean) as a character; None for `albedo` paints it with `look`."""
    glb = default_head_glb(identity, name=name, head=head, albedo=albedo, look=look, wrinkles=wrinkles)
    return character_from_bytes(glb, name)


def own_character(person: Person) -> Character:
    """Make somebody's own rig as a character."""
    return character_from_bytes(own_glb(person), person.id)


def own_glb(person: Person) -> bytes:
    """Build the GLB of somebody's own rig."""
    own = {"head": person.head, "albedo": person.albedo, "wrinkles": person.wrinkles}
    return default_head_glb(person.identity, name=person.id, **own)


def default_head_glb(
    identity: Float[np.ndarray, "i"] | None = None,
    *,
    name: str = "person",
    head: HeadModel | None = None,
    albedo: Albedo | None = None,
    look: Look | None = None,
    wrinkles: Sequence[WrinkleMap] = (),
) -> bytes:
    """Build the GLB: a node `Head` that turns about the neck, and under it one mesh with a primitive per part."""
    head = head_or_default(head)
    identity = np.zeros(IDENTITY_COUNT, dtype=np.float32) if identity is None else identity.astype(np.float32)
    vertices = vertices_from_params(head.model, identity, np.zeros(len(EXPRESSION_NAMES), dtype=np.float32))
    vertices = with_hair(head, vertices, 0.0 if look is None else look.hair_m)
    builder = GlbBuilder()
    _add_materials(builder, _texture(head, look) if albedo is None else _jpeg(texture_of(head, albedo)))
    if wrinkles:
        builder.tree["materials"][PARTS.index("skin")]["extras"] = wrinkle_extras(builder, wrinkles)
    displacements = blendshapes_of_identity(head.model, identity)
    primitives = [_primitive(builder, head, vertices, displacements, part) for part in range(len(PARTS))]
    pivot = head.pivots.head.astype(float)
    builder.tree |= {
        "scene": 0,
        "scenes": [{"name": name, "nodes": [0]}],
        "nodes": [
            {"name": name, "children": [1]},
            {"name": HEAD_NODE, "translation": pivot.tolist(), "children": [2]},
            {"name": FACE_MESH, "translation": (-pivot).tolist(), "mesh": 0},
        ],
        "meshes": [
            {
                "name": FACE_MESH,
                "primitives": [primitive for primitive in primitives if primitive is not None],
                "weights": [0.0] * len(EXPRESSION_NAMES),
                "extras": {"targetNames": list(EXPRESSION_NAMES)},
            }
        ],
    }
    return builder.to_bytes()


def _add_materials(builder: GlbBuilder, texture: bytes) -> None:
    builder.tree |= {
        "images": [{"name": "head", "mimeType": "image/jpeg", "bufferView": builder.view(texture)}],
        "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}],
        "textures": [{"source": 0, "sampler": 0}],
        "materials": [
            {
                "name": part,
                # The head is open at the neck and the mouth is a bag: both are seen from inside.
                "doubleSided": True,
                "pbrMetallicRoughness": {
                    "baseColorTexture": {"index": 0},
                    "metallicFactor": 0.0,
                    "roughnessFactor": ROUGHNESS[part],
                },
            }
            for part in PARTS
        ],
    }


@lru_cache(maxsize=8)
def _texture(head: HeadModel, look: Look | None) -> bytes:
    """The painted skin as a JPEG; painting takes longer than everything else, and most heads share a look."""
    return _jpeg(paint_head(look, head=head))


def _jpeg(texture: UInt8[np.ndarray, "h w 3"]) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(texture).save(encoded, "JPEG", quality=90, subsampling=0)
    return encoded.getvalue()


def _primitive(
    builder: GlbBuilder, head: HeadModel, vertices: np.ndarray, displacements: np.ndarray, part: int
) -> dict | None:
    chosen = head.triangle_part == part
    if not chosen.any():
        return None
    # A vertex on a UV seam becomes one vertex per texture coordinate.
    corners = np.stack([head.model.triangles[chosen], head.uv_triangles[chosen]], axis=-1).reshape(-1, 2)
    pairs, index = np.unique(corners, axis=0, return_inverse=True)
    triangles = index.reshape(-1, 3).astype(np.int32)
    of_vertex = pairs[:, 0]
    positions = vertices[of_vertex].astype(np.float32)
    normals = smooth_normals(positions, triangles, weld(positions))
    flat = triangles.reshape(-1).astype("<u2")
    return {
        "attributes": {
            "POSITION": builder.accessor(positions, target=ARRAY_BUFFER, bounds=True),
            "NORMAL": builder.accessor(normals, target=ARRAY_BUFFER),
            "TEXCOORD_0": builder.accessor(head.uv[pairs[:, 1]].astype(np.float32), target=ARRAY_BUFFER),
        },
        "indices": builder.accessor(flat, target=ELEMENT_ARRAY_BUFFER),
        "material": part,
        "targets": builder.morph_targets(displacements[:, of_vertex].astype(np.float32), (positions, triangles)),
    }
