"""Shapes are known by what they move: permutations come back, halves are found together, what is still is not used."""

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.face_model.model import load_head
from commedia.rigging.assignment import MOST_RESIDUAL_MATCHED, Assignment, alike, assign, products, vertex_areas

pytest.importorskip("scipy")


@pytest.fixture(scope="module")
def units() -> np.ndarray:
    return load_head().model.expression_basis.astype(np.float64)


@pytest.fixture(scope="module")
def areas() -> np.ndarray:
    model = load_head().model
    return vertex_areas(model.mean.astype(np.float64), model.triangles)


def solved(shapes: np.ndarray, units: np.ndarray, areas: np.ndarray) -> Assignment:
    free, wanted = np.ones(len(shapes), dtype=bool), np.ones(len(units), dtype=bool)
    return assign(products(shapes, units, areas), free, wanted)


def test_a_permutation_comes_back(units: np.ndarray, areas: np.ndarray):
    order = np.random.default_rng(1).permutation(EXPRESSION_COUNT)
    found = solved(units[order], units, areas)
    np.testing.assert_allclose(found.weights[:, np.argsort(order)], np.eye(EXPRESSION_COUNT), atol=1e-6)
    np.testing.assert_allclose(found.residual, 0, atol=1e-3)


def test_a_larger_shape_gets_a_smaller_weight_and_a_smaller_one_no_more_than_1(units: np.ndarray, areas: np.ndarray):
    jaw, blink = EXPRESSION_INDEX["jawOpen"], EXPRESSION_INDEX["eyeBlinkLeft"]
    shapes = units.copy()
    shapes[jaw] *= 4
    shapes[blink] *= 0.5
    found = solved(shapes, units, areas)
    assert found.weights[jaw, jaw] == pytest.approx(0.25)
    assert found.weights[blink, blink] == pytest.approx(1)
    assert found.residual[blink] == pytest.approx(0.5, abs=1e-3)


def test_halves_are_found_together_and_thirds_too(units: np.ndarray, areas: np.ndarray):
    """The middle of each half moves as in the whole, as artists cut shapes: the halves overlap."""
    x = load_head().model.mean[:, 0].astype(np.float64)
    left = np.clip(0.5 + x / 0.02, 0, 1)[None, :, None]
    puff, brow = EXPRESSION_INDEX["cheekPuff"], EXPRESSION_INDEX["browInnerUp"]
    third = np.arange(len(x)) % 3
    parts = [units[brow] * (third == number)[:, None] for number in range(3)]
    others = np.delete(units, [puff, brow], axis=0)
    found = solved(np.stack([*others, units[puff] * left[0], units[puff] * (1 - left[0]), *parts]), units, areas)
    assert np.flatnonzero(found.weights[puff]).tolist() == [50, 51]
    assert np.flatnonzero(found.weights[brow]).tolist() == [52, 53, 54]
    np.testing.assert_allclose(found.weights[puff, 50:52], 1, atol=1e-6)
    np.testing.assert_allclose(found.weights[brow, 52:], 1, atol=1e-6)


def test_what_does_nothing_or_something_else_is_never_used(units: np.ndarray, areas: np.ndarray):
    noise = 0.002 * np.random.default_rng(2).standard_normal(units[0].shape)
    found = solved(np.stack([np.zeros_like(noise), 1e-7 * noise, noise, *units]), units, areas)
    assert not found.weights[:, :3].any()
    alone = solved(np.stack([np.zeros_like(noise), noise]), units, areas)
    assert not alone.weights.any()
    assert (alone.residual > MOST_RESIDUAL_MATCHED).all()


def test_what_no_shape_shows_is_left_alone_and_its_nearest_named(units: np.ndarray, areas: np.ndarray):
    puff = EXPRESSION_INDEX["cheekPuff"]
    found = solved(np.delete(units, puff, axis=0), units, areas)
    assert not found.weights[puff].any()
    assert found.residual[puff] > 0.7
    assert found.nearest[puff] >= 0


def test_shapes_that_are_taken_and_units_that_are_known_are_left_out(units: np.ndarray, areas: np.ndarray):
    free, wanted = np.ones(52, dtype=bool), np.ones(52, dtype=bool)
    free[EXPRESSION_INDEX["jawOpen"]] = wanted[EXPRESSION_INDEX["tongueOut"]] = False
    found = assign(products(units, units, areas), free, wanted)
    assert not found.weights[:, EXPRESSION_INDEX["jawOpen"]].any()
    assert not found.weights[EXPRESSION_INDEX["tongueOut"]].any()


def test_mesh_density_and_unit_of_length_do_not_matter(units: np.ndarray, areas: np.ndarray):
    """The left half of every vertex list is written twice, each copy with half the area."""
    rng = np.random.default_rng(3)
    mixed = units + 0.3 * rng.permutation(units)
    twice = np.concatenate([np.arange(units.shape[1]), np.arange(2000)])
    share = areas[twice].copy()
    share[:2000] /= 2
    share[units.shape[1] :] /= 2
    plain = solved(mixed, units, areas)
    dense = solved(100 * mixed[:, twice], 100 * units[:, twice], 1e4 * share)
    np.testing.assert_allclose(dense.weights, plain.weights, atol=1e-6)
    np.testing.assert_allclose(dense.residual, plain.residual, atol=1e-6)


def test_shapes_that_are_the_same_are_named(units: np.ndarray, areas: np.ndarray):
    jaw = EXPRESSION_INDEX["jawOpen"]
    shapes = np.concatenate([units, units[[jaw]] * 1.2, np.zeros((2, *units[0].shape))])
    assert alike(products(shapes, units, areas)) == [(jaw, 52)]
    assert alike(products(units, units, areas)) == []


def test_areas_are_those_of_the_surface(areas: np.ndarray):
    model = load_head().model
    corners = model.mean[model.triangles].astype(np.float64)
    whole = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    assert areas.sum() == pytest.approx(whole)
    assert areas.min() >= 0


def test_a_doubtful_likeness_is_believed_only_where_most_are_sure(units: np.ndarray, areas: np.ndarray):
    """Each shape is a unit and a stranger to all units, as far off as it may be: 0.8 of it is left."""
    rng = np.random.default_rng(5)
    size = np.sqrt(np.einsum("enc,n->e", np.square(units), areas))
    noise = rng.standard_normal(units.shape)
    noise *= (size / np.sqrt(np.einsum("enc,n->e", np.square(noise), areas)))[:, None, None]
    doubtful = 0.6 * units + 0.8 * noise
    jaw = EXPRESSION_INDEX["jawOpen"]
    mostly_sure = units.copy()
    mostly_sure[jaw] = doubtful[jaw]
    found = solved(mostly_sure, units, areas)
    assert np.flatnonzero(found.weights[jaw]).tolist() == [jaw]
    assert found.residual[jaw] == pytest.approx(0.8, abs=0.01)
    # Units that are much alike, as a smile and a dimple, still find each other.
    assert not solved(doubtful, units, areas).weights[jaw].any()
