"""Puts a GLB file together: arrays go in, indices come out, and the bytes are laid out as glTF wants them."""

import json
import struct

import numpy as np
from jaxtyping import Float32

from commedia.geometry.meshes import smooth_normals, weld

COMPONENT_TYPES = {"u1": 5121, "u2": 5123, "u4": 5125, "f4": 5126}
WIDTH_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
NORMAL_STEP = 2e-3
"""Turns of a normal smaller than this (a tenth of a degree) are not stored."""


class GlbBuilder:
    """Collects accessors and images; `tree` is the glTF JSON, open to the caller."""

    def __init__(self, tree: dict | None = None, data: bytes = b"") -> None:
        """Begin a file, or go on with one whose buffer 0 is `data`."""
        begun = {"asset": {"version": "2.0", "generator": "commedia"}}
        self.tree: dict = begun if tree is None else tree
        for key in ("buffers", "bufferViews", "accessors"):
            self.tree.setdefault(key, [])
        self._data = bytearray(data)

    def accessor(self, values: np.ndarray, *, target: int | None = None, bounds: bool = False) -> int:
        """Add an array (n,) or (n, width) as it is; returns its accessor."""
        entry = _accessor_entry(values)
        entry["bufferView"] = self.view(np.ascontiguousarray(values).tobytes(), target)
        if bounds:
            entry |= _bounds(values)
        return self._add(entry)

    def sparse_accessor(self, values: np.ndarray, *, bounds: bool = False) -> int:
        """Add an array that is zero in most rows; only the other rows are stored."""
        entry = _accessor_entry(values)
        rows = np.flatnonzero(values.any(axis=1))
        if len(rows) > 0.75 * len(values):
            return self.accessor(values, target=ARRAY_BUFFER, bounds=bounds)
        if len(rows):
            # One type of index for all, so that readers with a narrow path for sparse data take it.
            rows_type = "<u2" if len(values) <= 0xFFFF else "<u4"
            entry["sparse"] = {
                "count": len(rows),
                "indices": {
                    "bufferView": self.view(rows.astype(rows_type).tobytes()),
                    "componentType": COMPONENT_TYPES[rows_type[1:]],
                },
                "values": {"bufferView": self.view(np.ascontiguousarray(values[rows]).tobytes())},
            }
        if bounds:
            entry |= _bounds(values)
        return self._add(entry)

    def morph_targets(
        self, offsets: Float32[np.ndarray, "k v 3"], surface: tuple[np.ndarray, np.ndarray] | None
    ) -> list[dict]:
        """Add offsets as a primitive's morph targets; the normals of a surface (positions, triangles) turn with it."""
        still: int | None = None
        targets: list[dict] = []
        places = None if surface is None else weld(surface[0])
        rest = None if surface is None else smooth_normals(*surface, places)
        for moved in offsets:
            if not moved.any():
                still = self.sparse_accessor(moved, bounds=True) if still is None else still
                targets.append({"POSITION": still} | ({} if surface is None else {"NORMAL": still}))
                continue
            target = {"POSITION": self.sparse_accessor(moved, bounds=True)}
            if surface is not None:
                turned = smooth_normals(surface[0] + moved, surface[1], places) - rest
                turned[np.abs(turned).max(axis=1) < NORMAL_STEP] = 0
                target["NORMAL"] = self.sparse_accessor(turned)
            targets.append(target)
        return targets

    def view(self, data: bytes, target: int | None = None) -> int:
        """Add bytes, aligned to four as every component type needs."""
        self._data += bytes(-len(self._data) % 4)
        entry = {"buffer": 0, "byteOffset": len(self._data), "byteLength": len(data)}
        if target is not None:
            entry["target"] = target
        self._data += data
        self.tree["bufferViews"].append(entry)
        return len(self.tree["bufferViews"]) - 1

    def to_bytes(self) -> bytes:
        """The finished GLB."""
        self._data += bytes(-len(self._data) % 4)
        self.tree["buffers"] = [{"byteLength": len(self._data)}, *self.tree["buffers"][1:]]
        return glb_header(self.tree, len(self._data)) + bytes(self._data)

    def _add(self, entry: dict) -> int:
        self.tree["accessors"].append(entry)
        return len(self.tree["accessors"]) - 1


def glb_header(tree: dict, binary_length: int) -> bytes:
    """Everything before the binary data of a GLB: file header, JSON chunk, and the BIN chunk's header."""
    text = json.dumps(tree, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + binary_length
    return b"".join(
        (
            struct.pack("<4sII", b"glTF", 2, total),
            struct.pack("<I4s", len(text), b"JSON"),
            text,
            struct.pack("<I4s", binary_length, b"BIN\0"),
        )
    )


def _accessor_entry(values: np.ndarray) -> dict:
    width = 1 if values.ndim == 1 else values.shape[1]
    return {"componentType": COMPONENT_TYPES[values.dtype.str[1:]], "count": len(values), "type": WIDTH_TYPES[width]}


def _bounds(values: np.ndarray) -> dict:
    rows = values.reshape(len(values), -1)
    return {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
