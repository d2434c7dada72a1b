"""Tensors of faces, as multilinear models are published, as our model; and the N-mode SVD that makes them.

A tensor holds absolute positions: coordinates (x, y, z of each vertex in turn), identity components, blendshapes with
the neutral first. Numpy only. Unlike `deformation_transfer.py`, which makes the faces, this only condenses them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int32

from commedia.face_model.model import Interaction, MorphableModel

CHUNK = 1 << 16
"""Columns per product of a Gram matrix: single precision in memory, double in the sums."""


@dataclass(frozen=True)
class PeopleTensor:
    """Examples condensed along identity, with what is typical of the people they came from."""

    tensor: Float[np.ndarray, "n i u"]
    """In the examples' unit of length; the neutral is the first of the u."""
    weights: Float[np.ndarray, "p i"]
    """Identity weights of each example person: `tensor` times a row is that person."""


def model_from_tensor(
    tensor: Float[np.ndarray, "n i u"],
    triangles: Int32[np.ndarray, "t 3"],
    *,
    identity_mean: Float[np.ndarray, "i"] | None = None,
    identity_std: Float[np.ndarray, "i"] | None = None,
) -> MorphableModel:
    """Write a tensor as mean, directions and interactions.

    `tensor` is V x 50 x 47 in the paper, or 204 x 50 x 47 for 68 points, which have no triangles. `identity_mean`, the
    tensor weights of the mean person, makes identity 0 somebody; without it weights of 0 are no face, as in the paper.
    `identity_std` is the tensor weight per standard deviation of each component; 1 where left out.

    Reference: Chaudhuri et al. 2019, Eq. 1 and 2: the neutral's weight is 1 minus the others, so that blendshape j adds
    its difference from the neutral.
    """
    count = tensor.shape[1]
    mean = np.zeros(count) if identity_mean is None else identity_mean
    std = np.ones(count) if identity_std is None else identity_std
    people = np.moveaxis(tensor, 0, -1).reshape(count, tensor.shape[2], len(tensor) // 3, 3).astype(np.float32)
    people[:, 1:] -= people[:, :1]
    centre = np.tensordot(mean.astype(np.float32), people, axes=1)
    people *= std.astype(np.float32)[:, None, None, None]
    return MorphableModel(
        mean=centre[0],
        identity_basis=people[:, 0],
        expression_basis=centre[1:],
        triangles=triangles,
        interaction=Interaction(_all(people.shape[1] - 1), _all(people.shape[2]), people[:, 1:]),
    )


def hosvd(
    tensor: Float[np.ndarray, "..."], ranks: Sequence[int | None]
) -> tuple[Float[np.ndarray, "..."], list[Float[np.ndarray, "_ _"] | None]]:
    """Condense a tensor along each axis that has a rank; None leaves an axis as it is (De Lathauwer et al. 2000).

    Returns the core and, per axis, the orthonormal columns that turn it back, strongest first: eigenvectors of the
    unfolding's Gram matrix, which sees components down to about 1e-8 of the strongest.
    """
    assert len(ranks) == tensor.ndim
    factors = [None if rank is None else _leading(tensor, axis, rank) for axis, rank in enumerate(ranks)]
    core = tensor
    for axis, factor in enumerate(factors):
        if factor is not None:
            core = _times(core, factor.T, axis)
    return core, factors


def tensor_from_people(people: Float[np.ndarray, "p u v 3"], count: int) -> PeopleTensor:
    """Condense examples to `count` identity components, or as many as there are people.

    The blendshapes stay as they are, so that a weight keeps its meaning: the blendshape axis has full rank, and its
    N-mode factor multiplied back is the identity.
    """
    core, (factor, *_) = hosvd(people, (min(count, len(people)), None, None, None))
    assert factor is not None
    tensor = np.moveaxis(core.reshape(*core.shape[:2], -1), -1, 0)
    return PeopleTensor(tensor.astype(np.float32), factor)


def model_from_people(
    people: Float[np.ndarray, "p u v 3"], triangles: Int32[np.ndarray, "t 3"], count: int = 50
) -> MorphableModel:
    """Make a multilinear model of examples, neutral first; identity 0 is their average, 1 one standard deviation."""
    made = tensor_from_people(people, count)
    return model_from_tensor(
        made.tensor, triangles, identity_mean=made.weights.mean(axis=0), identity_std=made.weights.std(axis=0)
    )


def _all(count: int) -> Int32[np.ndarray, "_"]:
    return np.arange(count, dtype=np.int32)


def _leading(tensor: np.ndarray, axis: int, rank: int) -> Float[np.ndarray, "n r"]:
    unfolded = np.moveaxis(tensor, axis, 0).reshape(tensor.shape[axis], -1)
    gram = np.zeros((len(unfolded), len(unfolded)))
    for start in range(0, unfolded.shape[1], CHUNK):
        part = unfolded[:, start : start + CHUNK].astype(np.float64)
        gram += part @ part.T
    vectors = np.linalg.eigh(gram)[1][:, ::-1][:, :rank]
    # A sign of one's own makes the result the same on every machine: columns sum to something positive.
    return vectors * np.where(vectors.sum(axis=0) < 0, -1.0, 1.0)


def _times(tensor: np.ndarray, matrix: np.ndarray, axis: int) -> np.ndarray:
    """Multiply along one axis, in the tensor's own precision."""
    return np.moveaxis(np.tensordot(matrix.astype(tensor.dtype), tensor, axes=(1, axis)), 0, axis)
