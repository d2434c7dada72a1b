"""A PC2 point cache: every vertex of every frame, for programs that play meshes without knowing rigs.

Goes with the OBJ of the same name, which has the triangles and the neutral face; vertices are in its order. The format
knows samples, no seconds: sample n is frame n of a scene at the rate the cache was made with.
"""

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np

from commedia.characters.character import Character
from commedia.characters.posing import Poser
from commedia.errors import BadRate
from commedia.files import FileWriter
from commedia.outputs.files.finite import require_finite_pose
from commedia.structures import RigPose

SIGNATURE = b"POINTCACHE2\0"
VERSION = 1
HEADER = struct.Struct("<12siiffi")
"""Signature, version, number of points, first frame, frames per sample, number of samples."""


class PointCacheWriter(FileWriter):
    """Writes one person's PC2, one frame in memory at a time."""

    def __init__(self, character: Character, path: Path, rate: Fraction):
        """Write frames at a fixed `rate`, which the file does not state; see `resampled`."""
        if rate <= 0:
            raise BadRate(path, "a point cache", rate)
        super().__init__(path)
        self.rate, self._count = rate, 0
        self._poser = Poser(character)
        self._points = sum(len(positions) for _, positions in self._poser.at_rest())
        self._file.write(self._header())

    def add(self, time_s: Fraction, pose: RigPose) -> None:
        """Write one frame; `time_s` must be the next of the fixed rate."""
        assert time_s * self.rate == self._count, f"frame {self._count} at {time_s} s is not at {self.rate} per second"
        require_finite_pose(self.path, time_s, pose)
        for piece in self._poser.pose(pose):
            self._file.write(np.ascontiguousarray(piece.positions, dtype="<f4").tobytes())
        self._count += 1

    def _finish(self) -> None:
        self._file.overwrite(0, self._header())

    def _header(self) -> bytes:
        return HEADER.pack(SIGNATURE, VERSION, self._points, 0.0, 1.0, self._count)
