"""A bare sculpt as a character: a neutral OBJ file, and a folder of OBJ files with its shapes, named after the files.

Every shape must have the neutral's vertices in the neutral's order; its faces, if it has any, tell whether it does.
The result has no bones, so it turns as a whole, and no materials. Units of length are the files' own.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np

from commedia.characters.builder import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, GlbBuilder
from commedia.characters.character import Character
from commedia.characters.container import parse_document
from commedia.characters.gltf import character_from_bytes, character_from_document
from commedia.errors import BadCharacter
from commedia.geometry.meshes import smooth_normals, weld

MAX_BYTES = 100_000_000
"""Of one OBJ file: a million vertices with normals and texture coordinates."""
MAX_SHAPES = 1000
MAX_TOTAL = 1 << 26
"""Vertices of all shapes together: what fits a glTF file of a gigabyte."""
MAX_CORNERS = 100
FARTHEST = 1e30
"""Coordinates beyond are no lengths; glTF's 32 bit end soon after."""


def read_sculpt(neutral: Path, shapes: Path) -> Character:
    """Read the neutral face and every other OBJ file of the folder as a shape."""
    positions, faces = _read_surface(neutral)
    try:
        files = sorted(path for path in shapes.iterdir() if path.suffix.lower() == ".obj")
    except OSError as error:
        raise BadCharacter(f"cannot read the folder of shapes {shapes}: {error.strerror or error}") from None
    files = [path for path in files if path.resolve() != neutral.resolve()]
    if not files:
        raise BadCharacter(
            f"there are no shapes in {shapes}; expected OBJ files such as jawOpen.obj beside the neutral"
        )
    if len(files) > MAX_SHAPES or len(files) * len(positions) > MAX_TOTAL:
        raise BadCharacter(
            f"{shapes} has {len(files):,} shapes of {len(positions):,} vertices; "
            f"at most {MAX_SHAPES:,} shapes and {MAX_TOTAL:,} vertices in all are read"
        )
    offsets = {path.stem: _offset(path, positions, faces, neutral) for path in files}
    return character_from_bytes(_glb(positions, faces, offsets), neutral.stem)


def read_neutral(neutral: Path) -> Character:
    """Read one file alone, as a character without shapes; its vertices stay in the file's order."""
    positions, faces = _read_surface(neutral)
    document = parse_document(_glb(positions, faces, {}), name=neutral.stem)
    return character_from_document(document, needs_morphs=False)


def _read_surface(path: Path) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    positions, faces = _read(path)
    if not faces:
        raise BadCharacter(f"{path} has no faces, so there is nothing to see; expected lines that begin with 'f'")
    return positions, faces


def _offset(path: Path, positions: np.ndarray, faces: list[tuple[int, ...]], neutral: Path) -> np.ndarray:
    moved, own_faces = _read(path)
    if len(moved) != len(positions):
        raise BadCharacter(
            f"the shape {path.name} has {len(moved):,} vertices and the neutral {neutral.name} has {len(positions):,}; "
            "both must have the same vertices in the same order"
        )
    if own_faces and own_faces != faces:
        if len(own_faces) != len(faces):
            how = f"it has {len(own_faces):,} faces and the neutral {neutral.name} has {len(faces):,}"
        else:
            row = next(row for row, pair in enumerate(zip(own_faces, faces, strict=True)) if pair[0] != pair[1])
            how = f"its face {row + 1} joins {_corners(own_faces[row])}, that of {neutral.name} {_corners(faces[row])}"
        raise BadCharacter(f"the shape {path.name} has its vertices in another order: {how}")
    return (moved - positions).astype(np.float32)


def _corners(face: tuple[int, ...]) -> str:
    return "-".join(str(corner + 1) for corner in face[:8])


def _read(path: Path) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """Positions (v, 3), and faces as tuples of vertex indices."""
    vertices: list[tuple[float, float, float]] = []
    faces: list[tuple[int, ...]] = []
    for number, line in enumerate(_lines(path), 1):
        words = line.split()
        try:
            if words[:1] == [b"v"]:
                x, y, z = (float(word) for word in words[1:4])
                if not all(abs(value) < FARTHEST for value in (x, y, z)):
                    raise ValueError("a coordinate is not a finite number")
                vertices.append((x, y, z))
            elif words[:1] == [b"f"]:
                if len(words) - 1 > MAX_CORNERS:
                    raise ValueError(f"a face has {len(words) - 1} corners; at most {MAX_CORNERS} are read")
                corners = [int(word.split(b"/")[0]) for word in words[1:]]
                # Negative numbers count back from the last vertex so far.
                faces.append(tuple(corner - 1 if corner > 0 else len(vertices) + corner for corner in corners))
        except ValueError as error:
            raise BadCharacter(f"{path}, line {number}: {error}") from None
    if not vertices:
        raise BadCharacter(f"{path} has no vertices, so it is not an OBJ file of a face")
    wrong = next((face for face in faces if len(face) < 3 or min(face) < 0 or max(face) >= len(vertices)), None)
    if wrong is not None:
        raise BadCharacter(f"{path} has the face {_corners(wrong)}, and {len(vertices):,} vertices to make it of")
    return np.array(vertices), faces


def _lines(path: Path) -> list[bytes]:
    try:
        if not path.is_file():
            raise BadCharacter(f"there is no file {path}; expected a neutral face as .obj")
        if path.stat().st_size > MAX_BYTES:
            raise BadCharacter(f"{path} has {path.stat().st_size:,} bytes; an OBJ file may have at most {MAX_BYTES:,}")
        return path.read_bytes().splitlines()
    except OSError as error:
        raise BadCharacter(f"cannot read {path}: {error.strerror or error}") from None


def _glb(positions: np.ndarray, faces: list[tuple[int, ...]], offsets: dict[str, np.ndarray]) -> bytes:
    builder = GlbBuilder()
    triangles = np.array([(face[0], *pair) for face in faces for pair in pairwise(face[1:])], dtype="<u4")
    targets = [{"POSITION": builder.sparse_accessor(offset, bounds=True)} for offset in offsets.values()]
    primitive = {
        "attributes": {
            "POSITION": builder.accessor(positions.astype(np.float32), target=ARRAY_BUFFER, bounds=True),
        },
        "indices": builder.accessor(triangles.reshape(-1), target=ELEMENT_ARRAY_BUFFER),
    }
    mesh: dict = {"name": "sculpt", "primitives": [primitive]}
    if targets:
        primitive["targets"] = targets
        mesh |= {"weights": [0.0] * len(offsets), "extras": {"targetNames": list(offsets)}}
    else:
        # Without normals viewers shade each triangle flat; shapes turn them, so the others do without.
        normals = smooth_normals(positions, triangles.astype(np.int32), weld(positions))
        primitive["attributes"]["NORMAL"] = builder.accessor(normals, target=ARRAY_BUFFER)
    builder.tree |= {
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "sculpt", "mesh": 0}],
        "meshes": [mesh],
    }
    return builder.to_bytes()
