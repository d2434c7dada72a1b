"""A recording of motion calibrates as a video does, from the command line, without any network."""

from pathlib import Path

import numpy as np
from livelink_table import read_livelink_csv

from commedia.cli.main import main
from commedia.conventions import EXPRESSION_INDEX

JAW, BROW = EXPRESSION_INDEX["jawOpen"], EXPRESSION_INDEX["browInnerUp"]


def _table(path: Path, jaw: np.ndarray) -> Path:
    rows = [f"{index / 30},{value},0.3" for index, value in enumerate(jaw.tolist())]
    path.write_text("\n".join(["time,jawOpen,browInnerUp", *rows]))
    return path


def test_a_table_calibrates_a_table(tmp_path: Path) -> None:
    """A jaw that rests at 0.1 and opens to 0.6 is played from 0 to 1; brows that never move are at rest."""
    swing = 0.1 + 0.5 * np.clip(np.sin(np.linspace(0, 25, 300)), 0, 1)
    recorded = _table(tmp_path / "range.csv", swing)
    motion = _table(tmp_path / "motion.csv", np.array([0.1, 0.35, 0.6]))
    command = ["retarget", str(motion), "--no-preview", "--formats", "csv"]
    assert main([*command, "-o", str(tmp_path / "plain")]) == 0
    assert main([*command, "-o", str(tmp_path / "out"), "--calibrate", str(recorded)]) == 0
    plain, played = (read_livelink_csv(tmp_path / name / "person-01.csv").expression for name in ("plain", "out"))
    np.testing.assert_allclose(plain[:, JAW], [0.1, 0.35, 0.6], atol=1e-6)
    np.testing.assert_allclose(played[:, JAW], [0, 0.5, 1], atol=0.02)
    np.testing.assert_allclose(played[:, BROW], 0, atol=1e-6)
    # The take of an earlier run calibrates too.
    assert main(["retarget", str(recorded), "--no-preview", "--formats", "csv", "-o", str(tmp_path / "ranged")]) == 0
    take = str(tmp_path / "ranged" / "take.jsonl")
    assert main([*command, "-o", str(tmp_path / "again"), "--calibrate", take]) == 0
    again = read_livelink_csv(tmp_path / "again" / "person-01.csv").expression
    np.testing.assert_allclose(again, played, atol=1e-5)
