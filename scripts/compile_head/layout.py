"""Texture coordinates: MakeHuman's seamless face chart upright and wide at the face, and our own for the rest."""

import numpy as np
from topology import Topology
from wheel import BaseMesh

from commedia.face_model.model import EYE_CHART_RADIUS, EYE_CHARTS, PARTS

# Charts of MakeHuman's layout (u, v of lower left and upper right corner) and where they go in ours (v down).
HEAD_CHART = ((0.62, 0.14), (1.0, 0.84))
OTHER_CHARTS = (
    (((0.75, 0.0), (0.94, 0.14)), ((0.01, 0.81), (0.20, 0.99))),  # mouth cavity
    (((0.25, 0.84), (0.51, 1.0)), ((0.22, 0.81), (0.42, 0.99))),  # under the chin
    (((0.0, 0.5), (0.2, 0.7)), ((0.44, 0.81), (0.56, 0.88))),  # eye sockets
    (((0.62, 0.92), (0.65, 0.99)), ((0.44, 0.89), (0.50, 0.99))),  # tongue
    (((0.67, 0.87), (0.75, 0.925)), ((0.52, 0.89), (0.64, 0.99))),  # teeth
)
FACE_STRETCH = 4.0


def texture_coordinates(base: BaseMesh, topology: Topology, centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (u, 2) coordinates with v down and, per triangle, three indices into them."""
    number = {(v, t): i for i, (v, t) in enumerate(_corners(base, topology))}
    keys = np.array(list(number))
    uv = np.zeros((len(keys), 2))
    source = base.uv[keys[:, 1]]
    head = _within(source, HEAD_CHART)
    uv[head] = _upright(source[head], base.uv[base.uv_faces[topology.base_face]].reshape(-1, 2))
    for chart, place in OTHER_CHARTS:
        chosen = _within(source, chart) & ~head
        low, high = np.array(place)
        share = (source[chosen] - chart[0]) / (np.array(chart[1]) - chart[0])
        uv[chosen] = low + np.stack([share[:, 0], 1 - share[:, 1]], axis=1) * (high - low)
    for name, center in EYE_CHARTS.items():
        eye = np.unique(topology.triangles[topology.triangle_part == PARTS.index(name)])
        rows = np.isin(keys[:, 0], eye)
        uv[rows] = center + _eye_chart(centred[keys[rows, 0]], centred[eye].mean(axis=0))
    lookup = [{v: number[v, t] for v, t in zip(*pair, strict=True)} for pair in _pairs(base, topology)]
    triangles = np.array([[lookup[i // 2][v] for v in triangle] for i, triangle in enumerate(topology.triangles)])
    return uv, triangles


def _pairs(base: BaseMesh, topology: Topology) -> list[tuple[list[int], list[int]]]:
    rows = zip(topology.faces.tolist(), base.uv_faces[topology.base_face].tolist(), strict=True)
    return [(vertices, texture) for vertices, texture in rows]


def _corners(base: BaseMesh, topology: Topology) -> list[tuple[int, int]]:
    return sorted({corner for pair in _pairs(base, topology) for corner in zip(*pair, strict=True)})


def _within(points: np.ndarray, chart: tuple[tuple[float, float], tuple[float, float]]) -> np.ndarray:
    return ((points >= chart[0]) & (points <= chart[1])).all(axis=1)


def _upright(points: np.ndarray, everything: np.ndarray) -> np.ndarray:
    """Turn the chin down and the subject's left to the right, and give the face more room than the scalp."""
    chart = everything[_within(everything, HEAD_CHART)]
    low, high = chart.min(axis=0), chart.max(axis=0)
    across = 2 * (points[:, 1] - low[1]) / (high[1] - low[1]) - 1
    wide = np.arcsinh(FACE_STRETCH * across) / np.arcsinh(FACE_STRETCH)
    down = (points[:, 0] - low[0]) / (high[0] - low[0])
    return np.stack([0.5 + 0.49 * wide, 0.01 + 0.78 * down**1.25], axis=1)


def _eye_chart(points: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Lay an eyeball flat around its front pole; see `EYE_CHARTS`."""
    direction = points - center
    angle = np.arccos((direction[:, 2] / np.linalg.norm(direction, axis=1)).clip(-1, 1))
    flat = direction[:, :2] / np.maximum(np.linalg.norm(direction[:, :2], axis=1, keepdims=True), 1e-9)
    return EYE_CHART_RADIUS * np.sqrt(angle / np.pi)[:, None] * flat * [1, -1]
