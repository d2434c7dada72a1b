"""Positions and faces of a Wavefront OBJ file: lines `v` and `f`, all others skipped. Not a scene reader.

Files come from anywhere: whatever is wrong with one is a single sentence, and its size is bounded before it is read.
"""

import io
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int32

from commedia.errors import CommediaError

MAX_BYTES = 100_000_000
"""A million vertices with normals and texture coordinates."""
MAX_LINES = 10_000_000
MAX_LINE_BYTES = 4096
"""Of a vertex or a face: a hundred corners of the longest sane numbers take half of it."""
MAX_VERTICES = 2_000_000
MAX_CORNERS = 100
FACES_PER_VERTEX = 4
"""A surface of triangles has two, of anything else fewer; more is the same face again and again."""
FARTHEST = 1e9
"""Heads in micrometres have coordinates of 100,000; what is larger would only overflow later."""


@dataclass(frozen=True)
class Surface:
    """What a file says of a shape, in its own unit and order."""

    positions: Float[np.ndarray, "v 3"]
    faces: list[tuple[int, ...]]
    """Vertices of each, counted from 0; three or more."""

    def triangles(self) -> Int32[np.ndarray, "t 3"]:
        """Split each face around its first corner."""
        split = [(face[0], *pair) for face in self.faces for pair in pairwise(face[1:])]
        return np.array(split, dtype=np.int32).reshape(-1, 3)


def read_obj(path: Path, refusal: type[CommediaError], *, faces: bool = True) -> Surface:
    """Read a file, its faces on request, never its colours; raises `refusal` for what is no OBJ file of a surface."""
    vertices: list[tuple[float, float, float]] = []
    found: list[tuple[int, ...]] = []
    data = _data(path, refusal)
    # Every vertex has a v of its own, so that there are no more of them.
    most_faces = 1000 + FACES_PER_VERTEX * data.count(b"v")
    for number, line in enumerate(io.BytesIO(data), 1):
        line = line.lstrip()
        key = line[:2].rstrip()
        try:
            if key == b"v":
                vertices.append(_vertex(_words(line), len(vertices)))
            elif key == b"f" and faces:
                if len(found) == most_faces:
                    raise ValueError(f"one face more than the {most_faces:,} that its vertices can carry")
                found.append(_face(_words(line), len(vertices)))
        except ValueError as error:
            raise refusal(f"{path} cannot be read as an OBJ file, line {number}: {str(error)[:160]}") from None
    if len(vertices) < 3:
        raise refusal(f"{path} has {len(vertices) or 'no'} vertices, so it is not an OBJ file of a face")
    # Only now, because a face may come before its vertices.
    wrong = next((face for face in found if min(face) < 0 or max(face) >= len(vertices)), None)
    if wrong is not None:
        raise refusal(f"{path} has the face {corners(wrong)}, and {len(vertices):,} vertices to make it of")
    return Surface(np.array(vertices), found)


def corners(face: tuple[int, ...]) -> str:
    """The first corners of a face as its file counts them, for a message."""
    return "-".join(str(corner + 1)[:12] for corner in face[:8])


def _data(path: Path, refusal: type[CommediaError]) -> bytes:
    """The file's bytes, its lines ended as io.BytesIO ends them."""
    try:
        if not path.is_file():
            raise refusal(f"there is no file {path}; expected an OBJ file")
        if path.stat().st_size > MAX_BYTES:
            raise refusal(f"{path} has {path.stat().st_size:,} bytes; an OBJ file may have at most {MAX_BYTES:,}")
        data = path.read_bytes()
    except OSError as error:
        raise refusal(f"cannot read {path}: {error.strerror or error}") from None
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if data.count(b"\n") > MAX_LINES:
        raise refusal(f"{path} has more lines than the {MAX_LINES:,} that an OBJ file may have")
    return data


def _words(line: bytes) -> list[bytes]:
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"it has {len(line):,} bytes; a vertex or a face may have at most {MAX_LINE_BYTES:,}")
    return line.split()[1:]


def _vertex(words: list[bytes], count: int) -> tuple[float, float, float]:
    if count == MAX_VERTICES:
        raise ValueError(f"one vertex more than the {MAX_VERTICES:,} that are read")
    if len(words) < 3:
        raise ValueError(f"a vertex has {len(words)} of its 3 coordinates")
    x, y, z = float(words[0]), float(words[1]), float(words[2])
    # Written so that NaN fails it too.
    if not (abs(x) <= FARTHEST and abs(y) <= FARTHEST and abs(z) <= FARTHEST):
        raise ValueError(f"a coordinate is not a finite number, or beyond {FARTHEST:g}")
    return x, y, z


def _face(words: list[bytes], count: int) -> tuple[int, ...]:
    if not 3 <= len(words) <= MAX_CORNERS:
        raise ValueError(f"a face needs 3 to {MAX_CORNERS} corners, and this one has {len(words)}")
    named = [int(word.split(b"/", 1)[0]) for word in words]
    if 0 in named:
        raise ValueError("a face names vertex 0; they count from 1")
    # Negative numbers count back from the last vertex so far.
    return tuple(corner - 1 if corner > 0 else count + corner for corner in named)
