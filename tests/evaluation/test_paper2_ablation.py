"""The table of rigs without a part: which number is whose."""

import numpy as np

from commedia.evaluation.paper2_ablation import Rig, ablation_table


def test_numbers_stand_under_what_was_left_out() -> None:
    rigs = {
        "a": (Rig((0.99, 0.95, 0.97), 0.03, 0.3, 0.2, ("frown", "sneer")), Rig((0.5, 0.2), 0.04, 0.5, 0.5, ())),
        "b": (Rig((), 0.05, 0.4, 0.4, ()), Rig((), 0.02, 0.4, 0.4, ())),
    }
    table = ablation_table(rigs)
    assert table.cell("own blendshapes") == 3
    assert (table.cell("cosine"), table.cell("least cosine")) == (0.97, 0.95)
    assert (table.cell("without Eq. 7"), table.cell("least without Eq. 7")) == (0.35, 0.2)
    assert (table.cell("error"), table.cell("error without Eq. 7")) == (0.03, 0.04)
    assert (table.cell("skin at rest"), table.cell("with wrinkle maps")) == (0.3, 0.2)
    assert table.cell("wrinkle maps") == "frown, sneer"
    assert np.isnan(table.cell("cosine", 1)), "nothing moves there"
    assert [goal.is_met for goal in table.goals] == [True]
    assert "0.350" in table.notes[-1]


def test_of_no_clip_nothing_is_reached() -> None:
    assert [goal.is_met for goal in ablation_table({}).goals] == [False]
