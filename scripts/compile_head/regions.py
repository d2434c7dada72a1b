"""Name every vertex: MakeHuman's painted masks where they exist, geometry in the head frame elsewhere."""

import numpy as np
from topology import Topology
from wheel import BaseMesh

from commedia.face_model.model import PARTS, REGIONS

# Head-frame metres on the mean head, left side; found on its renders.
BROW_OUTLINE = np.array(
    [(8, 20), (20, 23.5), (34, 26), (46, 23.5), (56, 16), (46, 19.5), (34, 21), (20, 18), (8, 13.5)]
) / 1000  # fmt: skip
UPPER_LID_M, LOWER_LID_M = 0.0065, 0.0045
# The mesh has a vertex every five millimetres there; without widening half of the brow would fall between them.
BROW_WIDENING = np.array([1.02, 1.3])
NOSE_OUTLINE = (
    np.array([(0, 2), (6, 0), (9, -12), (13, -26), (19, -34), (20, -43), (14, -49), (6, -51), (0, -52)]) / 1000
)


def vertex_regions(
    base: BaseMesh,
    topology: Topology,
    mean: np.ndarray,
    masks: dict[str, np.ndarray],
    units: dict[str, np.ndarray],
    lid_edge: np.ndarray,
) -> np.ndarray:
    """Return an index into `REGIONS` per head vertex, symmetric."""
    painted = {name: _sample(mask, base, topology) for name, mask in masks.items()}
    names = np.full(len(mean), "skin", dtype="U16")
    left = mean[:, 0] >= 0
    folded = np.abs(mean[:, :1]) * [1, 0, 0] + mean * [0, 1, 1]
    names[_is_scalp(folded)] = "scalp"
    names[_is_neck(folded)] = "neck"
    front = folded[:, 2] > 0
    names[front & inside_outline(folded[:, :2], NOSE_OUTLINE)] = "nose"
    middle = BROW_OUTLINE.mean(axis=0)
    brow = front & inside_outline(folded[:, :2], middle + (BROW_OUTLINE - middle) * BROW_WIDENING)
    _set_sided(names, brow, left, "brow")
    _set_sided(names, painted["ears"] > 0.5, left, "ear")
    _set_sided(names, _lids(mean, lid_edge), left, "lids")
    lip = painted["lips"] > 0.35
    upper = _moves_less_than_lower(units["jawOpen"], mean)
    names[lip & upper], names[lip & ~upper] = "upper_lip", "lower_lip"
    names[_island(base, topology, column=(0.7, 1.0), row=(0.0, 0.14))] = "inner_mouth"
    _set_sided(names, _island(base, topology, column=(0.0, 0.2), row=(0.5, 0.7)), left, "socket")
    for part in ("left_eye", "right_eye", "teeth", "tongue"):
        names[np.unique(topology.triangles[topology.triangle_part == PARTS.index(part)])] = part
    return np.array([REGIONS.index(name) for name in names], dtype=np.uint8)


def _set_sided(names: np.ndarray, chosen: np.ndarray, left: np.ndarray, word: str) -> None:
    names[chosen & left], names[chosen & ~left] = f"left_{word}", f"right_{word}"


def _is_scalp(folded: np.ndarray) -> np.ndarray:
    """Above the hairline or behind the ears' front edge."""
    x, y, z = folded.T
    hairline = 0.074 - 0.018 * (x / 0.06) ** 2
    return (y > hairline) | ((z < -0.055) & (y > -0.03)) | ((z < -0.045) & (y > 0.02)) | (z < -0.075)


def _is_neck(folded: np.ndarray) -> np.ndarray:
    """Below the lower edge of the jaw, which runs from the chin back and up to under the ear."""
    y, z = folded[:, 1:].T
    edge = np.interp(z, [-0.10, -0.07, -0.02, 0.02, 0.05], [-0.045, -0.06, -0.092, -0.111, -0.121])
    return (y < edge) | ((z < -0.07) & (y < -0.03))


def _lids(mean: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """What lies close to the edge of the left lids or its mirror image."""
    folded = mean * [0, 1, 1] + np.abs(mean) * [1, 0, 0]
    distance = np.linalg.norm(folded[:, None] - mean[edge], axis=2).min(axis=1)
    above = folded[:, 1] > mean[edge, 1].mean()
    return distance < np.where(above, UPPER_LID_M, LOWER_LID_M)


def _moves_less_than_lower(jaw_open: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Upper lip: what stays when the jaw opens."""
    drop = -jaw_open[:, 1]
    corner = 0.5 * drop[np.abs(mean[:, 0]) < 0.001].max() * 0.55
    return drop < corner


def _sample(mask: np.ndarray, base: BaseMesh, topology: Topology) -> np.ndarray:
    """Look a mask up at each vertex; at a seam the largest value counts."""
    height, width = mask.shape
    uv = base.uv[base.uv_faces[topology.base_face]]
    column = (uv[..., 0] * width).astype(int).clip(0, width - 1)
    row = ((1 - uv[..., 1]) * height).astype(int).clip(0, height - 1)
    value = np.zeros(len(topology.base_vertex))
    np.maximum.at(value, topology.faces, mask[row, column])
    return np.maximum(value, value[topology.mirror])


def _island(base: BaseMesh, topology: Topology, *, column: tuple[float, float], row: tuple[float, float]) -> np.ndarray:
    """Vertices all of whose texture coordinates lie in a rectangle of MakeHuman's layout."""
    uv = base.uv[base.uv_faces[topology.base_face]]
    inside = (uv[..., 0] > column[0]) & (uv[..., 0] < column[1]) & (uv[..., 1] > row[0]) & (uv[..., 1] < row[1])
    result = np.ones(len(topology.base_vertex), dtype=bool)
    result[topology.faces[~inside]] = False
    return result


def inside_outline(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Even-odd test of points against a closed outline."""
    x, y = points.T
    result = np.zeros(len(points), dtype=bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        crosses = (y0 > y) != (y1 > y)
        span = np.where(y1 == y0, 1.0, y1 - y0)
        result ^= crosses & (x < (x1 - x0) * (y - y0) / span + x0)
    return result
