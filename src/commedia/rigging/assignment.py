"""Which shapes of a character are which blendshape, by what they move: names are not looked at.

Both sides are displacements of the same vertices. A blendshape is one shape where one does nearly as well as any
mixture, and no two blendshapes take the same shape where each has one of its own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from commedia.errors import optional
from commedia.geometry.meshes import triangle_areas

PULL = 0.1
"""Cosine below which a shape takes no part in a mixture: the weight of the sum of what shapes move."""
LEAST_SHARE = 0.1
"""Of what a blendshape moves: a shape that would move less is left out."""
MOST_SHAPES = 4
MIXED = 0.6
"""Of the residual of one shape: a mixture must leave less than this to be preferred."""
CLOSE = 0.1
"""Residual that a blendshape gives away so that each blendshape has a shape of its own."""
MOST_RESIDUAL = 0.7
"""Of what a blendshape moves: where more is left, the blendshape is not mapped ..."""
MOST_RESIDUAL_MATCHED = 0.85
"""... unless no other blendshape has a better claim to the shape, on a face where most are sure: artists' shapes
differ, and that much was seen between our brows and lower lips and those of a well-made rig
(`benchmarks/bench_rig_map.py`)."""
SURE_SHARE = 0.5
"""Of the blendshapes: with fewer within `MOST_RESIDUAL`, that is the bound for all."""
STILL = 1e-4
"""Of the greatest: a shape that moves less does nothing."""
ALIKE = 0.995
"""Cosine above which two shapes cannot be told apart."""


@dataclass(frozen=True)
class Products:
    """Inner products of displacements, weighted by area: all that the solve needs of the mesh."""

    shapes: Float[np.ndarray, "m m"]
    both: Float[np.ndarray, "m e"]
    blendshapes: Float[np.ndarray, "e"]


@dataclass(frozen=True)
class Assignment:
    """What each blendshape is made of."""

    weights: Float[np.ndarray, "e m"]
    """0 to 1; all zero for a blendshape that is left alone."""
    residual: Float[np.ndarray, "e"]
    """What is left of the blendshape's displacement, 0 to 1; also for those left alone, what their best would leave."""
    nearest: Int[np.ndarray, "e"]
    """The shape that alone does best; -1 where none does anything."""

    def mapped(self) -> int:
        """How many blendshapes have a shape."""
        return int(self.weights.any(axis=1).sum())


def products(
    shapes: Float[np.ndarray, "m n 3"], blendshapes: Float[np.ndarray, "e n 3"], areas: Float[np.ndarray, "n"]
) -> Products:
    """Multiply out, vertices weighted by the area around them so that a mesh's density does not matter."""
    root = np.sqrt(areas / max(float(areas.sum()), 1e-300))[:, None]
    own = (shapes * root).reshape(len(shapes), root.size * 3)
    wanted = (blendshapes * root).reshape(len(blendshapes), root.size * 3)
    return Products(own @ own.T, own @ wanted.T, np.square(wanted).sum(axis=1))


def vertex_areas(vertices: Float[np.ndarray, "w 3"], triangles: Int[np.ndarray, "u 3"]) -> Float[np.ndarray, "w"]:
    """Return a third of the area of the triangles around each vertex."""
    return np.bincount(triangles.reshape(-1), np.repeat(triangle_areas(vertices[triangles]) / 3, 3), len(vertices))


def alike(known: Products) -> list[tuple[int, int]]:
    """Return the pairs of shapes that cannot be told apart."""
    size = np.sqrt(np.diag(known.shapes))
    moving = _moving(known)
    cosine = known.shapes / np.maximum(np.outer(size, size), 1e-300)
    first, second = np.nonzero(np.triu(cosine > ALIKE, 1) & np.outer(moving, moving))
    return [(int(one), int(other)) for one, other in zip(first, second, strict=True)]


def assign(known: Products, free: Bool[np.ndarray, "m"], wanted: Bool[np.ndarray, "e"]) -> Assignment:
    """Find for each wanted blendshape u the w of the free shapes d that minimises |sum_k w_k d_k - u|^2, 0 <= w <= 1.

    The least squares are solved with a pull towards few shapes, cut to those that matter and solved again; one shape
    stands where it leaves little more.
    """
    chosen = np.flatnonzero(free & _moving(known))
    asked = np.flatnonzero(wanted & (known.blendshapes > 1e-12 * known.blendshapes.max(initial=0)))
    weights, residual = np.zeros(known.both.T.shape), np.ones(len(known.blendshapes))
    nearest = np.full(len(known.blendshapes), -1)
    if not len(chosen) or not len(asked):
        return Assignment(weights, residual, nearest)
    own = Products(known.shapes[np.ix_(chosen, chosen)], known.both[np.ix_(chosen, asked)], known.blendshapes[asked])
    gain, left = _alone(own)
    partner = _partners(left)
    matched = _first_of_its_shape(partner, left)
    # Where our head lies badly, as on a drawn face, likenesses by chance abound.
    matched &= np.mean(left[np.arange(len(asked)), partner] <= MOST_RESIDUAL) >= SURE_SHARE
    for row, blendshape in enumerate(asked.tolist()):
        shape = int(partner[row])
        nearest[blendshape], residual[blendshape] = chosen[shape], left[row, shape]
        mixed, remains = _mixture(own, row)
        accepted = residual[blendshape] <= (MOST_RESIDUAL_MATCHED if matched[row] else MOST_RESIDUAL)
        if remains < MIXED * residual[blendshape] or (not accepted and remains <= MOST_RESIDUAL):
            residual[blendshape] = remains
            weights[blendshape, chosen] = mixed
        elif accepted:
            weights[blendshape, chosen[shape]] = gain[row, shape]
    return Assignment(weights, residual, nearest)


def _moving(known: Products) -> Bool[np.ndarray, "m"]:
    size = np.sqrt(np.diag(known.shapes))
    return size > STILL * size.max(initial=1e-300)


def _alone(known: Products) -> tuple[Float[np.ndarray, "e m"], Float[np.ndarray, "e m"]]:
    """Return the best weight of each shape for each blendshape, and what it leaves."""
    size = np.diag(known.shapes)
    gain = np.clip(known.both.T / size, 0, 1)
    left = known.blendshapes[:, None] - 2 * gain * known.both.T + np.square(gain) * size
    return gain, np.sqrt(np.maximum(left, 0) / known.blendshapes[:, None])


def _partners(left: Float[np.ndarray, "e m"]) -> Int[np.ndarray, "e"]:
    """Give each blendshape one shape: of its own as long as that costs little."""
    optimize = optional("scipy.optimize", "finding shapes by what they move", "rig")
    best = left.argmin(axis=1)
    rows, columns = optimize.linear_sum_assignment(left)
    dear = left[rows, columns] > left[rows, best[rows]] + CLOSE
    best[rows[~dear]] = columns[~dear]
    return best


def _first_of_its_shape(partner: Int[np.ndarray, "e"], left: Float[np.ndarray, "e m"]) -> Bool[np.ndarray, "e"]:
    claims = left[np.arange(len(partner)), partner]
    least = np.full(left.shape[1], np.inf)
    np.minimum.at(least, partner, claims)
    return claims <= least[partner]


def _mixture(known: Products, blendshape: int) -> tuple[Float[np.ndarray, "m"], float]:
    """Return the weights of a mixture of few shapes, and what it leaves."""
    size = np.sqrt(np.diag(known.shapes))
    wish, whole = known.both[:, blendshape], float(np.sqrt(known.blendshapes[blendshape]))
    pulled = wish - PULL * whole * size
    # The pull keeps what is no part of the blendshape out, so it need not be tried.
    tried = np.flatnonzero(pulled > 0)
    effect = _bounded(known.shapes[np.ix_(tried, tried)], pulled[tried]) * size[tried]
    most = np.argsort(-effect)[:MOST_SHAPES]
    kept = tried[most[effect[most] > LEAST_SHARE * whole]]
    weights = np.zeros(len(size))
    weights[kept] = _bounded(known.shapes[np.ix_(kept, kept)], wish[kept])
    left = known.blendshapes[blendshape] - 2 * weights @ wish + weights @ known.shapes @ weights
    return weights, float(np.sqrt(max(left, 0)) / whole)


def _bounded(square: Float[np.ndarray, "k k"], right: Float[np.ndarray, "k"]) -> Float[np.ndarray, "k"]:
    """Minimise w' S w / 2 - right' w with 0 <= w <= 1, as bounded least squares on a root of S."""
    if not len(right):
        return np.zeros(0)
    values, vectors = np.linalg.eigh(square)
    root = np.sqrt(np.maximum(values, 1e-10 * values.max()))
    optimize = optional("scipy.optimize", "finding shapes by what they move", "rig")
    return optimize.lsq_linear(root[:, None] * vectors.T, vectors.T @ right / root, (0, 1), method="bvls").x
