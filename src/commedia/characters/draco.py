"""Meshes that Draco has compressed, as arrays for the accessors that stand for them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from commedia.errors import BadCharacter, MissingExtra, optional

EXTENSION = "KHR_draco_mesh_compression"
COMMAND = "npx @gltf-transform/cli copy IN.glb OUT.glb"
MAX_ELEMENTS = 20_000_000
"""Above any character's: what decoding may make of a few bytes."""


def draco_arrays(primitive: dict, data: bytes, compressed: dict, name: str) -> Iterator[tuple[object, np.ndarray]]:
    """A primitive and the bytes that its extension names to the accessors that these replace, and their elements."""
    try:
        decoder: Any = optional("DracoPy", EXTENSION, "draco", "DracoPy")
    except MissingExtra as error:
        raise BadCharacter(f"{name}: {error}, or convert it with: {COMMAND}") from None
    try:
        mesh = decoder.decode(data)
    except Exception as error:  # DracoPy raises classes of its own, and others where bytes are damaged.
        raise BadCharacter(f"{name}: a mesh compressed by Draco cannot be read: {error}") from None
    arrays = {int(entry["unique_id"]): np.asarray(entry["data"]) for entry in mesh.attributes}
    if sum(array.size for array in arrays.values()) > MAX_ELEMENTS:
        raise BadCharacter(f"{name}: a mesh compressed by Draco unpacks to more than a character has")
    attributes = compressed.get("attributes")
    if not isinstance(attributes, dict):
        raise BadCharacter(f"{name}: {EXTENSION} names no attributes")
    for key, number in attributes.items():
        if key in primitive["attributes"] and number in arrays:
            array = arrays[number]
            yield primitive["attributes"][key], array.reshape(len(array), -1)
    faces = getattr(mesh, "faces", None)
    if faces is not None and "indices" in primitive:
        yield primitive["indices"], np.asarray(faces, dtype=np.uint32).reshape(-1, 1)
