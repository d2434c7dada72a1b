"""Lay the default head over another face, in the head frame and metres: similarity, identity, smooth bend."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from commedia.conventions import IDENTITY_COUNT
from commedia.errors import CommediaError
from commedia.face_model.landmarks import points
from commedia.geometry.closest import ClosestPoints
from commedia.geometry.meshes import smooth_normals
from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_axis_angle
from commedia.geometry.similarity import Similarity, fit_similarity
from commedia.geometry.solvers import sparse
from commedia.rigging.slits import edge_graph
from commedia.rigging.template import Template

IDENTITY_ROUNDS = ((0.030, 0.010), (0.030, 0.006), (0.020, 0.004), (0.015, 0.003), *[(0.010, 0.002)] * 8)
"""Farthest partner, and the residual that counts half, metres: loose at first, then strict."""
BEND_ROUNDS = ((0.020, 300.0), (0.020, 100.0), (0.015, 30.0), *[(0.010, 10.0)] * 2)
"""Farthest partner, and how stiff the bend is against a partner's pull."""
NOISE_M = 0.001
"""Of a surface point: what a prior of one standard deviation per component is weighed against."""
LANDMARK_NOISE_M = 0.002
MOST_MISSED = 0.35
"""Of the landmarks' extent: people are 6 % off the mean head, and a mask a third as deep 23 %; six points with left and
right swapped are 46 %."""
EARLY = 0.4
"""A doubtful landmark's weight is raised to this power in the first round, to 1 in the last."""
LEAST_COSINE = 0.5
"""Partners' normals are at most 60 degrees apart."""
SPACING_M = 0.003
CANDIDATES = 12
"""Fewer than for the last match: partners are sought twenty times."""
MOST_VERTICES = 6000
"""Of the target's, that look for partners."""
OWN_SHARE = 0.02
"""How much the partner of one of our vertices counts, against that of one of the target's."""
LANDMARK_PULL = 8.0
"""How much a landmark counts in the first round of bending, against a closest point; it falls with the stiffness."""
MOST_DEVIATIONS = 4.0
"""Of an identity component; a caricature is reached by bending."""


class LandmarksMisplaced(CommediaError):
    """Landmarks that are no face's."""


@dataclass(frozen=True)
class Target:
    """The surface of a face, near the head frame."""

    vertices: Float[np.ndarray, "w 3"]
    triangles: Int[np.ndarray, "u 3"]
    sides: Int[np.ndarray, "u"]
    """As in `Template.triangle_sides`; zeros as long as nothing is known."""


@dataclass(frozen=True)
class Landmarks:
    """Landmarks found on the target."""

    numbers: Int[np.ndarray, "n"]
    """Of iBUG-68."""
    points: Float[np.ndarray, "n 3"]
    weights: Float[np.ndarray, "n"]
    """1 for a sure one."""


@dataclass(frozen=True)
class Fitted:
    """The head that resembles the target most."""

    identity: Float[np.ndarray, "i"]
    head_from_target: Similarity
    """To be applied to the target's vertices as they were given."""


def align(template: Template, landmarks: Landmarks) -> Similarity:
    """Return the `head_from_target` that brings the landmarks to those of the mean head; refuse what is no face."""
    wanted = points(template.landmarks, template.skin(np.zeros(IDENTITY_COUNT)))[landmarks.numbers]
    found = fit_similarity(landmarks.points, wanted, landmarks.weights)
    share = landmarks.weights / landmarks.weights.sum()
    spread = share @ np.square(wanted - share @ wanted).sum(axis=1)
    missed = float(np.sqrt(share @ np.square(found.points(landmarks.points) - wanted).sum(axis=1) / spread))
    if missed > MOST_MISSED:
        raise LandmarksMisplaced(
            f"the {len(wanted)} landmarks do not make a face: brought to ours they are {missed:.0%} of its size off, "
            f"and at most {MOST_MISSED:.0%} can be bridged; left and right are the subject's, and numbers count from 0"
        )
    return found


def fit_identity(template: Template, target: Target, landmarks: Landmarks, start: Similarity) -> Fitted:
    """Find identity and placement together: closest points, point to plane (Chen and Medioni 1992; Geman-McClure)."""
    basis = template.head.model.identity_basis[:, template.vertices].astype(np.float64)
    # The target is moved to the head once; later moves are kept apart, so that it is sampled only once.
    finder = _Finder(template, Target(start.points(target.vertices), target.triangles, target.sides))
    head_from_near, identity = Similarity(1.0, np.eye(3), np.zeros(3)), np.zeros(IDENTITY_COUNT)
    for number, (farthest, half) in enumerate(IDENTITY_ROUNDS):
        skin = template.skin(identity)
        pulls = finder.pulls(skin, head_from_near, farthest)
        places = np.einsum("nj,njc->nc", pulls.shares, skin[pulls.corners])
        moved = np.einsum("nj,knjc->knc", pulls.shares, basis[:, pulls.corners])
        gap = np.einsum("nc,nc->n", pulls.planes, pulls.wanted - places)
        weight = pulls.weight / (1 + np.square(gap / half)) ** 2 / NOISE_M**2
        # Doubtful landmarks lead at first, when closest points mean little.
        doubt = EARLY + (1 - EARLY) * number / (len(IDENTITY_ROUNDS) - 1)
        led = Landmarks(landmarks.numbers, landmarks.points, landmarks.weights**doubt)
        led_rows, led_gap, led_weight = _landmark_rows(template, basis, skin, led, head_from_near @ start)
        step = _least_squares(
            np.concatenate([_rows(moved, places, pulls.planes), led_rows]),
            np.concatenate([gap, led_gap]),
            np.concatenate([weight, led_weight]),
            identity,
        )
        identity = np.clip(identity + step[:IDENTITY_COUNT], -MOST_DEVIATIONS, MOST_DEVIATIONS)
        head_from_near = _small(step[IDENTITY_COUNT:]).inverse() @ head_from_near
    return Fitted(identity, head_from_near @ start)


def bend(
    template: Template, skin: Float[np.ndarray, "s 3"], target: Target, landmarks: Landmarks
) -> Float[np.ndarray, "s 3"]:
    """Bring the skin onto the target by a smooth displacement; what is hidden goes along.

    Minimises sum_i w_i |d at i - gap_i|^2 + stiffness |L d|^2 over pairs of closest points, and L the difference of a
    vertex from the mean of its neighbours, in rounds of falling stiffness. Target and landmarks are in the head frame.

    Reference: Amberg et al. 2007, with a Laplacian in place of their affine maps.
    """
    finder, still = _Finder(template, target), Similarity(1.0, np.eye(3), np.zeros(3))
    rough = _roughness(skin, template.triangles)
    scheme = template.landmarks
    mixing = _mixing(scheme.vertices[landmarks.numbers], scheme.barycentric[landmarks.numbers], len(skin))
    bent = skin
    for farthest, stiffness in BEND_ROUNDS:
        # Picked points are a millimetre off too: they lead, and the surface decides.
        landmark_weight = sparse().diags(LANDMARK_PULL * stiffness / BEND_ROUNDS[0][1] * landmarks.weights)
        pulls = finder.pulls(bent, still, farthest)
        pairs = _mixing(pulls.corners, pulls.shares, len(skin))
        gap = np.linalg.norm(pulls.wanted - pairs @ bent, axis=1)
        weight = sparse().diags(pulls.weight / (1 + np.square(gap / farthest)))
        system = pairs.T @ weight @ pairs + stiffness * rough + mixing.T @ landmark_weight @ mixing
        right = pairs.T @ (weight @ (pulls.wanted - pairs @ skin))
        right += mixing.T @ (landmark_weight @ (landmarks.points - mixing @ skin))
        system = (system + 1e-6 * sparse().diags(np.ones(len(skin)))).tocsc()
        factor = sparse().linalg.splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        bent = skin + factor.solve(right)
    return bent


@dataclass(frozen=True)
class _Pulls:
    """Points of our skin, and the places of the target they belong to."""

    corners: Int[np.ndarray, "n 3"]
    shares: Float[np.ndarray, "n 3"]
    planes: Float[np.ndarray, "n 3"]
    """Unit normals, along which the distance counts."""
    wanted: Float[np.ndarray, "n 3"]
    weight: Float[np.ndarray, "n"]


class _Finder:
    """Finds partners both ways: for the target's vertices on our skin, and for ours on the target.

    The first are exact, however coarse the target; the second reach where it has no vertices, and lie on chords.
    """

    def __init__(self, template: Template, target: Target):
        self.template = template
        self.surface = ClosestPoints(target.vertices, target.triangles, SPACING_M, target.sides, candidates=CANDIDATES)
        used = np.unique(target.triangles)
        # Evenly through the numbers, which on real meshes run over the surface.
        used = used[np.linspace(0, len(used) - 1, min(len(used), MOST_VERTICES)).astype(np.int64)]
        self.vertices = target.vertices[used]
        self.normals = smooth_normals(target.vertices, target.triangles)[used].astype(np.float64)
        self.sides = np.zeros(len(target.vertices), dtype=np.int64)
        np.maximum.at(self.sides, target.triangles.reshape(-1), np.repeat(target.sides, 3))
        self.sides = self.sides[used]

    def pulls(self, skin: Float[np.ndarray, "s 3"], head_from_near: Similarity, farthest: float) -> _Pulls:
        """Pair what is not farther apart than said; the result is in the head frame."""
        both = [find(skin, head_from_near, farthest) for find in (self._from_ours, self._from_theirs)]
        return _Pulls(*(np.concatenate([getattr(one, name) for one in both]) for name in _Pulls.__dataclass_fields__))

    def _from_ours(self, skin: np.ndarray, head_from_near: Similarity, farthest: float) -> _Pulls:
        template, near_from_head = self.template, head_from_near.inverse()
        used = np.flatnonzero(template.shown > 0)
        normals = smooth_normals(skin, template.triangles)[used] @ near_from_head.rotation.T
        hits = self.surface.closest(
            near_from_head.points(skin[used]), normals, least_cosine=LEAST_COSINE, sides=template.sides[used]
        )
        good = hits.found & (hits.distance < farthest)
        corners = np.repeat(used[good][:, None], 3, axis=1)
        shares = np.tile([1.0, 0.0, 0.0], (len(corners), 1))
        planes = self.surface.normals[hits.triangle[good]] @ head_from_near.rotation.T
        wanted = head_from_near.points(hits.points[good])
        return _Pulls(corners, shares, planes, wanted, OWN_SHARE * template.shown[used[good]])

    def _from_theirs(self, skin: np.ndarray, head_from_near: Similarity, farthest: float) -> _Pulls:
        template = self.template
        surface = ClosestPoints(skin, template.triangles, SPACING_M, template.triangle_sides, candidates=CANDIDATES)
        places, normals = head_from_near.points(self.vertices), self.normals @ head_from_near.rotation.T
        hits = surface.closest(places, normals, least_cosine=LEAST_COSINE, sides=self.sides)
        good = hits.found & (hits.distance < farthest)
        triangle = hits.triangle[good]
        corners = template.triangles[triangle]
        weight = template.shown[corners].min(axis=1)
        # As much in all as our own vertices have, whatever the target's resolution.
        weight = weight * (template.shown.sum() / max(float(weight.sum()), 1.0))
        return _Pulls(corners, hits.barycentric[good], surface.normals[triangle], places[good], weight)


def _rows(basis: np.ndarray, places: np.ndarray, directions: np.ndarray) -> Float[np.ndarray, "n 57"]:
    """How places move along directions: by identity, then by turning, scaling and shifting a little."""
    by_identity = np.einsum("knc,nc->nk", basis, directions)
    by_turn = np.cross(places, directions)
    by_scale = np.einsum("nc,nc->n", places, directions)[:, None]
    return np.concatenate([by_identity, by_turn, by_scale, directions], axis=1)


def _landmark_rows(
    template: Template, basis: np.ndarray, skin: np.ndarray, landmarks: Landmarks, head_from_target: Similarity
):
    """The same for landmarks, which count in all three directions."""
    scheme = template.landmarks
    corners, shares = scheme.vertices[landmarks.numbers], scheme.barycentric[landmarks.numbers].astype(np.float64)
    moved = np.einsum("nj,knjc->knc", shares, basis[:, corners])
    places = np.einsum("nj,njc->nc", shares, skin[corners])
    gap = head_from_target.points(landmarks.points) - places
    rows = [_rows(moved, places, np.tile(axis, (len(places), 1))) for axis in np.eye(3)]
    return np.concatenate(rows), gap.T.reshape(-1), np.tile(landmarks.weights / LANDMARK_NOISE_M**2, 3)


def _least_squares(rows: np.ndarray, gap: np.ndarray, weight: np.ndarray, identity: np.ndarray) -> np.ndarray:
    prior = np.zeros(rows.shape[1])
    prior[:IDENTITY_COUNT] = 1
    normal = rows.T @ (weight[:, None] * rows) + np.diag(prior)
    right = rows.T @ (weight * gap)
    right[:IDENTITY_COUNT] -= identity
    return np.linalg.lstsq(normal, right, rcond=None)[0]


def _small(step: Float[np.ndarray, "7"]) -> Similarity:
    return Similarity(float(np.exp(step[3])), matrix_from_wxyz(wxyz_from_axis_angle(step[:3])), step[4:])


def _roughness(vertices: np.ndarray, triangles: np.ndarray) -> Any:
    graph = edge_graph(vertices, triangles) > 0
    links = (graph + graph.T).astype(np.float64)
    count = np.asarray(links.sum(axis=1)).reshape(-1)
    laplacian = sparse().diags(np.ones(len(vertices))) - sparse().diags(1 / np.maximum(count, 1)) @ links
    return laplacian.T @ laplacian


def _mixing(corners: np.ndarray, shares: np.ndarray, count: int) -> Any:
    """The sparse matrix that makes points of vertices."""
    rows = np.repeat(np.arange(len(corners)), 3)
    return sparse().csr_matrix(
        (shares.astype(np.float64).reshape(-1), (rows, corners.reshape(-1))), shape=(len(corners), count)
    )
