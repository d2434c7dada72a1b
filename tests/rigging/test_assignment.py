"""Shapes are known by what they move: permutations come back, halves are found together, what is still is not used."""

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.face_model.model import load_head
from commedia.rigging.assignment import MOST_RESIDUAL_MATCHED, Assignment, alike, assign, products, vertex_areas

pytest.importorskip("scipy")


@pytest.fixture(scope="module")
def blendshapes() -> np.ndarray:
    return load_head().model.expression_basis.astype(np.float64)


@pytest.fixture(scope="module")
def areas() -> np.ndarray:
    model = load_head().model
    return vertex_areas(model.mean.astype(np.float64), model.triangles)


def solved(shapes: np.ndarray, blendshapes: np.ndarray, areas: np.ndarray) -> Assignment:
    free, wanted = np.ones(len(shapes), dtype=bool), np.ones(len(blendshapes), dtype=bool)
    return assign(products(shapes, blendshapes, areas), free, wanted)


def test_a_permutation_comes_back(blendshapes: np.ndarray, areas: np.ndarray):
    order = np.random.default_rng(1).permutation(EXPRESSION_COUNT)
    found = solved(blendshapes[order], blendshapes, areas)
    np.testing.assert_allclose(found.weights[:, np.argsort(order)], np.eye(EXPRESSION_COUNT), atol=1e-6)
    np.testing.assert_allclose(found.residual, 0, atol=1e-3)


def test_a_larger_shape_gets_a_smaller_weight_and_a_smaller_one_no_more_than_1(
    blendshapes: np.ndarray, areas: np.ndarray
):
    jaw, blink = EXPRESSION_INDEX["jawOpen"], EXPRESSION_INDEX["eyeBlinkLeft"]
    shapes = blendshapes.copy()
    shapes[jaw] *= 4
    shapes[blink] *= 0.5
    found = solved(shapes, blendshapes, areas)
    assert found.weights[jaw, jaw] == pytest.approx(0.25)
    assert found.weights[blink, blink] == pytest.approx(1)
    assert found.residual[blink] == pytest.approx(0.5, abs=1e-3)


def test_halves_are_found_together_and_thirds_too(blendshapes: np.ndarray, areas: np.ndarray):
    """The middle of each half moves as in the whole, as artists cut shapes: the halves overlap."""
    x = load_head().model.mean[:, 0].astype(np.float64)
    left = np.clip(0.5 + x / 0.02, 0, 1)[None, :, None]
    puff, brow = EXPRESSION_INDEX["cheekPuff"], EXPRESSION_INDEX["browInnerUp"]
    third = np.arange(len(x)) % 3
    parts = [blendshapes[brow] * (third == number)[:, None] for number in range(3)]
    others = np.delete(blendshapes, [puff, brow], axis=0)
    found = solved(
        np.stack([*others, blendshapes[puff] * left[0], blendshapes[puff] * (1 - left[0]), *parts]), blendshapes, areas
    )
    assert np.flatnonzero(found.weights[puff]).tolist() == [50, 51]
    assert np.flatnonzero(found.weights[brow]).tolist() == [52, 53, 54]
    np.testing.assert_allclose(found.weights[puff, 50:52], 1, atol=1e-6)
    np.testing.assert_allclose(found.weights[brow, 52:], 1, atol=1e-6)


def test_what_does_nothing_or_something_else_is_never_used(blendshapes: np.ndarray, areas: np.ndarray):
    noise = 0.002 * np.random.default_rng(2).standard_normal(blendshapes[0].shape)
    found = solved(np.stack([np.zeros_like(noise), 1e-7 * noise, noise, *blendshapes]), blendshapes, areas)
    assert not found.weights[:, :3].any()
    alone = solved(np.stack([np.zeros_like(noise), noise]), blendshapes, areas)
    assert not alone.weights.any()
    assert (alone.residual > MOST_RESIDUAL_MATCHED).all()


def test_what_no_shape_shows_is_left_alone_and_its_nearest_named(blendshapes: np.ndarray, areas: np.ndarray):
    puff = EXPRESSION_INDEX["cheekPuff"]
    found = solved(np.delete(blendshapes, puff, axis=0), blendshapes, areas)
    assert not found.weights[puff].any()
    assert found.residual[puff] > 0.7
    assert found.nearest[puff] >= 0


def test_shapes_that_are_taken_and_units_that_are_known_are_left_out(blendshapes: np.ndarray, areas: np.ndarray):
    free, wanted = np.ones(52, dtype=bool), np.ones(52, dtype=bool)
    free[EXPRESSION_INDEX["jawOpen"]] = wanted[EXPRESSION_INDEX["tongueOut"]] = False
    found = assign(products(blendshapes, blendshapes, areas), free, wanted)
    assert not found.weights[:, EXPRESSION_INDEX["jawOpen"]].any()
    assert not found.weights[EXPRESSION_INDEX["tongueOut"]].any()


def test_mesh_density_and_unit_of_length_do_not_matter(blendshapes: np.ndarray, areas: np.ndarray):
    """The left half of every vertex list is written twice, each copy with half the area."""
    rng = np.random.default_rng(3)
    mixed = blendshapes + 0.3 * rng.permutation(blendshapes)
    twice = np.concatenate([np.arange(blendshapes.shape[1]), np.arange(2000)])
    share = areas[twice].copy()
    share[:2000] /= 2
    share[blendshapes.shape[1] :] /= 2
    plain = solved(mixed, blendshapes, areas)
    dense = solved(100 * mixed[:, twice], 100 * blendshapes[:, twice], 1e4 * share)
    np.testing.assert_allclose(dense.weights, plain.weights, atol=1e-6)
    np.testing.assert_allclose(dense.residual, plain.residual, atol=1e-6)


def test_shapes_that_are_the_same_are_named(blendshapes: np.ndarray, areas: np.ndarray):
    jaw = EXPRESSION_INDEX["jawOpen"]
    shapes = np.concatenate([blendshapes, blendshapes[[jaw]] * 1.2, np.zeros((2, *blendshapes[0].shape))])
    assert alike(products(shapes, blendshapes, areas)) == [(jaw, 52)]
    assert alike(products(blendshapes, blendshapes, areas)) == []


def test_areas_are_those_of_the_surface(areas: np.ndarray):
    model = load_head().model
    corners = model.mean[model.triangles].astype(np.float64)
    whole = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    assert areas.sum() == pytest.approx(whole)
    assert areas.min() >= 0


def test_a_doubtful_likeness_is_believed_only_where_most_are_sure(blendshapes: np.ndarray, areas: np.ndarray):
    """Each shape is a blendshape and a stranger to all blendshapes, as far off as it may be: 0.8 of it is left."""
    rng = np.random.default_rng(5)
    size = np.sqrt(np.einsum("enc,n->e", np.square(blendshapes), areas))
    noise = rng.standard_normal(blendshapes.shape)
    noise *= (size / np.sqrt(np.einsum("enc,n->e", np.square(noise), areas)))[:, None, None]
    doubtful = 0.6 * blendshapes + 0.8 * noise
    jaw = EXPRESSION_INDEX["jawOpen"]
    mostly_sure = blendshapes.copy()
    mostly_sure[jaw] = doubtful[jaw]
    found = solved(mostly_sure, blendshapes, areas)
    assert np.flatnonzero(found.weights[jaw]).tolist() == [jaw]
    assert found.residual[jaw] == pytest.approx(0.8, abs=0.01)
    # Blendshapes that are much alike, as a smile and a dimple, still find each other.
    assert not solved(doubtful, blendshapes, areas).weights[jaw].any()
