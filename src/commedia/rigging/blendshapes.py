"""The 52 blendshapes on another mesh: our head is laid over it, makes each blendshape, and takes the other surface
along.

    landmarks --align, fit_identity, bend--> our head over it --blendshapes--> our 52 shapes --closest, sides--> its 52
    shapes

A target triangle takes the deformation of the triangle of our head that it lies on (Sumner and Popovic), and its
vertices are pulled to where our surface takes them, so that small errors of triangles do not add up over a face.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from commedia.conventions import EXPRESSION_COUNT
from commedia.face_model.evaluate import blendshapes_of_identity
from commedia.face_model.landmarks import points
from commedia.face_model.model import PARTS, REGIONS, HeadModel
from commedia.geometry.closest import ClosestPoints, Hits, triangle_normals
from commedia.geometry.meshes import smooth_normals
from commedia.geometry.similarity import fit_similarity
from commedia.geometry.solvers import distances, search_tree
from commedia.retarget.deformation_transfer import Guides, transfer_deformations
from commedia.rigging.lids import keep_off_eyeball
from commedia.rigging.pieces import Anatomy, Kind, Piece, connected, face_pieces, fit_sphere, sort_pieces
from commedia.rigging.registration import SPACING_M, Fitted, Landmarks, Target, align, bend, fit_identity
from commedia.rigging.slits import side_of_triangle, sides_from_seeds
from commedia.rigging.template import SLITS, STILL_M, Template, head_vertices

MATCH_M = 0.004
"""Farther from our skin a vertex is no longer pulled with full weight."""
FAR_M = 0.020
"""Farther from our skin a vertex stays, whatever it belongs to."""
LEAST_COSINE = 0.3
PULL = 10.0
"""How much guides count against gradients, per squared edge."""
LIPS, RIMS = slice(48, 68), slice(60, 68)
"""Landmarks."""
BEHIND_LIPS_M = 0.008
"""Slack of the box in which teeth and tongues are looked for."""
SURE_M = 0.003
"""Seeds of a side are at least this far from the other side."""


@dataclass(frozen=True)
class RegisteredHead:
    """Our head, laid over a target; head frame, metres."""

    template: Template
    fitted: Fitted
    skin: Float[np.ndarray, "s 3"]
    """Bent onto the target."""
    blendshapes: Float[np.ndarray, "e s 3"]
    """Displacement of the skin by each blendshape."""


@dataclass(frozen=True)
class Blendshapes:
    """What was made, in the target's own frame and unit of length."""

    displacements: Float[np.ndarray, "e w 3"]
    """Of each vertex by each of `EXPRESSION_NAMES`."""
    pieces: tuple[Piece, ...]
    """What was taken for what; vertices that are in none stay."""
    registered: RegisteredHead


def make_blendshapes(
    vertices: Float[np.ndarray, "w 3"], triangles: Int[np.ndarray, "u 3"], landmarks: Landmarks, template: Template
) -> Blendshapes:
    """Make the 52 blendshapes on a mesh in any frame and unit; vertices at one place must be one, or seams come apart.

    Triangles are anticlockwise seen from outside, or all clockwise; of the landmarks at least four are not in a plane.
    """
    triangles = _outwards(template, vertices, triangles, landmarks)
    of_vertex = connected(vertices, triangles)
    nearest = _nearest(vertices, landmarks.points)
    faces = face_pieces(align(template, landmarks).points(vertices), of_vertex, nearest, landmarks.numbers)
    on_face = np.isin(of_vertex, faces)[triangles[:, 0]]
    registered, target = lay(template, vertices, triangles[on_face], landmarks)
    pieces = sort_pieces(target, of_vertex, faces, _anatomy(registered))
    moved = np.zeros((EXPRESSION_COUNT, len(vertices), 3))
    for piece in pieces:
        if piece.kind is Kind.FACE:
            moved[:, piece.vertices] = _face_blendshapes(registered, target, triangles[on_face])[:, piece.vertices]
        else:
            moved[:, piece.vertices] = _piece_blendshapes(registered, target, triangles, piece)
    skin = np.concatenate([piece.vertices for piece in pieces if piece.kind is Kind.FACE])
    for piece in pieces:
        if piece.kind is Kind.EYE:
            keep_off_eyeball(moved, target, skin, piece.vertices)
    return Blendshapes(registered.fitted.head_from_target.inverse().offsets(moved), tuple(pieces), registered)


def _outwards(template: Template, vertices: np.ndarray, triangles: np.ndarray, landmarks: Landmarks) -> np.ndarray:
    """Turn all triangles round where the face is inside out."""
    head_from_target = align(template, landmarks)
    normals = smooth_normals(vertices, triangles)[_nearest(vertices, landmarks.points)] @ head_from_target.rotation.T
    # A face looks ahead, whatever its landmark.
    return triangles[:, ::-1] if normals[:, 2].mean() < 0 else triangles


def _nearest(vertices: np.ndarray, points: np.ndarray) -> Int[np.ndarray, "n"]:
    return np.asarray(search_tree(vertices).query(points)[1])


def lay(
    template: Template, vertices: np.ndarray, triangles: np.ndarray, landmarks: Landmarks
) -> tuple[RegisteredHead, Float[np.ndarray, "w 3"]]:
    """Lay our head over the face, twice: the second time nothing crosses a slit. Also returns the vertices there."""
    start = align(template, landmarks)
    near = _near_head(template, start.points(vertices), triangles)
    blank = np.zeros(len(near), dtype=np.int64)
    fitted = fit_identity(template, Target(vertices, near, blank), landmarks, start)
    target = fitted.head_from_target.points(vertices)
    landmarks = Landmarks(landmarks.numbers, fitted.head_from_target.points(landmarks.points), landmarks.weights)
    skin = template.skin(fitted.identity)
    bent = bend(template, skin, Target(target, near, blank), landmarks)
    sides = side_of_triangle(target_sides(template, bent, target, near), near)
    bent = bend(template, skin, Target(target, near, sides), landmarks)
    own = blendshapes_of_identity(template.head.model, fitted.identity)[:, template.vertices].astype(np.float64)
    anchors = np.flatnonzero(template.moves < STILL_M)
    triangles = template.triangles.astype(np.int32)
    blendshapes = transfer_deformations(skin, skin + own, bent, triangles, anchors=anchors) - bent
    return RegisteredHead(template, fitted, bent, blendshapes), target


def _near_head(template: Template, target: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Leave out what is far from the head, as a body is."""
    mean = template.head.model.mean
    low, high = mean.min(axis=0), mean.max(axis=0)
    margin = 0.2 * (high - low)
    inside = ((target > low - margin) & (target < high + margin)).all(axis=1)
    return triangles[inside[triangles].any(axis=1)]


def target_sides(
    template: Template, skin: Float[np.ndarray, "s 3"], target: Float[np.ndarray, "w 3"], triangles: np.ndarray
) -> Int[np.ndarray, "w"]:
    """Tell which side of which slit the target's vertices are on, from those that cannot be mistaken."""
    surface = ClosestPoints(skin, template.triangles, SPACING_M)
    hits = surface.closest(target, smooth_normals(target, triangles), least_cosine=0.7)
    sides = np.zeros(len(target), dtype=np.int64)
    used = np.isin(np.arange(len(target)), triangles)
    hit_side = np.where(hits.found & used & (hits.distance < MATCH_M), template.triangle_sides[hits.triangle], 0)
    behind = np.where(hits.found, (template.shown == 0)[template.triangles[hits.triangle, 0]], False)
    for number in range(len(SLITS)):
        seeds = []
        for side in (2 * number + 2, 2 * number + 3):
            other = skin[template.sides == side ^ 1]
            candidates = np.flatnonzero((hit_side == side) & ~behind)
            seeds.append(candidates[distances(target[candidates], other) > SURE_M])
        found = sides_from_seeds(target, triangles, seeds[0], seeds[1], behind)
        sides[found != 0] = found[found != 0] + 2 * number + 1
    return sides


def _face_blendshapes(
    registered: RegisteredHead, target: np.ndarray, triangles: np.ndarray
) -> Float[np.ndarray, "e w 3"]:
    """Transfer onto the face: gradients by triangle, guided by where our surface takes the vertices."""
    template = registered.template
    sides = target_sides(template, registered.skin, target, triangles)
    surface = ClosestPoints(registered.skin, template.triangles, SPACING_M, template.triangle_sides)
    normals = smooth_normals(target, triangles)
    hits = surface.closest(target, normals, least_cosine=LEAST_COSINE, sides=sides)
    centers = target[triangles].mean(axis=1)
    facing = triangle_normals(target[triangles])
    lain = surface.closest(centers, facing, least_cosine=LEAST_COSINE, sides=side_of_triangle(sides, triangles))
    correspondence = np.where(lain.found & (lain.distance < FAR_M), lain.triangle, -1)
    taken = interpolated(registered.blendshapes, template.triangles, hits)
    still = _still(registered, target, hits, taken)
    guided = np.flatnonzero(hits.found & (hits.distance < FAR_M) & ~still)
    edge = float(np.median(np.linalg.norm(np.diff(target[triangles[correspondence >= 0]], axis=1), axis=-1)))
    weight = PULL / edge**2 / (1 + np.square(hits.distance[guided] / MATCH_M)) ** 2
    return (
        transfer_deformations(
            registered.skin,
            registered.skin + registered.blendshapes,
            target,
            template.triangles.astype(np.int32),
            target_triangles=triangles.astype(np.int32),
            correspondence=correspondence,
            anchors=np.flatnonzero(still),
            guides=Guides(guided, target[guided] + taken[:, guided], weight),
        )
        - target
    )


def _still(registered: RegisteredHead, target: np.ndarray, hits: Hits, taken: np.ndarray) -> np.ndarray:
    """What does not move on our head, and what is far from it."""
    far = ~hits.found | (hits.distance >= FAR_M)
    # Far is far from any part of the skin, not only from one that faces the same way.
    far[far] = distances(target[far], registered.skin) > FAR_M
    return far | (hits.found & (hits.distance < FAR_M) & (np.linalg.norm(taken, axis=-1).max(axis=0) < STILL_M))


def interpolated(
    blendshapes: Float[np.ndarray, "e s 3"], triangles: Int[np.ndarray, "t 3"], hits: Hits
) -> Float[np.ndarray, "e n 3"]:
    """Return the displacement at points of the surface; zero where there is none."""
    found = np.zeros((len(blendshapes), len(hits.triangle), 3))
    for corner in range(3):
        found += hits.barycentric[:, corner, None] * blendshapes[:, triangles[hits.triangle, corner]]
    found[:, ~hits.found] = 0
    return found


def _anatomy(registered: RegisteredHead) -> Anatomy:
    head = registered.template.head
    whole = head_vertices(head, registered.fitted.identity)
    template = registered.template
    marked = points(template.landmarks, registered.skin)
    # What is in the mouth goes where the bend took the lips.
    lips = marked[LIPS] - points(template.landmarks, template.skin(registered.fitted.identity))[LIPS]
    inside = np.isin(head.vertex_region, [REGIONS.index(name) for name in ("inner_mouth", "teeth", "tongue")])
    whole[inside] += lips.mean(axis=0)
    low, high = whole[inside].min(axis=0) - BEHIND_LIPS_M, whole[inside].max(axis=0) + BEHIND_LIPS_M
    high[2] = marked[LIPS, 2].max() - BEHIND_LIPS_M / 2
    eyes = np.stack([whole[part_vertices(head, name)].mean(axis=0) for name in ("left_eye", "right_eye")])
    surface = ClosestPoints(
        registered.skin, registered.template.triangles, SPACING_M, registered.template.triangle_sides
    )
    return Anatomy(surface, eyes, (low, high), float(marked[RIMS, 1].mean()))


def part_vertices(head: HeadModel, name: str) -> Int[np.ndarray, "n"]:
    """The vertices of one of `PARTS`."""
    return np.unique(head.model.triangles[head.triangle_part == PARTS.index(name)]).astype(np.int64)


def teeth_vertices(head: HeadModel) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "m"]]:
    """The upper and the lower teeth of our head: its two pieces of teeth."""
    teeth = part_vertices(head, "teeth")
    surface = np.searchsorted(teeth, head.model.triangles[head.triangle_part == PARTS.index("teeth")])
    piece = connected(head.model.mean[teeth], surface)
    rows = [teeth[piece == number] for number in range(2)]
    rows.sort(key=lambda own: -float(head.model.mean[own, 1].mean()))
    return rows[0], rows[1]


def _piece_blendshapes(
    registered: RegisteredHead, target: np.ndarray, triangles: np.ndarray, piece: Piece
) -> Float[np.ndarray, "e n 3"]:
    """Move a piece that is not the face."""
    own, template = target[piece.vertices], registered.template
    head = template.head
    if piece.kind is Kind.CARD:
        surface = ClosestPoints(registered.skin, template.triangles, SPACING_M)
        return interpolated(registered.blendshapes, template.triangles, surface.closest(own))
    if piece.kind is Kind.TONGUE:
        return _tongue_blendshapes(registered, own, triangles[np.isin(triangles[:, 0], piece.vertices)], piece.vertices)
    if piece.kind is Kind.EYE:
        ball = fit_sphere(own)
        assert ball is not None
        # Turned about its own centre, shifted as ours.
        return _as_rigid(registered, part_vertices(head, ("left_eye", "right_eye")[piece.part]), own, ball[0])
    return _as_rigid(registered, teeth_vertices(head)[piece.part], own, None)


def _as_rigid(
    registered: RegisteredHead, rows: np.ndarray, own: np.ndarray, center: np.ndarray | None
) -> Float[np.ndarray, "e n 3"]:
    """Move points as the best rigid motion of a part of ours moves it."""
    head = registered.template.head
    rest = head_vertices(head, registered.fitted.identity)[rows]
    center = rest.mean(axis=0) if center is None else center
    moved = np.zeros((EXPRESSION_COUNT, *own.shape))
    for blendshape in range(EXPRESSION_COUNT):
        delta = head.model.expression_basis[blendshape, rows].astype(np.float64)
        if delta.any():
            turn = fit_similarity(rest, rest + delta).rotation
            moved[blendshape] = (own - center) @ (turn - np.eye(3)).T + delta.mean(axis=0)
    return moved


def _tongue_blendshapes(
    registered: RegisteredHead, own: np.ndarray, triangles: np.ndarray, rows: np.ndarray
) -> Float[np.ndarray, "e n 3"]:
    """Carry a tongue along with the surface of ours."""
    head = registered.template.head
    part = part_vertices(head, "tongue")
    surface = np.searchsorted(part, head.model.triangles[head.triangle_part == PARTS.index("tongue")])
    rest = head_vertices(head, registered.fitted.identity)[part]
    numbered = np.searchsorted(rows, triangles)
    hits = ClosestPoints(rest, surface, SPACING_M).closest(own, smooth_normals(own, numbered), least_cosine=0.0)
    near = ClosestPoints(rest, surface, SPACING_M).closest(own)
    hits = Hits(*(_either(hits.found, getattr(hits, name), getattr(near, name)) for name in Hits.__dataclass_fields__))
    return interpolated(head.model.expression_basis[:, part].astype(np.float64), surface, hits)


def _either(first: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    return np.where(first.reshape(-1, *[1] * (yes.ndim - 1)), yes, no)
