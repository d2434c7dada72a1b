"""Heads that are not ours: what is played, who meets the goals, what a character lacks is not asked."""

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.errors import CommediaError
from commedia.evaluation.avatars import Readings, avatars, blendshape_table, performed, summary_table
from commedia.evaluation.settings import EvaluationSettings

RNG = np.random.default_rng(4)
ALL = np.ones(EXPRESSION_COUNT, dtype=bool)


def readings(said, has: np.ndarray = ALL) -> Readings:
    truth = performed(np.random.default_rng(1), has) * has
    return Readings(truth, said(truth), np.tile(has, (len(truth), 1)), 0)


def test_every_blendshape_is_played_alone_and_nothing_is_too() -> None:
    truth = performed(np.random.default_rng(1), ALL)
    alone = [set(np.flatnonzero(row)) for row in truth]
    needs_jaw = {EXPRESSION_INDEX["mouthClose"], EXPRESSION_INDEX["tongueOut"]}
    for number in set(range(EXPRESSION_COUNT)) - needs_jaw:
        assert {number} in alone
    assert alone.count(set()) >= 8
    assert (truth[:, EXPRESSION_INDEX["mouthClose"]] <= truth[:, EXPRESSION_INDEX["jawOpen"]]).all()


def test_a_perfect_reader_meets_every_goal_and_others_miss_theirs() -> None:
    perfect = summary_table({"ours": readings(lambda truth: truth)}, ["somebody"])
    assert (perfect.cell("AUC"), perfect.cell("median correlation")) == pytest.approx((1, 1))
    assert all(goal.is_met for goal in perfect.goals)

    def missed(said) -> set[str]:
        return {goal.name for goal in summary_table({"ours": readings(said)}, ["x"]).goals if not goal.is_met}

    rest = {"mean where truth is 0", "mean on neutral faces"}
    assert missed(lambda truth: np.zeros_like(truth)) == {"AUC, mean over blendshapes", "median correlation"}
    assert missed(lambda truth: np.maximum(truth, 0.2)) == rest
    # AUC does not mind loudness, and noise has none of it.
    assert missed(lambda truth: 0.1 * truth) == set()
    assert len(missed(lambda truth: RNG.uniform(size=truth.shape))) == 4


def test_goals_are_of_the_first_reader_only() -> None:
    both = {"ours": readings(lambda truth: truth), "MediaPipe": readings(np.zeros_like)}
    table = summary_table(both, ["somebody"])
    assert [row[0] for row in table.rows] == ["ours", "MediaPipe"]
    assert all(goal.is_met for goal in table.goals)


def test_what_a_character_lacks_is_not_asked() -> None:
    has = ALL.copy()
    has[EXPRESSION_INDEX["tongueOut"]] = False

    def loud_there(truth: np.ndarray) -> np.ndarray:
        said = truth.copy()
        said[:, EXPRESSION_INDEX["tongueOut"]] = 1
        return said

    one = readings(loud_there, has)
    assert summary_table({"ours": one}, ["x"]).cell("mean where truth is 0") == 0
    row = next(row for row in blendshape_table({"ours": one}).rows if row[0] == "tongueOut")
    assert np.isnan(row[1])


def test_without_characters_it_says_what_it_needs(tmp_path) -> None:
    with pytest.raises(CommediaError, match="--characters"):
        avatars(EvaluationSettings(tmp_path), lambda *_: None)
