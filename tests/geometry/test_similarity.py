"""Similarities form a group, and the best one between two sets of points is found, in any precision and number."""

import numpy as np
import pytest

from commedia.geometry.rotations import matrix_from_wxyz, wxyz_from_yaw_pitch_roll
from commedia.geometry.similarity import Similarity, fit_similarities, fit_similarity


def some_similarity(rng: np.random.Generator) -> Similarity:
    rotation = matrix_from_wxyz(wxyz_from_yaw_pitch_roll(rng.uniform(-1.4, 1.4, 3)))
    return Similarity(float(rng.uniform(0.2, 5.0)), rotation, rng.normal(size=3))


def assert_equal(found: Similarity, expected: Similarity, atol: float = 1e-12) -> None:
    np.testing.assert_allclose(found.scale, expected.scale, atol=atol)
    np.testing.assert_allclose(found.rotation, expected.rotation, atol=atol)
    np.testing.assert_allclose(found.translation, expected.translation, atol=atol)


def test_similarities_are_a_group(rng: np.random.Generator) -> None:
    first, second, points = some_similarity(rng), some_similarity(rng), rng.normal(size=(7, 3))
    np.testing.assert_allclose((first @ second).points(points), first.points(second.points(points)))
    assert_equal(first @ first.inverse(), Similarity(1.0, np.eye(3), np.zeros(3)))
    np.testing.assert_allclose(
        first.points(points)[1:] - first.points(points)[0], first.offsets(points[1:] - points[0])
    )


def test_a_known_similarity_comes_back(rng: np.random.Generator) -> None:
    known, points = some_similarity(rng), rng.normal(size=(20, 3))
    assert_equal(fit_similarity(points, known.points(points)), known)


def test_points_without_weight_do_not_count(rng: np.random.Generator) -> None:
    known, points = some_similarity(rng), rng.normal(size=(20, 3))
    moved = known.points(points)
    moved[:5] += 100
    assert_equal(fit_similarity(points, moved, np.repeat([0.0, 3.0], [5, 15])), known)


def test_a_mirror_image_is_not_similar(rng: np.random.Generator) -> None:
    points = rng.normal(size=(20, 3))
    found = fit_similarity(points, points * [-1, 1, 1])
    np.testing.assert_allclose(np.linalg.det(found.rotation), 1)
    assert 0 < found.scale < 1


def test_no_similarity_near_the_best_fits_better(rng: np.random.Generator) -> None:
    source, target, weights = rng.normal(size=(12, 3)), rng.normal(size=(12, 3)), rng.uniform(0.1, 1.0, 12)
    best = fit_similarity(source, target, weights)

    def cost(placed: Similarity) -> float:
        return float(weights @ np.square(target - placed.points(source)).sum(axis=1))

    for _ in range(50):
        turn = matrix_from_wxyz(wxyz_from_yaw_pitch_roll(rng.normal(scale=0.01, size=3)))
        near = Similarity(
            best.scale * float(np.exp(rng.normal(scale=0.01))),
            turn @ best.rotation,
            best.translation + rng.normal(scale=0.01, size=3),
        )
        assert cost(near) > cost(best)


@pytest.mark.parametrize(("kind", "atol"), [(np.float64, 1e-12), (np.float32, 2e-6)])
def test_many_at_once_are_each_alone_in_their_own_precision(
    kind: type[np.floating], atol: float, rng: np.random.Generator
) -> None:
    points, weights = rng.normal(size=(20, 3)), rng.uniform(0.1, 1.0, 20)
    noisy = [some_similarity(rng).points(points) + rng.normal(scale=0.1, size=(20, 3)) for _ in range(6)]
    # One of them mirrored, so that not all of a batch have the same sign.
    targets = np.stack([*noisy, points * [1, -1, 1]]).astype(kind)
    for given in (None, weights):
        found = fit_similarities(points.astype(kind), targets, given)
        assert {part.dtype for part in vars(found).values()} == {np.dtype(kind)}
        for row, target in enumerate(targets):
            alone = Similarity(float(found.scale[row]), found.rotation[row], found.translation[row])
            assert_equal(alone, fit_similarity(points, target.astype(np.float64), given), atol=atol)


def test_points_in_one_place_are_not_divided_by_nothing() -> None:
    found = fit_similarity(np.ones((4, 3)), np.zeros((4, 3)))
    assert np.isfinite(found.scale)
    assert np.isfinite(found.translation).all()
