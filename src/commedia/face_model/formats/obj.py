"""Wavefront OBJ files as parts of a face model: single precision, and triangles only."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32

from commedia.face_model.formats.source import BadFaceModel, reading
from commedia.geometry.wavefront import read_obj


def read_positions(path: Path) -> Float32[np.ndarray, "v 3"]:
    """Return the vertices in the file's unit and order; its faces are not looked at."""
    with reading(path, "an OBJ file"):
        return read_obj(path, BadFaceModel, faces=False).positions.astype(np.float32)


def read_surface(path: Path) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "t 3"]]:
    """Return the vertices and the faces, split into triangles around each face's first corner."""
    with reading(path, "an OBJ file"):
        found = read_obj(path, BadFaceModel)
        return found.positions.astype(np.float32), found.triangles()
