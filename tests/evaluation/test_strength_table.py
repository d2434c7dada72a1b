"""The table of strengths says what a reader that is too soft gains, and what one that smears over rest loses."""

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.evaluation.strength import COLUMNS, STRENGTHS, strength_table


def test_half_of_a_smile_is_three_quarters_when_played_twice_as_strong() -> None:
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
    assert rows[1.0] == pytest.approx(((0.5 + 0.1) / (rest + 1), 0.5, 0.5, 0.1 / rest))
    assert rows[2.0] == pytest.approx(((0.25 + 0.19) / (rest + 1), 0.25, 0.75, 0.19 / rest))
