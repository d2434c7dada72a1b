"""The assignment is the best there is, and doubt is settled by looks."""

from itertools import permutations

import numpy as np
import pytest

from commedia.structures import Box
from commedia.tracking.appearance import Appearance
from commedia.tracking.associate import Expected, Matching, assign, competing_groups, match

LIMIT = 1.0


def best_total(cost: np.ndarray, limit: float) -> float:
    """Try everything: every row takes a column of its own or stays alone."""
    rows, columns = cost.shape
    padded = np.concatenate([cost, np.full((rows, rows), limit)], axis=1)
    choices = permutations(range(columns + rows), rows)
    return min(sum(padded[row, column] for row, column in enumerate(choice)) for choice in choices)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 2), (2, 4), (4, 3), (4, 4)])
def test_assignment_equals_brute_force(rng: np.random.Generator, shape: tuple[int, int]):
    for _ in range(8):
        cost = rng.uniform(0, 1.5, shape)
        cost[rng.uniform(size=shape) < 0.3] = np.inf
        pairs = assign(cost, LIMIT)
        assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
        total = sum(cost[pair] for pair in pairs) + LIMIT * (shape[0] - len(pairs))
        assert total == pytest.approx(best_total(cost, LIMIT))


def test_assignment_beats_greed():
    # The cheapest pair (0, 0) would leave row 1 with a costly one.
    assert assign(np.array([[0.1, 0.2], [0.15, 0.9]]), LIMIT) == [(0, 1), (1, 0)]


def test_a_large_assignment_finds_a_hidden_permutation(rng: np.random.Generator):
    order = rng.permutation(30)
    cost = rng.uniform(0.5, 1, (30, 30))
    cost[np.arange(30), order] = 0.01
    assert [column for _, column in assign(cost, LIMIT)] == order.tolist()


def test_groups_do_not_share_rows_or_columns():
    possible = np.zeros((4, 5), dtype=bool)
    possible[[0, 1, 1, 3], [0, 0, 2, 4]] = True
    assert competing_groups(possible) == [([0, 1], [0, 2]), ([3], [4])]


def box_at(x: float, width: float = 40.0) -> Box:
    return Box(x - width / 2, 100 - width / 2, x + width / 2, 100 + width / 2)


def look(kind: int) -> Appearance:
    basis = np.eye(4, dtype=np.float32)[kind]
    return Appearance(basis, basis, basis)


def never(index: int) -> Appearance:
    raise AssertionError("nobody had to be looked at")


def test_a_sure_match_needs_no_look():
    tracks = [Expected(box_at(50), 1 / 30, False, look(0)), Expected(box_at(200), 1 / 30, False, look(1))]
    assert match(tracks, [box_at(203), box_at(52)], never, Matching()) == [(0, 1), (1, 0)]


def test_looks_decide_between_neighbours():
    tracks = [Expected(box_at(100), 1 / 30, False, look(0)), Expected(box_at(115), 1 / 30, False, look(1))]
    found = [box_at(102), box_at(113)]
    assert match(tracks, found, [look(1), look(0)].__getitem__, Matching()) == [(0, 1), (1, 0)]
    assert match(tracks, found, [look(0), look(1)].__getitem__, Matching()) == [(0, 0), (1, 1)]


def test_a_lost_track_comes_back_only_as_itself():
    lost = [Expected(box_at(100), 1.0, True, look(0))]
    assert match(lost, [box_at(160)], lambda index: look(0), Matching()) == [(0, 0)]
    assert match(lost, [box_at(100)], lambda index: look(1), Matching()) == []


@pytest.mark.parametrize("found", [box_at(300), box_at(100, 100.0)])
def test_too_far_or_too_large_is_somebody_else(found: Box):
    tracks = [Expected(box_at(100), 1 / 30, False, look(0))]
    assert match(tracks, [found], lambda index: look(0), Matching()) == []


def test_no_tracks_or_no_faces_is_no_match():
    assert match([], [box_at(1)], never, Matching()) == []
    assert match([Expected(box_at(1), 0.1, False, look(0))], [], never, Matching()) == []
