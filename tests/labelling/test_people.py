import numpy as np

from commedia.labelling.fit import DenseTargets
from commedia.labelling.label import default_fitter
from commedia.labelling.people import shared_identities

from .fakes import KnownFaces, known_faces, placed, scores_of


def one_person(rng: np.random.Generator, count: int) -> tuple[KnownFaces, np.ndarray]:
    """Several pictures of one person from different sides, with the teacher's noise, and the points of each."""
    faces = known_faces(rng, 1)
    others = known_faces(rng, count)
    person = KnownFaces(
        np.repeat(faces.identity, count, axis=0), others.expression, others.wxyz, others.points_px, others.landmarks_px
    )
    points = placed(person, person.expression) + rng.normal(0, 1.0, (count, 478, 3)).astype(np.float32)
    return person, points.astype(np.float32)


def test_pictures_of_one_person_get_one_identity_nearer_to_the_truth(rng):
    person, points = one_person(rng, 6)
    nothing = np.full((6, 68, 2), np.nan, np.float32)
    fitter, scores = default_fitter(), scores_of(person.expression)
    alone = fitter.fit(DenseTargets(points, scores, nothing))
    names = ["Ann"] * 4 + ["Bob", None]
    shared = shared_identities(names, alone, np.ones(6, bool), 1.0)
    assert np.isnan(shared[4:]).all()
    np.testing.assert_array_equal(shared[:4], np.repeat(shared[:1], 4, axis=0))
    miss = np.abs(alone.identity[:4] - person.identity[:4]).mean()
    assert np.abs(shared[0] - person.identity[0]).mean() < 0.9 * miss
    again = fitter.fit(DenseTargets(points, scores, nothing, shared))
    np.testing.assert_allclose(again.identity[:4], shared[:4], atol=1e-6)
    np.testing.assert_allclose(again.identity[4:], alone.identity[4:], atol=1e-3)


def test_a_picture_that_was_not_understood_does_not_say_who_it_is(rng):
    person, points = one_person(rng, 3)
    points[2] = rng.normal(100, 40, (478, 3))
    alone = default_fitter().fit(DenseTargets(points, scores_of(person.expression), np.full((3, 68, 2), np.nan)))
    without = shared_identities(["Ann", "Ann", None], alone, np.ones(3, bool), 1.0)
    shared = shared_identities(["Ann"] * 3, alone, np.array([True, True, False]), 1.0)
    np.testing.assert_allclose(shared[0], without[0])
    np.testing.assert_array_equal(shared[2], shared[0])
    assert np.isnan(shared_identities(["Ann"] * 3, alone, np.array([True, False, False]), 1.0)).all()
