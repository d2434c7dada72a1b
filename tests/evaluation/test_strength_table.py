"""The table of strengths says what a reader that is too soft gains, and what one that smears over rest loses."""

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.evaluation.strength import COLUMNS, STRENGTHS, strength_table


def test_half_of_a_smile_is_most_of_it_and_a_trace_is_less_when_played_stronger() -> None:
    truth, known = np.zeros((4, EXPRESSION_COUNT)), np.ones((4, EXPRESSION_COUNT), bool)
    smile = EXPRESSION_INDEX["mouthSmileLeft"]
    truth[:, smile] = 1.0
    said = 0.5 * truth
    # Said where nobody knows: counts for nothing.
    known[:, EXPRESSION_INDEX["tongueOut"]], said[:, EXPRESSION_INDEX["tongueOut"]] = False, 0.9
    said[:, EXPRESSION_INDEX["jawOpen"]] = 0.1
    table = strength_table("drawn", said, truth, known)
    assert (table.name, table.columns) == ("drawn-strength", COLUMNS)
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows) == list(STRENGTHS)
    rest = EXPRESSION_COUNT - 2
    # Odds of .5 over those of .15, squared: .85. Those of .1: .11 / .176 squared, times .176, is .07 of odds, .065.
    strong, weak = 0.85, 0.0654
    assert rows[1.0][:4] == pytest.approx(((0.5 + 0.1) / (rest + 1), 0.5, 0.5, 0.1 / rest))
    assert rows[2.0][:4] == pytest.approx(((1 - strong + weak) / (rest + 1), 1 - strong, strong, weak / rest), abs=1e-4)


def test_correlation_is_that_of_what_is_played() -> None:
    """Of one blendshape that is half as strong as it should be, and so follows all the same."""
    truth, known = np.zeros((5, EXPRESSION_COUNT)), np.zeros((5, EXPRESSION_COUNT), bool)
    smile = EXPRESSION_INDEX["mouthSmileLeft"]
    truth[:, smile], known[:, smile] = np.linspace(0, 1, 5), True
    rows = {row[0]: row[5] for row in strength_table("drawn", 0.5 * truth, truth, known).rows}
    assert rows[1.0] == pytest.approx(1.0)
    assert 0.95 < rows[2.0] < 0.995
