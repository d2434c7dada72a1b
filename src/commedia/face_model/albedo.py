"""The colours of faces as a mean and weighted variations, at the vertices of a head's visible skin. Numpy only.

Eyes, mouth interior and all that lies outside the face mask have no colour here: what a picture of skin explains.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int32

from commedia.errors import WeightsMismatch
from commedia.face_model.model import PARTS, REGIONS, HeadModel, head_or_default

SKIN_REGIONS: tuple[str, ...] = (
    *("skin", "left_brow", "right_brow", "nose", "upper_lip", "lower_lip", "left_lids", "right_lids"),
)
ALBEDO_FILE = Path(__file__).resolve().parents[1] / "assets" / "albedo.npz"
STEPS = 127
"""Of a stored variation, from none to its largest."""


@dataclass(frozen=True)
class AlbedoModel:
    """Colours as a screen shows them, 0 to 1; of our head at the vertices that `skin_triangles` uses, ascending.

    T = mean + sum_k d_k B_k; each d_k counts standard deviations (Mo et al. 2022, Eq. 1).
    """

    mean: Float[np.ndarray, "v 3"]
    basis: Float[np.ndarray, "k v 3"]


def skin_triangles(head: HeadModel) -> Int32[np.ndarray, "t 3"]:
    """A head's triangles that show the skin of the face, numbered as in the head."""
    shown = np.isin(head.vertex_region, [REGIONS.index(name) for name in SKIN_REGIONS])
    triangles = head.model.triangles
    return triangles[shown[triangles].all(1) & (head.triangle_part == PARTS.index("skin"))]


def albedo_of(colours: Float[np.ndarray, "n v 3"], count: int) -> AlbedoModel:
    """Fit the mean and the `count` strongest variations to the colours of many faces (principal components)."""
    mean = colours.mean(0)
    _, sizes, rows = np.linalg.svd((colours - mean).reshape(len(colours), -1), full_matrices=False)
    basis = rows[:count] * (sizes[:count, None] / np.sqrt(len(colours)))
    return AlbedoModel(mean.astype(np.float32), basis.reshape(-1, *mean.shape).astype(np.float32))


def save_albedo(path: Path, albedo: AlbedoModel) -> None:
    """Write a model in a byte a number; each variation has its own scale."""
    scale = np.abs(albedo.basis).max((1, 2), keepdims=True) / STEPS
    steps = np.rint(albedo.basis / scale).astype(np.int8)
    np.savez_compressed(path, mean=albedo.mean.astype(np.float16), steps=steps, scale=scale.astype(np.float32))


def read_albedo(path: Path, head: HeadModel) -> AlbedoModel:
    """Read a model of a head's colours; raises WeightsMismatch where it is another head's."""
    with np.load(path, allow_pickle=False) as stored:
        mean, basis = stored["mean"].astype(np.float32), stored["steps"] * stored["scale"]
    if len(mean) != len(np.unique(skin_triangles(head))):
        raise WeightsMismatch(f"'{path}' has colours for {len(mean)} vertices, which is another head's number")
    return AlbedoModel(mean, basis.astype(np.float32))


@cache
def load_albedo() -> AlbedoModel:
    """Return the colours of the default head, made by `scripts/make_albedo.py`."""
    return read_albedo(ALBEDO_FILE, head_or_default(None))
