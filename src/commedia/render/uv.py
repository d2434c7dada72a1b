"""A mesh's texture, texel by texel: which triangle each shows, values of vertices carried there, gaps filled. Numpy."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32

from commedia.render.rasterize_numpy import interpolate, rasterize


@dataclass(frozen=True)
class Texels:
    """What each texel of a square texture shows; row 0 is the top, as in glTF."""

    triangle: Int32[np.ndarray, "s s"]
    """-1 where no triangle lies."""
    barycentric: Float32[np.ndarray, "s s 3"]

    @property
    def covered(self) -> Bool[np.ndarray, "s s"]:
        return self.triangle >= 0

    def carried(
        self, values: Float[np.ndarray, "v c"], triangles: Int[np.ndarray, "t 3"]
    ) -> Float32[np.ndarray, "s s c"]:
        """Carry values of vertices to the texels of their triangles; 0 where there is none."""
        covered = self.covered
        carried = np.zeros((*covered.shape, values.shape[1]), dtype=np.float32)
        carried[covered] = interpolate(values, triangles, self.triangle[covered], self.barycentric[covered])
        return carried

    def filled(self, picture: Float[np.ndarray, "s s c"]) -> Float32[np.ndarray, "s s c"]:
        """Give texels that no triangle covers the values of the nearest that one does, so that seams stay clean."""
        flat = np.asarray(picture, dtype=np.float32).reshape(-1, picture.shape[2])
        return flat[self._nearest]

    @cached_property
    def _nearest(self) -> Int32[np.ndarray, "s s"]:
        """Of each texel the nearest that is covered, as row * size + column; itself where it is."""
        missing = (~self.covered).astype(np.uint8)
        _, label = cv2.distanceTransformWithLabels(missing, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
        place = np.zeros(int(label.max()) + 1, dtype=np.int32)
        place[label[self.covered]] = np.flatnonzero(self.covered)
        return place[label]


def texels_of(uv: Float[np.ndarray, "u 2"], uv_triangles: Int[np.ndarray, "t 3"], size_px: int) -> Texels:
    """Look up every texel's centre in a mesh's texture coordinates, 0 to 1."""
    flat = np.concatenate([uv * size_px, np.zeros((len(uv), 1))], axis=1)
    fragments = rasterize(flat, uv_triangles, size_px, size_px)
    return Texels(fragments.triangle, fragments.barycentric)
