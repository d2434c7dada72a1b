"""The table of rigs that are made of clips: what is counted, and that a clip is measured once."""

from pathlib import Path

import numpy as np
import pytest

from commedia.errors import CommediaError
from commedia.evaluation.paper2_personal import Measured, paper2_personal, personal_table
from commedia.evaluation.settings import EvaluationSettings


def measured(name: str, own: float, *, blendshapes: int = 3, cosine: float = 0.95) -> Measured:
    told = {"made_of": 16, "unseen": 6, "prior": 0.05, "own": own, "seconds": 9.0}
    told |= {"blendshapes": blendshapes, "cosine": cosine}
    pictures = np.zeros((3, 4, 4, 3), np.uint8)
    return Measured(name, told, np.eye(3)[0], pictures, np.zeros((3, 52)), np.zeros((3, 7)), np.zeros((5, 52)))


def goals(rigs: list[Measured], cosines: np.ndarray, back: list[float]) -> list[bool]:
    return [goal.is_met for goal in personal_table(rigs, cosines, back).goals]


def test_all_goals_are_met_by_rigs_that_are_better_and_look_like_their_actors() -> None:
    rigs = [measured("a", 0.03), measured("b", 0.04), measured("c", 0.02)]
    assert goals(rigs, np.eye(3), [0.95, 0.9, float("nan")]) == [True] * 4


def test_one_rig_that_is_no_better_is_one_too_many() -> None:
    rigs = [measured("a", 0.03), measured("b", 0.05), measured("c", 0.02)]
    assert goals(rigs, np.eye(3), [0.95] * 3) == [False, True, True, True]


def test_a_rig_that_looks_like_another_actor_is_not_named() -> None:
    rigs = [measured("a", 0.03), measured("b", 0.04), measured("c", 0.02, cosine=0.2, blendshapes=0)]
    cosines = np.array([[0.1, 0.9, 0.0], [0.9, 0.1, 0.0], [0.0, 0.0, 0.9]])
    table = personal_table(rigs, cosines, [0.2] * 3)
    assert [goal.is_met for goal in table.goals] == [True, False, True, False]
    assert table.cell("to the nearest other") == 0.9


def test_what_was_kept_and_is_damaged_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "paper2-personal"
    folder.mkdir()
    (folder / "a.npz").write_bytes(b"PK")
    with pytest.raises(CommediaError, match=r"a\.npz' cannot be read; remove it"):
        paper2_personal(EvaluationSettings(tmp_path, files=(Path("a.mp4"),)), lambda stage, done, total: None)
