"""What a mesh is made of: the face, eyeballs, teeth, lashes, and all that stays.

A piece is what hangs together by shared vertices. Eyeballs are known by their shape, the rest by what of our head they
lie on.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Float, Int, Int64

from commedia.geometry.closest import ClosestPoints
from commedia.rigging.slits import edge_graph

SPHERE_TOLERANCE = 0.12
"""Of the radius: how far an eyeball's vertices may be from a sphere; corneas bulge."""
EYE_RADIUS_M = (0.006, 0.030)
EYE_MISS_M = 0.020
"""How far an eyeball may be from ours; stylised eyes are large and wide apart."""
TEETH_MISS_M = 0.012
CARD_M = 0.008
"""Lashes and brows made of cards are nowhere farther than this from the skin, on average."""
FACE_MARKS = range(17, 68)
"""Landmarks inside the face, which say what piece is the face; the jaw line may be hidden by a collar."""


class Kind(Enum):
    """What a piece does."""

    FACE = "face"
    EYE = "eye"
    TEETH = "teeth"
    TONGUE = "tongue"
    CARD = "card"
    STILL = "still"


@dataclass(frozen=True)
class Piece:
    """Vertices that hang together, and what they are."""

    vertices: Int64[np.ndarray, "n"]
    kind: Kind
    part: int = 0
    """Of an eye: 0 the subject's left, 1 right. Of teeth: 0 upper, 1 lower."""


@dataclass(frozen=True)
class Anatomy:
    """Our own head's parts where the target is, head frame, metres."""

    skin: ClosestPoints
    eyes: Float[np.ndarray, "2 3"]
    """Centres, the subject's left first."""
    teeth: tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "m 3"]]
    """Upper and lower."""
    tongue: Float[np.ndarray, "k 3"]


def connected(vertices: Float[np.ndarray, "w 3"], triangles: Int[np.ndarray, "u 3"]) -> Int64[np.ndarray, "w"]:
    """Number the pieces of a mesh, per vertex."""
    graph = edge_graph(vertices, triangles)
    from scipy.sparse.csgraph import connected_components

    return connected_components(graph, directed=False)[1].astype(np.int64)


def face_pieces(
    of_vertex: Int[np.ndarray, "w"], nearest: Int[np.ndarray, "n"], numbers: Int[np.ndarray, "n"]
) -> Int64[np.ndarray, "p"]:
    """Return the pieces that carry the landmarks: those with at least a fifth of what the first has.

    Args:
        of_vertex: Piece of each vertex.
        nearest: Vertex at each landmark.
        numbers: The landmarks' iBUG-68 numbers.
    """
    inside = np.isin(numbers, list(FACE_MARKS))
    votes = np.bincount(of_vertex[nearest[inside] if inside.any() else nearest])
    return np.flatnonzero(votes >= max(1, 0.2 * votes.max()))


def sort_pieces(
    vertices: Float[np.ndarray, "w 3"], of_vertex: Int[np.ndarray, "w"], faces: Int[np.ndarray, "p"], anatomy: Anatomy
) -> list[Piece]:
    """Say what each piece is; those far away are one piece that stays."""
    low, high = anatomy.skin.corners.min(axis=(0, 1)) - 0.02, anatomy.skin.corners.max(axis=(0, 1)) + 0.02
    order = np.argsort(of_vertex, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(of_vertex))[:-1])
    pieces = []
    for number, group in enumerate(groups):
        if number in faces:
            pieces.append(Piece(group, Kind.FACE))
        elif ((vertices[group] > low) & (vertices[group] < high)).all():
            pieces.append(_piece(vertices, group, anatomy))
        else:
            pieces.append(Piece(group, Kind.STILL))
    return pieces


def _piece(vertices: np.ndarray, group: np.ndarray, anatomy: Anatomy) -> Piece:
    own = vertices[group]
    ball = fit_sphere(own)
    if ball is not None:
        away = np.linalg.norm(anatomy.eyes - ball[0], axis=1)
        if away.min() < EYE_MISS_M:
            return Piece(group, Kind.EYE, int(away.argmin()))
    misses = [_miss(own, other) for other in (*anatomy.teeth, anatomy.tongue)]
    best = int(np.argmin(misses))
    on_skin = anatomy.skin.closest(own).distance
    if misses[best] < min(TEETH_MISS_M, float(on_skin.mean()) + 0.002):
        return Piece(group, Kind.TONGUE) if best == 2 else Piece(group, Kind.TEETH, best)
    return Piece(group, Kind.CARD if on_skin.mean() < CARD_M else Kind.STILL)


def fit_sphere(points: Float[np.ndarray, "n 3"]) -> tuple[Float[np.ndarray, "3"], float] | None:
    """Return centre and radius of an eyeball, or None for what is none: metres."""
    if len(points) < 12:
        return None
    middle = points.mean(axis=0)
    moved = points - middle
    rows = np.concatenate([2 * moved, np.ones((len(points), 1))], axis=1)
    solved = np.linalg.lstsq(rows, np.square(moved).sum(axis=1), rcond=None)[0]
    center, radius = solved[:3], float(np.sqrt(max(solved[3] + solved[:3] @ solved[:3], 0)))
    if not EYE_RADIUS_M[0] < radius < EYE_RADIUS_M[1]:
        return None
    off = np.abs(np.linalg.norm(moved - center, axis=1) - radius)
    # A lens or a lid is a small cap of a large sphere; an eyeball is at least a half.
    cap = np.linalg.norm(np.ptp(moved, axis=0)) < 1.6 * radius
    return None if cap or off.mean() > SPHERE_TOLERANCE * radius else (middle + center, radius)


def _miss(own: np.ndarray, other: np.ndarray) -> float:
    """Mean distance of vertices to those of another piece."""
    from scipy.spatial import cKDTree

    return float(cKDTree(other).query(own)[0].mean())
