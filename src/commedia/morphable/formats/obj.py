"""Positions and faces of a Wavefront OBJ file: lines `v` and `f`, all others skipped. Not a scene reader."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int32

from commedia.morphable.formats.source import MAX_VERTICES, BadFaceModel, indices, no_triangles, numbers, reading

MAX_BYTES = 500_000_000
MAX_CORNERS = 100


def read_positions(path: Path) -> Float[np.ndarray, "v 3"]:
    """Return the vertices in the file's unit and order; colours after the position are left out."""
    lines = [line.split()[1:4] for line in _lines(path) if line.startswith((b"v ", b"v\t"))]
    if not 3 <= len(lines) <= MAX_VERTICES:
        raise BadFaceModel(f"'{path}' has {len(lines)} vertices, expected 3 to {MAX_VERTICES}")
    with reading(path, "an OBJ file"):
        found = np.array(lines, dtype=np.float64)
    return numbers(path, "the vertices", found, (len(lines), 3))


def read_triangles(path: Path, count: int) -> Int32[np.ndarray, "t 3"]:
    """Return the faces, split into triangles around each face's first corner, as indices of `count` vertices."""
    triangles: list[tuple[int, int, int]] = []
    with reading(path, "an OBJ file"):
        for line in _lines(path):
            if line.startswith((b"f ", b"f\t")):
                corners = [int(word.split(b"/")[0]) for word in line.split()[1 : MAX_CORNERS + 1]]
                whole = [corner if corner > 0 else count + 1 + corner for corner in corners]
                triangles += [(whole[0], *pair) for pair in pairwise(whole[1:])]
    if not triangles:
        return no_triangles()
    return indices(path, "a face", np.array(triangles), count, first=1)


def _lines(path: Path) -> list[bytes]:
    with reading(path, "an OBJ file"):
        if path.stat().st_size > MAX_BYTES:
            raise BadFaceModel(f"'{path}' has {path.stat().st_size} bytes, expected at most {MAX_BYTES}")
        return path.read_bytes().splitlines()
