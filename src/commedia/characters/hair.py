"""A head's mesh with hair of some thickness: the scalp moved outwards, to nothing at the hairline."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float32

from commedia.face_model.model import REGIONS, HeadModel
from commedia.geometry.meshes import smooth_normals

SOFT_STEPS = 6
"""How many edges of the mesh the hairline takes to rise."""


def with_hair(head: HeadModel, vertices: Float[np.ndarray, "v 3"], thickness_m: float) -> Float[np.ndarray, "v 3"]:
    """Move the scalp out by a thickness."""
    if thickness_m <= 0:
        return vertices
    out = smooth_normals(vertices, head.model.triangles)
    return (vertices + thickness_m * scalp_share(head)[:, None] * out).astype(vertices.dtype)


@lru_cache(maxsize=2)
def scalp_share(head: HeadModel) -> Float32[np.ndarray, "v"]:
    """How much of the thickness each vertex gets: 0 off the scalp, rising from its edge inwards."""
    triangles, scalp = head.model.triangles, head.vertex_region == REGIONS.index("scalp")
    share = scalp.astype(np.float32)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    count = np.maximum(np.bincount(edges.ravel(), minlength=len(share)), 1)
    for _ in range(SOFT_STEPS):
        summed = np.bincount(edges[:, 0], share[edges[:, 1]], len(share))
        summed += np.bincount(edges[:, 1], share[edges[:, 0]], len(share))
        share = (summed / count).astype(np.float32) * scalp
    return share / max(float(share.max()), 1e-6)
