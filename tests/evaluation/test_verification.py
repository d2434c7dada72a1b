"""Verification by cosines: what separates is perfect, and a known overlap has its known error."""

import numpy as np
import pytest

from commedia.evaluation.verification import pairs_of, verified


def test_what_separates_is_perfect(rng: np.random.Generator) -> None:
    found = verified(rng.uniform(0.6, 1, 500), rng.uniform(-1, 0.4, 500))
    assert found[:3] == (1.0, 1.0, 0.0)
    assert 0.3 < found.threshold < 0.4


def test_two_normal_distributions_have_the_error_of_the_textbook(rng: np.random.Generator) -> None:
    found = verified(rng.normal(1, 0.5, 20_000), rng.normal(0, 0.5, 20_000))
    # Half the distance is one standard deviation: Phi(-1); at 1 % false the limit is 2.326 of 2.
    assert found.equal_error == pytest.approx(0.1587, abs=0.01)
    assert found.accuracy == pytest.approx(0.8413, abs=0.01)
    assert found.same == pytest.approx(0.372, abs=0.02)


def test_pairs_are_what_they_say_and_nobody_has_more_than_six(rng: np.random.Generator) -> None:
    people = np.array(["a"] * 30 + ["b"] * 3 + ["c"] + ["d"] * 2)
    same, other = pairs_of(people, rng)
    assert len(same) == len(other) == 6 + 3 + 1
    assert (people[same[:, 0]] == people[same[:, 1]]).all()
    assert (same[:, 0] != same[:, 1]).all()
    assert (people[other[:, 0]] != people[other[:, 1]]).all()
    assert np.unique(people[same[:, 0]], return_counts=True)[1].tolist() == [6, 3, 1]
