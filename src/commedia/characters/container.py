"""The outer shell of a glTF file: GLB chunks or JSON with side files, checked before anything inside is believed.

A character file may come from anywhere, so lengths are compared with what is really there, a side file may not lie
outside the character's own folder, and nothing is ever fetched. Whatever is wrong becomes one `BadCharacter`.
"""

import base64
import binascii
import json
import stat
import struct
from pathlib import Path
from urllib.parse import unquote

from commedia.characters.character import Document
from commedia.errors import BadCharacter

MAX_FILE_BYTES = 1 << 30
"""A gigabyte: above any character, below what hurts."""
MAX_TREE_BYTES = 96_000_000
"""What parsed JSON may take in memory, by its brackets and commas: far above any character's."""
KNOWN_EXTENSIONS = frozenset(
    {
        "EXT_meshopt_compression",
        "EXT_texture_avif",
        "EXT_texture_webp",
        "KHR_draco_mesh_compression",
        "KHR_texture_basisu",
        "KHR_animation_pointer",
        "KHR_lights_punctual",
        "KHR_mesh_quantization",
        "KHR_texture_transform",
        "KHR_xmp_json_ld",
        "VRM",
        "VRMC_materials_hdr_emissiveMultiplier",
        "VRMC_materials_mtoon",
        "VRMC_node_constraint",
        "VRMC_springBone",
        "VRMC_springBone_extended_collider",
        "VRMC_vrm",
    }
)
"""Extensions that a file may require: those read here, and those that change neither shape nor motion."""
LOOKS = "KHR_materials_"
"""What begins so says how light falls on a surface, and the surface is drawn without it."""
CONVERSIONS = {
    "KHR_meshopt_compression": "npx @gltf-transform/cli copy IN.glb OUT.glb",
}
"""What turns a file that needs an extension into one that does not."""


def unread_extensions(tree: dict) -> list[str]:
    """Extensions that a file uses, does not need, and that mean nothing here."""
    used = tree.get("extensionsUsed") or []
    names = [name for name in used if isinstance(name, str)] if isinstance(used, list) else []
    return [name for name in dict.fromkeys(names) if name not in KNOWN_EXTENSIONS and not name.startswith(LOOKS)]


def open_document(path: Path) -> Document:
    """Read a `.glb`, `.vrm` or `.gltf` file and the buffers it names."""
    try:
        status = path.stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            # A pipe would block and a device would never end.
            raise BadCharacter(f"cannot read the character {path}: it is not a file")
        if status.st_size > MAX_FILE_BYTES:
            raise BadCharacter(f"{path} has {status.st_size:,} bytes; a character may have at most {MAX_FILE_BYTES:,}")
        with path.open("rb") as file:
            # What is no glTF at all is refused before the rest is loaded.
            _check_start(file.read(64), path.name)
            file.seek(0)
            data = file.read()
    except FileNotFoundError:
        raise BadCharacter(f"there is no file {path}; expected a character as .glb, .vrm or .gltf") from None
    except OSError as error:
        raise BadCharacter(f"cannot read the character {path}: {error.strerror or error}") from None
    return parse_document(data, name=path.stem, folder=path.parent)


def parse_document(data: bytes, *, name: str, folder: Path | None = None) -> Document:
    """Take a glTF file's bytes apart. Without a folder, buffers in side files are refused."""
    _check_start(data[:64], name)
    text, binary = _glb_chunks(data, name) if data[:4] == b"glTF" else (data, None)
    tree = _parse_json(text, name)
    _check_version(tree, name)
    return Document(tree, _read_buffers(tree, binary, folder, name), name, folder)


def entries(tree: dict, key: str, name: str) -> list[dict]:
    """The list of objects under a key, empty when absent; anything else than objects is refused."""
    value = tree.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadCharacter(f"{name} is not valid glTF: '{key}' is not a list of objects")
    return value


def _check_start(start: bytes, name: str) -> None:
    if not start:
        raise BadCharacter(f"{name} is empty; expected a glTF 2.0 character")
    if start[:4] != b"glTF" and start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        raise BadCharacter(f"{name} is not a glTF file: it starts with {start[:8]!r} instead of b'glTF' or '{{'")


def _glb_chunks(data: bytes, name: str) -> tuple[bytes, memoryview | None]:
    if len(data) < 20:
        raise BadCharacter(f"{name} is cut off: {len(data)} bytes are less than a GLB header")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise BadCharacter(f"{name} is a GLB of version {version}; only version 2 is known")
    if length > len(data):
        raise BadCharacter(f"{name} is cut off: its header promises {length:,} bytes and {len(data):,} are there")
    text: bytes | None = None
    binary: memoryview | None = None
    offset = 12
    while offset + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, offset)
        offset += 8
        if offset + size > length:
            raise BadCharacter(f"{name} is cut off inside a chunk of {size:,} bytes")
        if kind == b"JSON" and text is None:
            text = data[offset : offset + size]
        elif kind == b"BIN\0" and binary is None:
            # A view, not a copy: characters run to hundreds of megabytes.
            binary = memoryview(data)[offset : offset + size]
        offset += size
    if text is None:
        raise BadCharacter(f"{name} has no JSON chunk, so it is not a glTF file")
    return text, binary


def _parse_json(text: bytes, name: str) -> dict:
    def refuse(constant: str):
        raise ValueError(f"{constant} is not a number in JSON")

    # Two bytes of JSON become an object of a hundred: what the tree will take is estimated before it is made.
    size = 300 * text.count(b"{") + 120 * text.count(b"[") + 100 * text.count(b",")
    if size > MAX_TREE_BYTES:
        raise BadCharacter(f"{name} has {len(text):,} bytes of JSON with more parts than a character could have")
    try:
        tree = json.loads(text.decode("utf-8-sig"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise BadCharacter(f"{name} is not valid glTF: {error}") from None
    if not isinstance(tree, dict):
        raise BadCharacter(f"{name} is not valid glTF: the JSON is not an object")
    return tree


def _check_version(tree: dict, name: str) -> None:
    asset = tree.get("asset")
    version = asset.get("version") if isinstance(asset, dict) else None
    if not isinstance(version, str) or not version.startswith("2."):
        raise BadCharacter(f"{name} is glTF version {version!r}; only 2.x is known")
    required = tree.get("extensionsRequired", [])
    if not isinstance(required, list):
        raise BadCharacter(f"{name} is not valid glTF: 'extensionsRequired' is not a list")
    for extension in required:
        if extension in CONVERSIONS:
            command = CONVERSIONS[extension]
            raise BadCharacter(f"{name} needs {extension}, which is not read here; convert it with: {command}")
        if not isinstance(extension, str) or not (extension in KNOWN_EXTENSIONS or extension.startswith(LOOKS)):
            known = ", ".join(sorted({f"{LOOKS}*", *KNOWN_EXTENSIONS}))
            raise BadCharacter(f"{name} needs the extension {extension!r}; known are {known}")


def _read_buffers(
    tree: dict, binary: memoryview | None, folder: Path | None, name: str
) -> tuple[bytes | memoryview, ...]:
    # Many buffers may name one file; it is read once, and together they stay below what one file may have.
    read: dict[str, bytes] = {}
    buffers: list[bytes | memoryview] = []
    for index, entry in enumerate(entries(tree, "buffers", name)):
        buffers.append(_buffer(entry, index, binary, folder, name, read))
        total = sum(map(len, read.values()))
        if total > MAX_FILE_BYTES:
            raise BadCharacter(f"{name} has {total:,} bytes in side files; at most {MAX_FILE_BYTES:,} are read")
    return tuple(buffers)


def _buffer(
    entry: dict, index: int, binary: memoryview | None, folder: Path | None, name: str, read: dict[str, bytes]
) -> bytes | memoryview:
    length = entry.get("byteLength")
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise BadCharacter(f"{name} is not valid glTF: buffer {index} has the length {length!r}")
    uri = entry.get("uri")
    if uri is None:
        data = binary if index == 0 and binary is not None else b""
        # Only the placeholder of a compressed file may have no bytes; a view into it fails later, by name.
        if not data and "EXT_meshopt_compression" in (entry.get("extensions") or {}):
            return b""
    elif not isinstance(uri, str):
        raise BadCharacter(f"{name} is not valid glTF: the uri of buffer {index} is not text")
    else:
        if uri not in read:
            read[uri] = read_uri(uri, folder, name)
        data = memoryview(read[uri])
    if len(data) < length:
        raise BadCharacter(f"{name}: buffer {index} should have {length:,} bytes and has {len(data):,}")
    return data[:length]


def read_uri(uri: str, folder: Path | None, name: str) -> bytes:
    """Read a data URI, or a side file within the character's folder."""
    if uri.startswith("data:"):
        head, comma, payload = uri.partition(",")
        try:
            if not comma or not head.endswith(";base64"):
                raise ValueError("it is not base64")
            return base64.b64decode(payload, validate=True)
        except (ValueError, binascii.Error) as error:
            raise BadCharacter(f"{name} has a data URI that cannot be decoded: {error}") from None
    if folder is None or "://" in uri or "\\" in uri or "\0" in uri:
        raise BadCharacter(f"{name} refers to '{uri[:80]}'; only files beside the character are read")
    root = folder.resolve()
    try:
        path = (root / unquote(uri)).resolve()
        if not path.is_relative_to(root) or not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
            raise BadCharacter(f"{name} refers to '{uri[:80]}', which is not a file in the character's folder")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise BadCharacter(f"{name} refers to '{uri[:80]}', which cannot be read: {error}") from None
