"""What a mesh is made of: the face, eyeballs, teeth, lashes, and all that stays.

A piece hangs together by shared vertices; eyeballs are known by shape, the rest by what of our head they lie on.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Float, Int

from commedia.geometry.closest import ClosestPoints
from commedia.geometry.solvers import sparse
from commedia.rigging.slits import edge_graph

SPHERE_TOLERANCE = 0.12
"""Of the radius: how far an eyeball's vertices may be from a sphere; corneas bulge."""
EYE_RADIUS_M = (0.006, 0.030)
EYE_MISS_M = 0.020
"""How far an eyeball may be from ours; stylised eyes are large and wide apart."""
CARD_M = 0.008
"""Lashes and brows made of cards are nowhere farther than this from the skin, on average."""
ROWS_APART_M = 0.006
"""The least distance of the middles of upper and lower teeth."""
NARROW_M = 0.02
"""A piece in the mouth that is narrower than this is a tooth."""
AROUND_M = 0.02
"""A piece that reaches farther than this out of the box around our head is none of its parts."""
FACE_LANDMARKS = range(17, 68)
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

    vertices: Int[np.ndarray, "n"]
    kind: Kind
    part: int = 0
    """Of an eye: 0 the subject's left, 1 right. Of teeth: 0 upper, 1 lower."""


@dataclass(frozen=True)
class Anatomy:
    """Our own head's parts where the target is, head frame, metres."""

    skin: ClosestPoints
    eyes: Float[np.ndarray, "2 3"]
    """Centres, the subject's left first."""
    mouth: tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]
    """The box behind the lips in which the middle of teeth and tongues lies."""
    mouth_line: float
    """Height of the lips' rims: the middle of upper teeth is above."""


def connected(vertices: Float[np.ndarray, "w 3"], triangles: Int[np.ndarray, "u 3"]) -> Int[np.ndarray, "w"]:
    """Number the pieces of a mesh, per vertex."""
    return sparse().csgraph.connected_components(edge_graph(vertices, triangles), directed=False)[1].astype(np.int64)


def face_pieces(
    vertices: Float[np.ndarray, "w 3"],
    of_vertex: Int[np.ndarray, "w"],
    nearest: Int[np.ndarray, "n"],
    numbers: Int[np.ndarray, "n"],
) -> Int[np.ndarray, "p"]:
    """Return the pieces that carry the landmarks: those with at least a fifth of what the first has.

    Eyeballs are none of them, though a lid's landmark may be nearer to the eyeball than to the lid. Vertices are in the
    head frame, metres, as well as landmarks can tell; `nearest` is the vertex at each landmark, `numbers` its iBUG-68.
    """
    inside = np.isin(numbers, list(FACE_LANDMARKS))
    votes = np.bincount(of_vertex[nearest[inside] if inside.any() else nearest])
    order = np.argsort(-votes, kind="stable")
    pieces = [piece for piece in order[votes[order] > 0] if fit_sphere(vertices[of_vertex == piece]) is None]
    if not pieces:
        return order[:1]
    return np.array([piece for piece in pieces if votes[piece] >= 0.2 * votes[pieces[0]]])


def sort_pieces(
    vertices: Float[np.ndarray, "w 3"], of_vertex: Int[np.ndarray, "w"], faces: Int[np.ndarray, "p"], anatomy: Anatomy
) -> list[Piece]:
    """Say what each piece is. What stays is one piece, all cards are one, and so is the face."""
    low, high = anatomy.skin.corners.min(axis=(0, 1)) - AROUND_M, anatomy.skin.corners.max(axis=(0, 1)) + AROUND_M
    is_face = np.isin(of_vertex, faces)
    outside = np.bincount(of_vertex, ((vertices < low) | (vertices > high)).any(axis=1)) > 0
    others = np.flatnonzero(~is_face & ~outside[of_vertex])
    others = others[np.argsort(of_vertex[others], kind="stable")]
    groups = np.split(others, np.flatnonzero(np.diff(of_vertex[others])) + 1) if len(others) else []
    on_skin = np.zeros(len(vertices))
    on_skin[others] = anatomy.skin.closest(vertices[others]).distance
    pieces = [_piece(vertices, group, on_skin[group], anatomy) for group in groups]
    together = [piece for piece in pieces if piece.kind is Kind.EYE]
    together += _mouth_pieces(vertices, [piece.vertices for piece in pieces if piece.kind is Kind.TEETH], anatomy)
    cards = [piece.vertices for piece in pieces if piece.kind is Kind.CARD]
    if cards:
        together.append(Piece(np.concatenate(cards), Kind.CARD))
    return [Piece(np.flatnonzero(is_face), Kind.FACE), *together]


def _piece(vertices: np.ndarray, group: np.ndarray, on_skin: np.ndarray, anatomy: Anatomy) -> Piece:
    own = vertices[group]
    ball = fit_sphere(own)
    if ball is not None:
        away = np.linalg.norm(anatomy.eyes - ball[0], axis=1)
        if away.min() < EYE_MISS_M:
            return Piece(group, Kind.EYE, int(away.argmin()))
    middle = own.mean(axis=0)
    if (middle > anatomy.mouth[0]).all() and (middle < anatomy.mouth[1]).all():
        return Piece(group, Kind.TEETH)
    is_card = on_skin.mean() < CARD_M and on_skin.max() < 2 * CARD_M
    return Piece(group, Kind.CARD if is_card else Kind.STILL)


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


def _mouth_pieces(vertices: np.ndarray, groups: list[np.ndarray], anatomy: Anatomy) -> list[Piece]:
    """Tell the tongue, and the teeth above and below, by their shapes and their order."""
    groups = sorted(groups, key=lambda group: -float(np.median(vertices[group, 1])))
    # A filled piece above another is the palate.
    tongues = [group for place, group in enumerate(groups) if (place or len(groups) == 1) and _filled(vertices[group])]
    teeth = [group for group in groups if not any(group is tongue for tongue in tongues)]
    heights = np.array([np.median(vertices[group, 1]) for group in teeth])
    if len(teeth) and tongues and np.ptp(heights) <= ROWS_APART_M:
        # With one row of teeth beside it, what is filled is the other row, with a tongue grown into it; of several the
        # widest, whose gum is filled, with the tongue inside.
        row = max(tongues, key=lambda group: float(np.ptp(vertices[group, 0])))
        teeth, tongues = [*teeth, row], [group for group in tongues if group is not row]
        heights = np.array([np.median(vertices[group, 1]) for group in teeth])
    line = anatomy.mouth_line
    if len(heights) and np.ptp(heights) > ROWS_APART_M:
        line = (heights.min() + heights.max()) / 2
    pieces = [Piece(group, Kind.TEETH, int(height < line)) for group, height in zip(teeth, heights, strict=True)]
    return pieces + [Piece(group, Kind.TONGUE) for group in tongues]


def _filled(own: np.ndarray) -> bool:
    """Whether the middle of a piece reaches as far back as its sides; that of an arch of teeth is at the front only."""
    low, high = own.min(axis=0), own.max(axis=0)
    if high[0] - low[0] < NARROW_M:
        return False
    middle = own[np.abs(own[:, 0] - (low[0] + high[0]) / 2) < 0.2 * (high[0] - low[0])]
    return len(middle) > 1 and bool(np.ptp(middle[:, 2]) > 0.6 * (high[2] - low[2]))
