"""Cut the head out of the body: its vertices, triangles, parts and mirror table."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from rings import NECK_RING, ring
from wheel import BaseMesh

from commedia.face_model.model import PARTS

CHIN_VERTEX = 733
PART_GROUPS = {
    "left_eye": ("helper-l-eye",),
    "right_eye": ("helper-r-eye",),
    "teeth": ("helper-upper-teeth", "helper-lower-teeth"),
    "tongue": ("helper-tongue",),
}


@dataclass(frozen=True)
class Topology:
    """`base_vertex[i]` is the base mesh's number of head vertex i; the rest is in head numbers."""

    base_vertex: np.ndarray
    faces: np.ndarray
    triangles: np.ndarray
    triangle_part: np.ndarray
    mirror: np.ndarray
    base_face: np.ndarray

    def number(self, base_vertices: np.ndarray) -> np.ndarray:
        """Return the head numbers of base vertices, all of which must be in the head."""
        found = np.searchsorted(self.base_vertex, base_vertices)
        assert (self.base_vertex[found] == base_vertices).all()
        return found


def cut_head(base: BaseMesh) -> Topology:
    """Keep the body above the neck ring, and eyeballs, teeth and tongue."""
    body = np.flatnonzero(base.face_group == "body")
    chosen, part = [_above(base.faces[body], set(ring(base.faces[body], *NECK_RING)), body)], []
    part.append(np.full(len(chosen[0]), PARTS.index("skin")))
    for name, groups in PART_GROUPS.items():
        chosen.append(np.flatnonzero(np.isin(base.face_group, groups)))
        part.append(np.full(len(chosen[-1]), PARTS.index(name)))
    base_face = np.concatenate(chosen)
    quads = base.faces[base_face]
    base_vertex = np.unique(quads)
    number = np.full(len(base.vertices), -1)
    number[base_vertex] = np.arange(len(base_vertex))
    mirror = number[base.mirror[base_vertex]]
    assert (mirror >= 0).all(), "the cut is not symmetric"
    quads = number[quads]
    triangles = _split(quads, base.vertices[base_vertex])
    return Topology(base_vertex, quads, triangles, np.repeat(np.concatenate(part), 2), mirror, base_face)


def _above(faces: np.ndarray, ring: set[int], numbers: np.ndarray) -> np.ndarray:
    """Grow from the chin over shared edges without crossing the ring."""
    across = defaultdict(list)
    for index, quad in enumerate(faces):
        for corner in range(4):
            across[frozenset((quad[corner], quad[(corner + 1) % 4]))].append(index)
    start = int(np.flatnonzero((faces == CHIN_VERTEX).any(axis=1))[0])
    reached, border = {start}, [start]
    while border:
        quad = faces[border.pop()]
        edges = (frozenset((quad[corner], quad[(corner + 1) % 4])) for corner in range(4))
        for index in (index for edge in edges if not edge <= ring for index in across[edge]):
            if index not in reached:
                reached.add(index)
                border.append(index)
    return numbers[sorted(reached)]


def _split(quads: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Split quads along their shorter diagonal; mirrored quads have equal lengths, so the halves mirror too."""
    corner = vertices[quads]
    straight = np.linalg.norm(corner[:, 0] - corner[:, 2], axis=1).round(6)
    crossed = np.linalg.norm(corner[:, 1] - corner[:, 3], axis=1).round(6)
    first = np.where((straight <= crossed)[:, None], quads[:, [0, 1, 2]], quads[:, [0, 1, 3]])
    second = np.where((straight <= crossed)[:, None], quads[:, [0, 2, 3]], quads[:, [1, 2, 3]])
    return np.stack([first, second], axis=1).reshape(-1, 3)
