"""A tensor is a model: Eq. 1 of the paper is the oracle, the torch layer its twin, and low rank comes back whole."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import LandmarkScheme, points, reduced_model
from commedia.face_model.layer import MorphableLayer
from commedia.face_model.model import MorphableModel
from commedia.face_model.multilinear import (
    hosvd,
    model_from_people,
    model_from_tensor,
    tensor_from_people,
)

VERTICES, IDENTITIES, BLENDSHAPES = 5, 3, 4
NO_TRIANGLES = np.zeros((0, 3), dtype=np.int32)


def tensor_from_model(model: MorphableModel) -> Float[np.ndarray, "n i u"]:
    """Write a model, linear or not, as a tensor; its first identity component is the mean person, to be weighted 1."""
    people = np.concatenate([model.mean[None], model.identity_basis])
    pairs = np.zeros((len(model.identity_basis), *model.expression_basis.shape), model.mean.dtype)
    if (crossed := model.interaction) is not None:
        pairs[np.ix_(range(len(pairs)), crossed.expressions, crossed.vertices)] = crossed.basis
    blendshapes = people[:, None] + np.concatenate([model.expression_basis[None], pairs])
    whole = np.concatenate([people[:, None], blendshapes], axis=1)
    return np.moveaxis(whole.reshape(*whole.shape[:2], -1), -1, 0)


def expanded(
    core: Float[np.ndarray, "..."], factors: Sequence[Float[np.ndarray, "_ _"] | None]
) -> Float[np.ndarray, "..."]:
    """Undo `hosvd`, but for what was cut off."""
    for axis, factor in enumerate(factors):
        if factor is not None:
            core = np.moveaxis(np.tensordot(factor, core, axes=(1, axis)), 0, axis)
    return core


def linear(rng: np.random.Generator) -> MorphableModel:
    shape = VERTICES, 3
    arrays = (rng.standard_normal((*lead, *shape)).astype(np.float32) for lead in ((), (IDENTITIES,), (BLENDSHAPES,)))
    return MorphableModel(*arrays, NO_TRIANGLES)


def tensor_of(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((3 * VERTICES, IDENTITIES, BLENDSHAPES + 1)).astype(np.float32)


def eq_1(tensor: np.ndarray, identity: np.ndarray, blendshapes: np.ndarray) -> np.ndarray:
    """The paper's product as it is written: 47 weights, the neutral's 1 minus the others and not clamped."""
    return np.einsum("niu,i,u->n", tensor, identity, np.concatenate([[1 - blendshapes.sum()], blendshapes])).reshape(
        -1, 3
    )


def weights(rng: np.random.Generator, rows: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Blendshapes that sum to more than 1, so that the neutral's weight is negative."""
    return rng.standard_normal((rows, IDENTITIES)), rng.uniform(0.5, 1, (rows, BLENDSHAPES))


def test_the_papers_tensor_is_the_papers_equation(rng: np.random.Generator):
    tensor = tensor_of(rng)
    (identity,), (blendshapes,) = weights(rng)
    found = vertices_from_params(model_from_tensor(tensor, NO_TRIANGLES), identity, blendshapes)
    np.testing.assert_allclose(found, eq_1(tensor, identity, blendshapes), atol=1e-5)


def test_identity_zero_is_the_mean_person(rng: np.random.Generator):
    tensor, mean, std = tensor_of(rng), rng.standard_normal(IDENTITIES), rng.uniform(0.5, 2, IDENTITIES)
    model = model_from_tensor(tensor, NO_TRIANGLES, identity_mean=mean, identity_std=std)
    (identity,), (blendshapes,) = weights(rng)
    nobody = np.zeros(IDENTITIES)
    np.testing.assert_array_equal(vertices_from_params(model, nobody, np.zeros(BLENDSHAPES)), model.mean)
    np.testing.assert_allclose(
        vertices_from_params(model, nobody, blendshapes), eq_1(tensor, mean, blendshapes), atol=1e-5
    )
    found = vertices_from_params(model, identity, blendshapes)
    np.testing.assert_allclose(found, eq_1(tensor, mean + std * identity, blendshapes), atol=1e-5)


def test_a_linear_model_written_as_a_tensor_is_the_same_model(rng: np.random.Generator):
    model = linear(rng)
    mean = np.eye(IDENTITIES + 1)[0]
    again = model_from_tensor(tensor_from_model(model), NO_TRIANGLES, identity_mean=mean, identity_std=1 - mean)
    assert again.interaction is not None
    np.testing.assert_allclose(again.interaction.basis, 0, atol=1e-6)
    (identity,), (blendshapes,) = weights(rng)
    expected = vertices_from_params(model, identity, blendshapes)
    found = vertices_from_params(again, np.concatenate([[7.0], identity]), blendshapes)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # The same as tensors of their own: one with interactions survives the round trip too.
    tensor = tensor_of(rng)
    crossed = model_from_tensor(tensor, NO_TRIANGLES, identity_mean=np.ones(IDENTITIES))
    there = model_from_tensor(tensor_from_model(crossed), NO_TRIANGLES, identity_mean=mean, identity_std=1 - mean)
    found = vertices_from_params(there, np.concatenate([[0.0], identity]), blendshapes)
    np.testing.assert_allclose(found, vertices_from_params(crossed, identity, blendshapes), atol=1e-5)


def test_the_layer_equals_the_reference_for_both_forms(rng: np.random.Generator):
    scheme = LandmarkScheme(
        "two", np.array([[0, 1, 2], [4, 4, 4]], np.int32), np.full((2, 3), 1 / 3, np.float32), ("a", "b")
    )
    identity, blendshapes = (array.astype(np.float32) for array in weights(rng, 3))
    for model in (linear(rng), model_from_tensor(tensor_of(rng), NO_TRIANGLES, identity_mean=np.ones(IDENTITIES))):
        layer = MorphableLayer(model)
        assert not layer.state_dict()
        found = layer(torch.from_numpy(identity), torch.from_numpy(blendshapes)).numpy()
        marks = layer.reduced(scheme)(torch.from_numpy(identity), torch.from_numpy(blendshapes)).numpy()
        for row in range(3):
            expected = vertices_from_params(model, identity[row], blendshapes[row])
            np.testing.assert_allclose(found[row], expected, atol=1e-5)
            np.testing.assert_allclose(marks[row], points(scheme, expected), atol=1e-5)


def test_gradients_of_the_multilinear_layer(rng: np.random.Generator):
    layer = MorphableLayer(model_from_tensor(tensor_of(rng), NO_TRIANGLES)).double()
    given = [torch.from_numpy(array).requires_grad_() for array in weights(rng, 2)]
    assert torch.autograd.gradcheck(layer, given)


def test_a_model_without_identities_can_be_reduced(rng: np.random.Generator):
    model = model_from_tensor(tensor_of(rng)[:, :0], NO_TRIANGLES)
    scheme = LandmarkScheme("one", np.zeros((1, 3), np.int32), np.full((1, 3), 1 / 3, np.float32), ("a",))
    reduced = reduced_model(model, scheme)
    assert reduced.interaction is not None
    assert reduced.interaction.basis.shape == (0, BLENDSHAPES, 1, 3)


def test_a_tensor_of_low_rank_survives_condensing_exactly(rng: np.random.Generator):
    ranks = (2, 3, None)
    whole = np.einsum(
        "abc,ia,jb->ijc", rng.standard_normal((2, 3, 6)), rng.standard_normal((7, 2)), rng.standard_normal((8, 3))
    )
    core, factors = hosvd(whole, ranks)
    assert core.shape == (2, 3, 6)
    np.testing.assert_allclose(expanded(core, factors), whole, atol=1e-9)
    for factor in factors[:2]:
        assert factor is not None
        np.testing.assert_allclose(factor.T @ factor, np.eye(factor.shape[1]), atol=1e-9)


def test_condensing_to_less_loses_no_more_than_what_is_cut(rng: np.random.Generator):
    """The error of a truncation along one axis is exactly the singular values left out."""
    whole = rng.standard_normal((6, 40))
    for rank in range(1, 7):
        error = np.linalg.norm(expanded(*hosvd(whole, (rank, None))) - whole)
        np.testing.assert_allclose(error, np.linalg.norm(np.linalg.svd(whole)[1][rank:]), atol=1e-7)


def test_people_come_back_from_their_tensor(rng: np.random.Generator):
    people = rng.standard_normal((6, BLENDSHAPES + 1, VERTICES, 3)).astype(np.float32)
    made = tensor_from_people(people, 50)
    for person, weight in zip(people, made.weights, strict=True):
        found = np.einsum("niu,i->un", made.tensor, weight).reshape(person.shape)
        np.testing.assert_allclose(found, person, atol=1e-5)
    model = model_from_people(people, NO_TRIANGLES)
    np.testing.assert_allclose(model.mean, people[:, 0].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(model.expression_basis, (people[:, 1:] - people[:, :1]).mean(axis=0), atol=1e-5)


def test_a_mirrored_tensor_gives_mirrored_points(rng: np.random.Generator):
    people = rng.standard_normal((4, BLENDSHAPES + 1, VERTICES, 3)).astype(np.float32)
    flip = np.array([-1, 1, 1], dtype=np.float32)
    (identity,), (blendshapes,) = rng.standard_normal((1, 4)), rng.uniform(0, 1, (1, BLENDSHAPES))
    plain, mirrored = (model_from_people(those, NO_TRIANGLES) for those in (people, people * flip))
    expected = vertices_from_params(plain, identity, blendshapes) * flip
    np.testing.assert_allclose(vertices_from_params(mirrored, identity, blendshapes), expected, atol=1e-4)
