"""The board's moments: chosen by what a clip shows, apart from each other, and never where nobody is seen."""

from pathlib import Path
from runpy import run_path

import numpy as np

from commedia.conventions import EXPRESSION_INDEX

board = run_path(str(Path(__file__).parents[2] / "scripts" / "draw_board.py"))


def scores(**peaks: dict[int, float]) -> np.ndarray:
    """A clip of 80 frames with these scores, by blendshape and frame."""
    rows = np.full((80, 52), 0.02, dtype=np.float32)
    for name, values in peaks.items():
        for frame, value in values.items():
            rows[frame, EXPRESSION_INDEX[name]] = value
    return rows


def test_strongest_moment_of_each_kind_is_found():
    shown = board["moments"](
        scores(
            eyeBlinkLeft={20: 0.7, 30: 0.9},  # at 30 it is a wink
            eyeBlinkRight={20: 0.6, 30: 0.1},
            mouthSmileLeft={40: 0.8},
            mouthSmileRight={40: 0.8},
            jawOpen={50: 0.5, 60: 0.6},
            browInnerUp={65: 0.4},
            mouthPucker={75: 0.9},
        )
    )
    assert [(one.moment, one.frame) for one in shown] == [("blink", 20), ("smile", 40), ("jaw", 60), ("pucker", 75)]


def test_what_is_not_shown_clearly_gives_way_to_the_face_at_rest():
    rows = scores(jawOpen={50: 0.5}, mouthPucker={33: 0.29})
    rows[70] = 0.0
    rows[12] = np.nan
    shown = board["moments"](rows)
    assert [one.moment for one in shown] == ["rest", "rest", "jaw", "rest"]
    assert [shown[0].frame, shown[2].frame] == [70, 50]
    frames = sorted(one.frame for one in shown)
    assert min(np.diff(frames)) > board["APART"]
    assert 12 not in frames


def test_more_happens_in_a_clip_with_more_moments_and_nothing_without_a_face():
    def happening(rows: np.ndarray) -> float:
        return board["happening"](board["ClipReading"](rows, np.zeros((len(rows), 68, 2), np.float32)))

    calm, lively = scores(jawOpen={50: 0.8}), scores(jawOpen={50: 0.8}, browInnerUp={20: 0.5})
    empty = np.full_like(calm, np.nan)
    assert happening(lively) > happening(calm) > happening(empty) == 0
