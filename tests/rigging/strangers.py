"""How well made blendshapes hit the true ones: our own head as a stranger, with its topology and with another.

The truth is exact because the stranger is one of our identities. Its own units are those of the head model, which is
linear: the same displacements, in metres of the head frame, for every identity.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from commedia.conventions import EXPRESSION_NAMES, IDENTITY_COUNT
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import HeadModel, head_or_default
from commedia.geometry.closest import triangle_normals
from commedia.geometry.meshes import triangle_areas
from commedia.rigging.registration import Landmarks
from commedia.rigging.template import head_vertices

SPREAD = 0.8
"""Standard deviations of the strangers' identity components."""
FLIPS = 0.2
"""Share of the edges that are turned after decimation."""
LEAST_SHAPE = 0.08
"""Of a triangle, 1 for equal sides: thinner ones are not made."""


@dataclass(frozen=True)
class Stranger:
    """A mesh with shapes that are known, and its landmarks."""

    vertices: Float[np.ndarray, "w 3"]
    triangles: Int[np.ndarray, "u 3"]
    blendshapes: Float[np.ndarray, "e w 3"]
    landmarks: Landmarks


def own_topology(seed: int, head: HeadModel | None = None) -> Stranger:
    """Draw an identity of a head (None: the default head), as it is."""
    head = head_or_default(head)
    identity = SPREAD * np.random.default_rng(seed).standard_normal(IDENTITY_COUNT)
    vertices = head_vertices(head, identity)
    landmarks = Landmarks(np.arange(68), points(load_scheme("ibug68"), vertices), np.ones(68))
    blendshapes = head.model.expression_basis.astype(np.float64)
    return Stranger(vertices, head.model.triangles.astype(np.int64), blendshapes, landmarks)


def other_topology(seed: int, share: float = 0.5, head: HeadModel | None = None) -> Stranger:
    """Decimate such a head to a share of its vertices, turn edges, slide vertices off the old ones, renumber all.

    Every vertex ends inside an old triangle, so that its true displacement is that triangle's, interpolated.
    """
    rng = np.random.default_rng(seed)
    old = own_topology(seed, head)
    triangles = decimated(old.vertices, old.triangles, round(share * len(old.vertices)))
    triangles = turned_edges(old.vertices, triangles, rng)
    kept, triangles = np.unique(triangles, return_inverse=True)
    corners, shares = _slid(old.triangles, kept, rng)
    order = rng.permutation(len(kept))
    number = np.argsort(order)
    corners, shares, triangles = corners[order], shares[order], number[triangles.reshape(-1, 3)]
    vertices = np.einsum("nj,njc->nc", shares, old.vertices[corners])
    blendshapes = np.einsum("nj,enjc->enc", shares, old.blendshapes[:, corners])
    return Stranger(vertices, rng.permutation(triangles).astype(np.int64), blendshapes, old.landmarks)


def relative_errors(found: Float[np.ndarray, "e w 3"], stranger: Stranger) -> dict[str, float]:
    """Return each blendshape's mean distance of vertices from the truth, over its mean displacement."""
    missed = np.linalg.norm(found - stranger.blendshapes, axis=-1).mean(axis=1)
    moved = np.linalg.norm(stranger.blendshapes, axis=-1).mean(axis=1)
    return dict(zip(EXPRESSION_NAMES, (missed / np.maximum(moved, 1e-12)).tolist(), strict=True))


def decimated(
    vertices: Float[np.ndarray, "v 3"], triangles: Int[np.ndarray, "t 3"], wanted: int
) -> Int[np.ndarray, "u 3"]:
    """Collapse the shortest edges, each into one of its ends, until so many vertices are used; returns triangles.

    An edge stays where its collapse would fold the surface, change how it hangs together, or move a border.
    """
    faces = {number: tuple(face) for number, face in enumerate(triangles.tolist())}
    around: dict[int, set[int]] = {}
    for number, face in faces.items():
        for corner in face:
            around.setdefault(corner, set()).add(number)
    heap = [(_length(vertices, a, b), a, b) for face in faces.values() for a, b in _edges(face)]
    heapq.heapify(heap)
    left = len(around)
    while heap and left > wanted:
        _, a, b = heapq.heappop(heap)
        if a not in around or b not in around or not (around[a] & around[b]):
            continue
        if not _collapsible(vertices, faces, around, a, b):
            continue
        for number in around[a] & around[b]:
            for corner in faces.pop(number):
                around[corner].discard(number)
        for number in around.pop(a):
            faces[number] = tuple(b if corner == a else corner for corner in faces[number])
            around[b].add(number)
        left -= 1
        for other in {corner for number in around[b] for corner in faces[number]} - {b}:
            heapq.heappush(heap, (_length(vertices, b, other), b, other))
            heapq.heappush(heap, (_length(vertices, b, other), other, b))
    return np.array(list(faces.values()), dtype=np.int64)


def _collapsible(vertices: np.ndarray, faces: dict, around: dict, a: int, b: int) -> bool:
    shared = around[a] & around[b]
    ring_a, ring_b = ({corner for number in around[end] for corner in faces[number]} - {a, b} for end in (a, b))
    if len(shared) != 2 or len(ring_a & ring_b) != 2 or len(ring_a) + 1 != len(around[a]):
        return False
    rest = [faces[number] for number in around[a] - shared]
    before = vertices[rest]
    after = vertices[[[b if corner == a else corner for corner in face] for face in rest]]
    cosine = np.einsum("nc,nc->n", triangle_normals(before), triangle_normals(after))
    return bool((cosine > 0.7).all() and (_shape(after) > LEAST_SHAPE).all())


def turned_edges(
    vertices: Float[np.ndarray, "v 3"], triangles: Int[np.ndarray, "t 3"], rng: np.random.Generator
) -> Int[np.ndarray, "t 3"]:
    """Replace some edges by the other diagonal of their two triangles, where the surface is nearly flat."""
    faces = triangles.tolist()
    owners: dict[tuple[int, int], list[int]] = {}
    for number, face in enumerate(faces):
        for a, b in _edges(face):
            owners.setdefault((min(a, b), max(a, b)), []).append(number)
    touched: set[int] = set()
    edges = sorted(owners)
    for index in rng.permutation(len(edges))[: round(FLIPS * len(edges))].tolist():
        pair = owners[edges[index]]
        if len(pair) != 2 or touched & set(pair):
            continue
        a, b, c = _starting(faces[pair[0]], edges[index])
        d = next(corner for corner in faces[pair[1]] if corner not in (a, b))
        if (min(c, d), max(c, d)) in owners:
            continue
        made = [[a, d, c], [d, b, c]]
        normals = triangle_normals(vertices[[faces[pair[0]], faces[pair[1]], *made]])
        if (normals @ normals.T).min() > 0.85 and (_shape(vertices[made]) > 2 * LEAST_SHAPE).all():
            faces[pair[0]], faces[pair[1]] = made
            touched |= set(pair)
    return np.array(faces, dtype=np.int64)


def _starting(face: list[int], edge: tuple[int, int]) -> tuple[int, int, int]:
    """The face's corners from the edge on, in the face's own order."""
    for shift in range(3):
        a, b, c = face[shift], face[(shift + 1) % 3], face[(shift + 2) % 3]
        if {a, b} == set(edge):
            return a, b, c
    raise AssertionError("the edge is not of this face")


def _slid(
    triangles: Int[np.ndarray, "t 3"], kept: Int[np.ndarray, "n"], rng: np.random.Generator
) -> tuple[Int[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Move each vertex into one of its old triangles, by up to a third of the way to the far side."""
    order = rng.permutation(triangles.reshape(-1).size)
    flat = triangles.reshape(-1)[order]
    first = np.full(triangles.max() + 1, -1)
    first[flat] = order
    chosen = first[kept]
    corner = chosen % 3
    own = triangles[chosen // 3]
    shares = rng.uniform(0, 0.2, size=own.shape)
    shares[np.arange(len(kept)), corner] = 0
    shares[np.arange(len(kept)), corner] = 1 - shares.sum(axis=1)
    return own.astype(np.int64), shares


def _edges(face) -> list[tuple[int, int]]:
    return [(face[0], face[1]), (face[1], face[2]), (face[2], face[0])]


def _length(vertices: np.ndarray, a: int, b: int) -> float:
    return float(np.square(vertices[a] - vertices[b]).sum())


def _shape(corners: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, "n"]:
    """Area over the sum of squared sides, 1 for equal sides."""
    sides = np.square(corners - np.roll(corners, 1, axis=1)).sum(axis=(1, 2))
    return 4 * np.sqrt(3) * triangle_areas(corners) / np.maximum(sides, 1e-300)
