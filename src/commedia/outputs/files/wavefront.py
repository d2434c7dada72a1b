"""Posed characters as Wavefront OBJ: one frame per file, for pictures and as the base of a point cache.

All pieces are one object with a group each, so that an importer keeps one list of vertices in the order in which every
pose of the character has them. Metres, +y up. Materials are named, and not described.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from commedia.characters.character import Character
from commedia.characters.posing import PosedPrimitive, Poser
from commedia.errors import SinkClosed
from commedia.files import written_aside
from commedia.outputs.files.finite import require_finite_pose
from commedia.structures import RigPose


class ObjWriter:
    """Writes each pose of a character to a file of its own: `person-01-0000.obj`, `person-01-0001.obj`, ..."""

    def __init__(self, character: Character, stem: Path):
        """Write to files whose names begin with `stem`."""
        self.path = stem.with_suffix(".obj")
        self.paths: list[Path] = []
        self._stem, self._poser = stem, Poser(character)
        self._closed = False

    def add(self, time_s: Fraction, pose: RigPose) -> None:
        """Write one frame; it counts, and its time does not."""
        if self._closed:
            raise SinkClosed(self.path)
        require_finite_pose(self.path, time_s, pose)
        path = self._stem.with_name(f"{self._stem.name}-{len(self.paths):04d}.obj")
        write_obj(path, self._poser.pose(pose))
        self.paths.append(path)

    def close(self) -> None:
        """Take no more."""
        self._closed = True

    def discard(self) -> None:
        """Remove every file that was written."""
        self._closed = True
        for path in self.paths:
            path.unlink(missing_ok=True)


def write_obj(path: Path, pieces: Sequence[PosedPrimitive]) -> None:
    """Write the pieces of a posed character as one object."""
    with written_aside(path) as file:
        file.write(f"# commedia: metres, +y up\no {_word(path.stem)}\n".encode())
        for lines in _blocks(pieces):
            file.write(lines.encode())


def _blocks(pieces: Sequence[PosedPrimitive]) -> Iterator[str]:
    vertices, coordinates = 1, 1
    for piece in pieces:
        yield _lines("v", piece.positions)
        yield _lines("vn", piece.normals)
        if piece.uv is not None:
            # OBJ counts from the lower left corner of the image.
            yield _lines("vt", piece.uv * [1, -1] + [0, 1])
        yield f"g {_word(piece.name)}\nusemtl {_word(piece.material.name)}\n"
        yield _faces(piece, vertices, coordinates)
        vertices += len(piece.positions)
        coordinates += 0 if piece.uv is None else len(piece.positions)


def _lines(key: str, rows: np.ndarray) -> str:
    # Nine digits give every 32-bit number back exactly.
    return "".join(f"{key} {' '.join(f'{value:.9g}' for value in row)}\n" for row in rows.tolist())


def _faces(piece: PosedPrimitive, vertices: int, coordinates: int) -> str:
    if piece.uv is None:
        corner = "{0}//{0}".format
    else:
        shift = coordinates - vertices
        corner = lambda index: f"{index}/{index + shift}/{index}"  # noqa: E731
    rows = (piece.triangles.astype(np.int64) + vertices).tolist()
    return "".join(f"f {' '.join(map(corner, row))}\n" for row in rows)


def _word(name: str) -> str:
    # Names end at the line's end, and some readers stop at a space.
    return "_".join(name.split()) or "unnamed"
