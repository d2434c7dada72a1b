"""A texture and its halves: from afar a smaller one is read, which is smoother and quicker."""

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from commedia.geometry.meshes import triangle_areas


class Texture:
    """A picture on a surface, in every size that a view of it may need."""

    def __init__(self, picture: UInt8[np.ndarray, "th tw c"], texels_per_unit: float, *, has_holes: bool = False):
        """`texels_per_unit` says how large the picture is on the surface; one with holes has one size, as thin hair
        would vanish from a smaller one."""
        self._sizes, self._texels_per_unit, self._has_one = [picture], texels_per_unit, has_holes

    @property
    def whole(self) -> UInt8[np.ndarray, "th tw c"]:
        return self._sizes[0]

    def repainted(self, picture: UInt8[np.ndarray, "th tw c"]) -> "Texture":
        """Another picture on the same surface."""
        return Texture(picture, self._texels_per_unit, has_holes=self._has_one)

    def seen(self, px_per_unit: float) -> UInt8[np.ndarray, "h w c"]:
        """Halve the picture as often as a pixel is as wide as two of its texels or wider."""
        halvings = 0
        while not self._has_one and self._texels_per_unit >= px_per_unit * 2 ** (halvings + 1):
            halvings += 1
            if halvings == len(self._sizes):
                height, width = self._sizes[-1].shape[:2]
                if min(height, width) < 2:
                    return self._sizes[-1]
                half = cv2.resize(self._sizes[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
                self._sizes.append(np.asarray(half, dtype=np.uint8))
        return self._sizes[halvings]


def texels_per_unit(
    vertices: Float[np.ndarray, "v 3"],
    uv: Float[np.ndarray, "v 2"],
    triangles: Int[np.ndarray, "t 3"],
    size: tuple[int, int],
) -> float:
    """How many texels of a picture of `size` (height, width) lie along a unit of a surface, on average."""
    with np.errstate(all="ignore"):  # where a corner is nowhere, nothing is known
        flat = np.concatenate([uv * (size[1], size[0]), np.zeros((len(uv), 1))], axis=1)
        texels, units = (float(triangle_areas(corners[triangles]).sum()) for corners in (flat, vertices))
    return float(np.sqrt(texels / units)) if 0 < units < np.inf and np.isfinite(texels) else 0.0
