"""Makes any opened glTF file one GLB: buffers end to end, pictures inside; a GLB keeps every byte where it was."""

import copy
import struct
from dataclasses import dataclass
from pathlib import Path

from commedia.characters.builder import glb_header
from commedia.characters.character import Document
from commedia.characters.container import read_uri
from commedia.errors import BadCharacter, OutputFailed

WHITE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c63f80f0001010100"
    "b138f6140000000049454e44ae426082"
)
"""A picture of one pixel."""
MIME_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


@dataclass(frozen=True)
class Packed:
    """A JSON tree that refers to one binary chunk, and the pieces of that chunk."""

    tree: dict
    """A copy; free to be extended."""
    chunks: list[bytes | memoryview]
    """In order; each ends on a multiple of four bytes."""

    @property
    def length(self) -> int:
        return sum(len(chunk) for chunk in self.chunks)


def pack(document: Document) -> Packed:
    """Lay a document's buffers end to end in buffer 0; placeholders without bytes follow as buffers of their own."""
    packed = Packed(copy.deepcopy(document.json), [])
    place: dict[int, tuple[int, int]] = {}
    placeholders: list[dict] = []
    for index, data in enumerate(document.buffers):
        entry = packed.tree["buffers"][index]
        if len(data) < entry["byteLength"]:
            placeholders.append(entry)
            place[index] = (len(placeholders), 0)
        else:
            place[index] = (0, packed.length)
            _append(packed, data)
    for view in packed.tree.get("bufferViews", []):
        _move(view, place)
        for extension in (view.get("extensions") or {}).values():
            if isinstance(extension, dict) and "buffer" in extension:
                _move(extension, place)
    packed.tree["buffers"] = [{"byteLength": packed.length}, *placeholders]
    for image in packed.tree.get("images", []):
        _take_in(packed, image, document)
    packed.tree["buffers"][0]["byteLength"] = packed.length
    _name_targets(packed.tree)
    return packed


def header_of(path: Path, what: str, tree: dict, length: int) -> bytes:
    """Everything before the binary data of a GLB; refuse, naming `what`, more than the format holds."""
    try:
        return glb_header(tree, length)
    except struct.error:
        # The whole file's length is a number of 32 bits.
        raise OutputFailed(f"cannot write {path}: {what} holds at most 4 GiB") from None


def _append(packed: Packed, data: bytes | memoryview) -> None:
    packed.chunks.append(data)
    if len(data) % 4:
        packed.chunks.append(bytes(-len(data) % 4))


def _move(view: dict, place: dict[int, tuple[int, int]]) -> None:
    buffer, offset = place[view["buffer"]]
    view["buffer"] = buffer
    if offset:
        view["byteOffset"] = view.get("byteOffset", 0) + offset


def _take_in(packed: Packed, image: dict, document: Document) -> None:
    uri = image.get("uri")
    if not isinstance(uri, str) or uri.startswith("data:"):
        return
    try:
        data = read_uri(uri, document.folder, document.name)
    except BadCharacter:
        # A picture that was missing from the start, as the character's notes say.
        data = WHITE
    views = packed.tree.setdefault("bufferViews", [])
    views.append({"buffer": 0, "byteOffset": packed.length, "byteLength": len(data)})
    _append(packed, data)
    del image["uri"]
    image["bufferView"] = len(views) - 1
    image["mimeType"] = next((kind for start, kind in MIME_TYPES.items() if data.startswith(start)), "image/png")


def _name_targets(tree: dict) -> None:
    """Put the names of morph targets where every viewer looks for them: on the mesh."""
    for mesh in tree.get("meshes", []):
        for primitive in mesh.get("primitives", []):
            extras = primitive.get("extras")
            names = extras.get("targetNames") if isinstance(extras, dict) else None
            if names and isinstance(mesh.setdefault("extras", {}), dict):
                mesh["extras"].setdefault("targetNames", names)
