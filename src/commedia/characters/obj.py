"""A bare sculpt as a character: a neutral OBJ file, and a folder of OBJ files with its shapes, named after the files.

Every shape must have the neutral's vertices in the neutral's order; its faces, if it has any, tell whether it does.
The result has no bones, so it turns as a whole, and no materials. Units of length are the files' own.
"""

from pathlib import Path

import numpy as np

from commedia.characters.builder import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, GlbBuilder
from commedia.characters.character import Character
from commedia.characters.container import parse_document
from commedia.characters.gltf import character_from_bytes, character_from_document
from commedia.characters.obj_survey import survey
from commedia.errors import BadCharacter
from commedia.geometry.meshes import smooth_normals, weld
from commedia.geometry.wavefront import MAX_BYTES, Surface, corners, read_obj

MAX_SHAPES = 1000
MAX_TOTAL = 1 << 26
"""Vertices of all shapes together: what fits a glTF file of a gigabyte."""

MAX_VERTICES = 1_000_000
"""Of one file: more take more memory than a character is worth."""
LEAST_LINE = len(b"v 0 0 0\n")


def read_sculpt(neutral: Path, shapes: Path) -> Character:
    """Read the neutral face and every other OBJ file of the folder as a shape."""
    surface = _read_surface(neutral)
    try:
        files = sorted(path for path in shapes.iterdir() if path.suffix.lower() == ".obj")
    except OSError as error:
        raise BadCharacter(f"cannot read the folder of shapes {shapes}: {error.strerror or error}") from None
    files = [path for path in files if path.resolve() != neutral.resolve()]
    if not files:
        raise BadCharacter(
            f"there are no shapes in {shapes}; expected OBJ files such as jawOpen.obj beside the neutral"
        )
    if len(files) > MAX_SHAPES or len(files) * len(surface.positions) > MAX_TOTAL:
        raise BadCharacter(
            f"{shapes} has {len(files):,} shapes of {len(surface.positions):,} vertices; "
            f"at most {MAX_SHAPES:,} shapes and {MAX_TOTAL:,} vertices in all are read"
        )
    offsets = {path.stem: _offset(path, surface, neutral) for path in files}
    return character_from_bytes(_glb(surface, offsets), neutral.stem)


def read_neutral(neutral: Path) -> Character:
    """Read one file alone, as a character without shapes; its vertices stay in the file's order."""
    document = parse_document(_glb(_read_surface(neutral), {}), name=neutral.stem)
    return character_from_document(document, needs_morphs=False)


def _read_shape(path: Path) -> Surface:
    _refuse_early(path)
    return read_obj(path, BadCharacter)


def _refuse_early(path: Path) -> None:
    """Refuse large files that cannot be read before they are: what is wrong may come after seconds and 300 MB."""
    try:
        # Smaller files are read as fast; larger ones are refused for that.
        if not path.is_file() or not LEAST_LINE * MAX_VERTICES < path.stat().st_size <= MAX_BYTES:
            return
        found = survey(path, MAX_VERTICES)
    except OSError as error:
        raise BadCharacter(f"cannot read {path}: {error.strerror or error}") from None
    if found.vertices > MAX_VERTICES:
        raise BadCharacter(f"{path} has more than {MAX_VERTICES:,} vertices, and a character may have no more")
    if found.wrong:
        raise BadCharacter(f"{path} cannot be read as an OBJ file, {found.wrong}")


def _read_surface(path: Path) -> Surface:
    surface = _read_shape(path)
    if not surface.faces:
        raise BadCharacter(f"{path} has no faces, so there is nothing to see; expected lines that begin with 'f'")
    return surface


def _offset(path: Path, surface: Surface, neutral: Path) -> np.ndarray:
    moved, count = _read_shape(path), len(surface.positions)
    if len(moved.positions) != count:
        raise BadCharacter(
            f"the shape {path.name} has {len(moved.positions):,} vertices and the neutral {neutral.name} has "
            f"{count:,}; both must have the same vertices in the same order"
        )
    own_faces, faces = moved.faces, surface.faces
    if own_faces and own_faces != faces:
        if len(own_faces) != len(faces):
            how = f"it has {len(own_faces):,} faces and the neutral {neutral.name} has {len(faces):,}"
        else:
            row = next(row for row, pair in enumerate(zip(own_faces, faces, strict=True)) if pair[0] != pair[1])
            how = f"its face {row + 1} joins {corners(own_faces[row])}, that of {neutral.name} {corners(faces[row])}"
        raise BadCharacter(f"the shape {path.name} has its vertices in another order: {how}")
    return (moved.positions - surface.positions).astype(np.float32)


def _glb(surface: Surface, offsets: dict[str, np.ndarray]) -> bytes:
    builder = GlbBuilder()
    positions, triangles = surface.positions, surface.triangles()
    targets = [{"POSITION": builder.sparse_accessor(offset, bounds=True)} for offset in offsets.values()]
    primitive = {
        "attributes": {"POSITION": builder.accessor(positions.astype(np.float32), target=ARRAY_BUFFER, bounds=True)},
        "indices": builder.accessor(triangles.reshape(-1).astype("<u4"), target=ELEMENT_ARRAY_BUFFER),
    }
    mesh: dict = {"name": "sculpt", "primitives": [primitive]}
    if targets:
        primitive["targets"] = targets
        mesh |= {"weights": [0.0] * len(offsets), "extras": {"targetNames": list(offsets)}}
    else:
        # Without normals viewers shade each triangle flat; shapes turn them, so the others do without.
        normals = smooth_normals(positions, triangles, weld(positions))
        primitive["attributes"]["NORMAL"] = builder.accessor(normals, target=ARRAY_BUFFER)
    builder.tree |= {"scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"name": "sculpt", "mesh": 0}], "meshes": [mesh]}
    return builder.to_bytes()
