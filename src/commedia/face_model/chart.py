"""A square chart that the skin of the face fills: vertices to texels and back, and where each blendshape acts. Numpy.

What is drawn on the chart is a map (c, s, s): row 0 is the forehead, column 0 the subject's right. Paper 2's networks
say corrections as maps, because neighbours on the face are neighbours there. The head's own texture coordinates give
the face a quarter of the square; here it is six sevenths, and lids and lips have a quarter of the texels.
"""

import zipfile
import zlib
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32, Int64

from commedia.errors import WeightsMismatch
from commedia.face_model.albedo import skin_triangles
from commedia.face_model.model import HeadModel, head_or_default

SIZE = 128
CHART_FILE = Path(__file__).resolve().parents[1] / "assets" / "face_chart.npz"
STILL_M = 1e-4
"""Vertices that a blendshape moves less than this it does not move: the paper's 0.001, in decimetres."""
BLUR_TEXELS = 1.0


@dataclass(frozen=True, eq=False)
class FaceChart:
    """Where the skin of a head's face lies on the square."""

    vertices: Int32[np.ndarray, "n"]
    """Of the head, ascending: those of `skin_triangles`. Everything else here is numbered as they are."""
    triangles: Int32[np.ndarray, "t 3"]
    uv: Float32[np.ndarray, "n 2"]
    """0 to 1, from the top left corner, as in glTF."""
    texel_triangle: Int32[np.ndarray, "s s"]
    """The triangle at each texel's centre; outside the face, in the eyes and the mouth, the nearest."""

    @cached_property
    def barycentric(self) -> Float32[np.ndarray, "s s 3"]:
        """Weights of that triangle's corners; outside it those of its nearest corners."""
        size = len(self.texel_triangle)
        middle = (np.arange(size) + 0.5) / size
        point = np.stack(np.meshgrid(middle, middle), -1)
        first, second, third = np.moveaxis(self.uv[self.triangles[self.texel_triangle]].astype(np.float64), 2, 0)
        u, v, p = second - first, third - first, point - first
        area = _cross(u, v)
        weights = np.stack([_cross(p, v) / area, _cross(u, p) / area], -1)
        weights = np.clip(np.concatenate([1 - weights.sum(-1, keepdims=True), weights], -1), 0, 1)
        return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)

    def coarser(self, step: int) -> "FaceChart":
        """The same chart with every `step`-th texel, each way."""
        return replace(self, texel_triangle=self.texel_triangle[step // 2 :: step, step // 2 :: step])

    @cached_property
    def covered(self) -> Bool[np.ndarray, "s s"]:
        """Which texels' centres lie on the face."""
        size = len(self.texel_triangle)
        middle = (np.arange(size) + 0.5) / size
        corners = self.uv[self.triangles[self.texel_triangle]]
        found = (corners * self.barycentric[..., None]).sum(2)
        return np.abs(found - np.stack(np.meshgrid(middle, middle), -1)).max(-1) < 1e-4

    @cached_property
    def edges(self) -> Int32[np.ndarray, "e 2"]:
        """Pairs of vertices that share a side of a triangle, each once."""
        return edges_of(self.triangles)

    def painted(self, values: Float[np.ndarray, "n c"]) -> Float32[np.ndarray, "c s s"]:
        """Draw values of vertices as a map; texels beside the face take after the nearest that are on it."""
        corners = values[self.triangles[self.texel_triangle]]
        return np.einsum("yxkc,yxk->cyx", corners, self.barycentric).astype(np.float32)

    def sampled(self, maps: Float[np.ndarray, "*b s2 s2"]) -> Float32[np.ndarray, "*b n"]:
        """Read maps of any size at the vertices: the function F of Chaudhuri et al. 2020, Eq. 1; its torch twin is
        `chart_layer.py`."""
        texels, weights = self.reads(maps.shape[-1])
        flat = maps.reshape(*maps.shape[:-2], -1)
        return (flat[..., texels] * weights).sum(-1).astype(np.float32)

    def reads(self, size: int) -> tuple[Int64[np.ndarray, "n 4"], Float32[np.ndarray, "n 4"]]:
        """Say which texels of a map of `size` each vertex is read from (row * size + column), and their weights."""
        place = np.clip(self.uv.astype(np.float64) * size - 0.5, 0, size - 1)
        low = np.minimum(place.astype(np.int64), size - 2)
        share = place - low
        across, down = (np.stack([1 - part, part], -1) for part in share.T)
        weights = (down[:, :, None] * across[:, None, :]).reshape(-1, 4)
        corner = low[:, 1] * size + low[:, 0]
        texels = corner[:, None] + np.array([0, 1, size, size + 1])
        return texels, weights.astype(np.float32)


def attention_masks(chart: FaceChart, displacements: Float[np.ndarray, "e n 3"]) -> Float32[np.ndarray, "e s s"]:
    """Say, 0 to 1, how much each blendshape moves each texel, beside what it moves most; zero where it moves nothing.

    Reference: Chaudhuri et al. 2020, A_i of Eq. 1: distances below a threshold are zero, divided by the largest,
    painted, a little blurred.
    """
    moved = np.linalg.norm(displacements, axis=-1)
    moved[moved < STILL_M] = 0
    moved /= np.maximum(moved.max(1, keepdims=True), STILL_M)
    painted = chart.painted(moved.T)
    blurred = [cv2.GaussianBlur(mask, (0, 0), BLUR_TEXELS, borderType=cv2.BORDER_REPLICATE) for mask in painted]
    return np.stack(blurred).astype(np.float32)


def edges_of(triangles: Int[np.ndarray, "t 3"]) -> Int32[np.ndarray, "e 2"]:
    """List the sides of triangles, each once."""
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    return np.unique(np.sort(sides, axis=1), axis=0).astype(np.int32)


@cache
def load_chart() -> FaceChart:
    """Return the chart of the default head, made by `scripts/make_face_chart.py`."""
    return read_chart(CHART_FILE, head_or_default(None))


def read_chart(path: Path, head: HeadModel) -> FaceChart:
    """Read a head's chart; raises WeightsMismatch where it is another head's, or none."""
    vertices, flat = np.unique(skin_triangles(head), return_inverse=True)
    triangles = flat.reshape(-1, 3).astype(np.int32)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            uv, found = stored["uv"].astype(np.float32), stored["texel_triangle"].astype(np.int32)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as problem:
        raise WeightsMismatch(f"'{path}' is not a chart of a face: {problem}") from problem
    if uv.shape != (len(vertices), 2) or not 0 <= found.min() <= found.max() < len(triangles):
        raise WeightsMismatch(f"'{path}' has {len(uv)} vertices; the head's face has {len(vertices)}")
    return FaceChart(vertices.astype(np.int32), triangles, uv, found)


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
