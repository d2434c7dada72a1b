"""Closed edge rings of MakeHuman's quad mesh that have an anatomical meaning, by the vertices they start from.

Numbers are those of `base.obj`; found by looking at labelled renders of the neutral, the blinking and the open mouth.
"""

from collections import defaultdict

import numpy as np

NECK_RING = (815, 7523)
"""Around the middle of the neck, 42 vertices; the head is cut here."""

LID_EDGE = (6784, 6785)
"""Where the subject's left lids touch the eyeball, 28 vertices."""

LID_FRONT = (11465, 11466)
"""The lash line of the same lids, 28 vertices."""

LID_LININGS = ((13352, 13353), (7748, 7747))
"""The next two rings inwards of the edge, which bound what is seen of the eyeball; iBUG-68's lids lie on them."""

LIP_BORDER = (455, 7214)
"""The edge of the red of the lips, 38 vertices; 455 is its upper midpoint, 492 its lower one."""

LIP_MIDDLES = (467, 509, 468, 474, 520, 537, 554)
"""Upper midpoints of neighbouring rings around the mouth, from outside the seam to inside the mouth; 520 is the rim."""

LIP_RIM = (520, 7267)
"""Where the lips touch each other: the innermost part that an open mouth shows; 520 is its upper midpoint."""


def lip_columns(faces: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Return the rings of `LIP_MIDDLES` as (rings, 38) vertices; column 0 is the upper midline, then to the left.

    Rings are aligned, so columns k and 19 - k (and their mirror images) face each other across the mouth.
    """
    rows = []
    for middle in LIP_MIDDLES:
        quads = faces[(faces == middle).any(axis=1)]
        beside = {q[(list(q).index(middle) + step) % 4] for q in quads.tolist() for step in (1, 3)}
        (left,) = (vertex for vertex in beside if vertices[vertex, 0] > 1e-6)
        rows.append(ring(faces, middle, left))
    return np.array(rows)


def ring(faces: np.ndarray, first: int, second: int) -> list[int]:
    """Follow an edge ring: at each vertex of valence four leave by the edge opposite to the arrival."""
    near, quads_of = defaultdict(set), defaultdict(list)
    for quad in faces:
        for corner in range(4):
            near[quad[corner]] |= {quad[(corner + 1) % 4], quad[corner - 1]}
            quads_of[quad[corner]].append(quad)
    path = [first, second]
    while True:
        beside = {v for quad in quads_of[path[-1]] if path[-2] in quad for v in quad}
        (ahead,) = near[path[-1]] - beside
        if ahead == first:
            return [int(vertex) for vertex in path]
        path.append(ahead)
