"""Scans of faces: meshes as OBJ or VRML 2.0, read when somebody asks, and not trusted."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from commedia.errors import UnreadableMedia
from commedia.geometry.wavefront import FARTHEST, MAX_BYTES, MAX_CORNERS, MAX_VERTICES, Surface, read_obj

_POINTS = re.compile(rb"\bCoordinate\s*\{\s*point\s*\[([^\]]*)\]")
"""Not those of a TextureCoordinate."""
_FACES = re.compile(rb"\bcoordIndex\s*\[([^\]]*)\]")
_COMMENT = re.compile(rb"#[^\r\n]*")


@dataclass(frozen=True)
class StoredScan:
    """A mesh file."""

    path: Path
    unit_m: float | None
    """Metres of one unit; None where the data set does not say."""

    def surface(self) -> Surface:
        """Read it, in its own unit. Raises UnreadableMedia."""
        return read_wrl(self.path) if self.path.suffix.lower() == ".wrl" else read_obj(self.path, UnreadableMedia)


def read_wrl(path: Path) -> Surface:
    """Read the first IndexedFaceSet of a VRML 2.0 file: its points and faces alone. Raises UnreadableMedia."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableMedia(f"'{path}' has {path.stat().st_size:,} bytes; a scan may have {MAX_BYTES:,}")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableMedia(f"'{path}' cannot be read: {error.strerror}") from None
    if not data.startswith(b"#VRML V2.0"):
        raise UnreadableMedia(f"'{path}' is no VRML 2.0 file: it does not begin with '#VRML V2.0'")
    data = _COMMENT.sub(b"", data)
    points, faces = _POINTS.search(data), _FACES.search(data)
    if points is None or faces is None:
        missing = "Coordinate { point [ ... ] }" if points is None else "coordIndex [ ... ]"
        raise UnreadableMedia(f"'{path}' has no whole '{missing}'")
    try:
        positions, found = _positions(points[1]), _polygons(faces[1])
        most = max((max(face) for face in found), default=-1)
        if most >= len(positions):
            raise ValueError(f"a face names point {most}, and there are {len(positions)}")
    except ValueError as error:
        raise UnreadableMedia(f"'{path}' cannot be read as a scan: {str(error)[:120]}") from None
    return Surface(positions, found)


def _positions(text: bytes) -> np.ndarray:
    words = text.replace(b",", b" ").split()
    if len(words) % 3 or not 9 <= len(words) <= 3 * MAX_VERTICES:
        raise ValueError(f"{len(words)} coordinates make no points of a surface")
    positions = np.array([float(word) for word in words]).reshape(-1, 3)
    # Written so that NaN fails it too.
    if not (np.abs(positions) <= FARTHEST).all():
        raise ValueError(f"a coordinate is not a finite number, or beyond {FARTHEST:g}")
    return positions


def _polygons(text: bytes) -> list[tuple[int, ...]]:
    faces: list[tuple[int, ...]] = []
    face: list[int] = []
    for word in text.replace(b",", b" ").split():
        corner = int(word)
        if corner >= 0:
            face.append(corner)
        if len(face) > MAX_CORNERS or corner < -1:
            raise ValueError(f"a face has more than {MAX_CORNERS} corners" if corner >= 0 else f"a corner is {corner}")
        if corner == -1:
            faces += [tuple(face)] if len(face) > 2 else []
            face = []
    if len(face) > 2:  # the last -1 may be left out
        faces.append(tuple(face))
    if not faces:
        raise ValueError("it has no face")
    return faces
