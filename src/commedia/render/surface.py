"""What the pixels see of a mesh, and its values there: compiled loops, or the same in plain Python without numba."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int64, UInt8

from commedia.geometry.compiled import compiled
from commedia.render import surface_loops

_FLOATS, _CORNERS, _NUMBERS, _BYTES = "float32[:, ::1]", "int64[:, ::1]", "int64[::1]", "uint8[::1]"
_SIGNATURES = {
    "find_shares": f"void({_CORNERS}, {_FLOATS}, {_CORNERS}, {_NUMBERS}, {_NUMBERS}, {_FLOATS})",
    "mix_values": f"void({_CORNERS}, {_FLOATS}, {_NUMBERS}, {_FLOATS}, {_FLOATS})",
    "make_unit": f"void({_FLOATS}, boolean)",
    "most_of": f"void({_CORNERS}, {_BYTES}, {_NUMBERS}, {_FLOATS}, {_BYTES})",
    "add_normals": f"void({_CORNERS}, {_FLOATS}, {_FLOATS})",
}


@lru_cache(maxsize=len(_SIGNATURES))
def _loop(name: str) -> Callable[..., Any]:
    plain = getattr(surface_loops, name)
    return compiled(plain, _SIGNATURES[name]) or plain


class Seen(NamedTuple):
    """The pixels that see something, row by row."""

    pixel: Int64[np.ndarray, "n"]
    """row * width + column."""
    triangle: Int64[np.ndarray, "n"]
    shares: Float32[np.ndarray, "n 3"]
    """Of the triangle's corners at the pixel's centre, in the image plane."""

    def where(self, chosen: Bool[np.ndarray, "n"]) -> "Seen":
        """Some of the pixels."""
        return Seen(*(part.take(np.flatnonzero(chosen), axis=0) for part in self))

    def mixed(
        self, triangles: Int64[np.ndarray, "t 3"], values: Float[np.ndarray, "v c"]
    ) -> Float32[np.ndarray, "n c"]:
        """Carry values of the corners to the pixels."""
        found = np.zeros((len(self.pixel), values.shape[1]), np.float32)
        _loop("mix_values")(triangles, np.ascontiguousarray(values, np.float32), self.triangle, self.shares, found)
        return found

    def most_of(self, triangles: Int64[np.ndarray, "t 3"], kinds: UInt8[np.ndarray, "v"]) -> UInt8[np.ndarray, "n"]:
        """Which kind of the corners has the largest share of each pixel."""
        found = np.zeros(len(self.pixel), np.uint8)
        _loop("most_of")(triangles, kinds, self.triangle, self.shares, found)
        return found


def seen_pixels(
    owner: Int[np.ndarray, "h w"], points: Float[np.ndarray, "v 3"], triangles: Int64[np.ndarray, "t 3"]
) -> Seen:
    """What a z-buffer saw: `owner` is each pixel's triangle or -1, `points` are in pixels."""
    count = np.count_nonzero(owner >= 0)
    seen = Seen(np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros((count, 3), np.float32))
    places = np.ascontiguousarray(owner, np.int64), np.ascontiguousarray(points, np.float32)
    _loop("find_shares")(*places, triangles, *seen)
    return seen


def normals_of(points: Float[np.ndarray, "v 3"], triangles: Int64[np.ndarray, "t 3"]) -> Float32[np.ndarray, "v 3"]:
    """As `shade.vertex_normals`: zero where a vertex has no triangle."""
    normals = np.zeros((len(points), 3), np.float32)
    _loop("add_normals")(triangles, np.ascontiguousarray(points, np.float32), normals)
    return made_unit(normals)


def made_unit(vectors: Float32[np.ndarray, "n 3"], *, towards_viewer: bool = False) -> Float32[np.ndarray, "n 3"]:
    """The same array with vectors of length 1, zeros staying zero; with `towards_viewer` no z is negative."""
    _loop("make_unit")(vectors, towards_viewer)
    return vectors
