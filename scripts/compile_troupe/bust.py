"""A whole figure to head and shoulders: cut along the outline of a shield, and closed where it was cut."""

from dataclasses import dataclass

import numpy as np
from avatar import Part
from jaxtyping import Float, Int

from commedia.geometry.meshes import weld

POWER = 2.3
"""Of the shield's rounded lower half."""
NEAR_OUTLINE = 0.02
"""Edges are divided where a straight line says, which is not quite on a round outline."""


@dataclass(frozen=True)
class Shield:
    """The outline of a bust from ahead: straight sides down from the shoulders, then a rounded end; metres."""

    half_width: float
    shoulder_y: float
    depth: float
    """From the shoulders to the lowest point."""

    def inside(self, positions: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n"]:
        """Positive inside, 0 on the outline, falling outwards; does not depend on z."""
        across = np.abs(positions[:, 0]) / self.half_width
        below = np.maximum(self.shoulder_y - positions[:, 1], 0) / self.depth
        return 1 - (across**POWER + below**POWER) ** (1 / POWER)

    def along(self, positions: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n"]:
        """How far along the outline a point of it is, from the right shoulder over the lowest point to the left."""
        return np.arctan2(positions[:, 0] / self.half_width, (self.shoulder_y - positions[:, 1]) / self.depth)


def cut(part: Part, shield: Shield) -> Part:
    """Keep what is inside the outline; triangles across it are divided."""
    height = shield.inside(part.positions)
    # A vertex on the outline would make triangles without area.
    height[np.abs(height) < 1e-6] = 1e-6
    kept = height[part.triangles] > 0
    crossing = part.triangles[kept.any(axis=1) & ~kept.all(axis=1)]
    edges, ends = _edges_across(crossing, height)
    share = (height[ends[:, 0]] / (height[ends[:, 0]] - height[ends[:, 1]]))[:, None]

    def extended(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, values[ends[:, 0]] * (1 - share) + values[ends[:, 1]] * share])

    triangles = np.array([one for own in crossing for one in _divided(own, height, edges)], dtype=np.int64)
    whole = np.concatenate([part.triangles[kept.all(axis=1)], triangles.reshape(-1, 3)])
    halves = Part(part.name, extended(part.positions), extended(part.uv), extended(part.weights), whole)
    return halves.with_triangles(whole)


def _edges_across(crossing: np.ndarray, height: np.ndarray) -> tuple[dict[tuple[int, int], int], np.ndarray]:
    """Number the edges that cross the outline on from the vertices; also their ends, the inner one first."""
    pairs = np.concatenate([crossing[:, [0, 1]], crossing[:, [1, 2]], crossing[:, [2, 0]]])
    pairs = pairs[(height[pairs[:, 0]] > 0) != (height[pairs[:, 1]] > 0)]
    inner = np.where(height[pairs[:, 0]] > 0, pairs[:, 0], pairs[:, 1])
    ends = np.unique(np.stack([inner, pairs.sum(axis=1) - inner], axis=1), axis=0)
    return {(int(a), int(b)): len(height) + row for row, (a, b) in enumerate(ends)}, ends


def _divided(triangle: np.ndarray, height: np.ndarray, edges: dict[tuple[int, int], int]) -> list[tuple[int, ...]]:
    """The one or two triangles of the part of a triangle that is inside."""
    outline: list[int] = []
    for a, b in zip(triangle.tolist(), np.roll(triangle, -1).tolist(), strict=True):
        if height[a] > 0:
            outline.append(a)
        if (height[a] > 0) != (height[b] > 0):
            outline.append(edges[(a, b) if height[a] > 0 else (b, a)])
    return [(outline[0], outline[k], outline[k + 1]) for k in range(1, len(outline) - 1)]


def base(part: Part, shield: Shield) -> Part:
    """What closes a part that was cut: a surface along the outline, of one texel of its cloth."""
    loops = _open_loops(part, shield)
    rim = np.concatenate(loops)
    starts = np.cumsum([0, *map(len, loops)])
    flat = np.stack([shield.along(part.positions[rim]), part.positions[rim, 2] / shield.depth], axis=1)
    filled = [start + _filled(flat[start : start + len(loop)]) for start, loop in zip(starts, loops, strict=False)]
    cloth = rim[part.positions[rim, 1].argmin()]
    uv = np.tile(part.uv[cloth], (len(rim), 1))
    return Part("base", part.positions[rim], uv, part.weights[rim], np.concatenate(filled))


def _open_loops(part: Part, shield: Shield) -> list[Int[np.ndarray, "k"]]:
    """Vertices round each hole along the outline, against the sense of the triangles there."""
    place, _ = weld(part.positions)
    edges = np.concatenate([part.triangles[:, [0, 1]], part.triangles[:, [1, 2]], part.triangles[:, [2, 0]]])
    known = {(int(a), int(b)) for a, b in place[edges]}
    on_outline = np.abs(shield.inside(part.positions)) < NEAR_OUTLINE
    following = {
        int(place[b]): (int(place[a]), int(b))
        for a, b in edges
        if on_outline[a] and on_outline[b] and (int(place[b]), int(place[a])) not in known
    }
    loops = []
    while following:
        _, (before, vertex) = following.popitem()
        loop = [vertex]
        while before in following:
            before, vertex = following.pop(before)
            loop.append(vertex)
        if len(loop) > 2:
            loops.append(np.array(loop))
    return loops


def _filled(outline: Float[np.ndarray, "k 2"]) -> Int[np.ndarray, "t 3"]:
    """Cut ears off a polygon until nothing is left."""
    left, triangles = list(range(len(outline))), []
    sense = 1.0 if _twice_area(outline) > 0 else -1.0
    while len(left) > 3:
        ear = _ear(outline, left, sense)
        triangles.append((left[ear - 1], left[ear], left[(ear + 1) % len(left)]))
        del left[ear]
    return np.array([*triangles, tuple(left)], dtype=np.int64)


def _twice_area(outline: Float[np.ndarray, "k 2"]) -> float:
    after = np.roll(outline, -1, axis=0)
    return float((outline[:, 0] * after[:, 1] - outline[:, 1] * after[:, 0]).sum())


def _ear(outline: np.ndarray, left: list[int], sense: float) -> int:
    """The convex corner without another inside that has the shortest far side; the sharpest where there is none."""
    points = outline[left]
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    turn = sense * _cross(points - before, after - points)
    for corner in np.argsort(np.linalg.norm(after - before, axis=1)):
        if turn[corner] <= 0:
            continue
        a, b, c = before[corner], points[corner], after[corner]
        inside = [sense * _cross(q - p, points - p) > 1e-12 for p, q in ((a, b), (b, c), (c, a))]
        if not np.logical_and.reduce(inside).any():
            return int(corner)
    return int(turn.argmax())


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
