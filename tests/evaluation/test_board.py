"""The board: moments chosen by what a clip shows, apart from each other, never where nobody is seen; and its tiles."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from runpy import run_path

import numpy as np

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.evaluation.sheets import Stage
from commedia.faces.landmarks import landmarks_of_faces
from commedia.structures import Box, FaceParams, Frame, HeadPose, TrackedFace

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


def test_a_sheet_shows_the_actor_beside_a_character_who_plays_them():
    image = np.zeros((240, 240, 3), np.uint8)
    image[..., 0] = 200
    pose = HeadPose(np.array([1, 0, 0, 0], np.float32), np.array([120.0, 120.0], np.float32), 600.0)
    still = FaceParams(np.zeros(IDENTITY_COUNT, np.float32), np.zeros(EXPRESSION_COUNT, np.float32), pose)
    loud = replace(still, expression=np.eye(EXPRESSION_COUNT, dtype=np.float32)[EXPRESSION_INDEX["jawOpen"]])
    points = landmarks_of_faces([still])[0]
    stage, frame = Stage(side_px=80), Frame(image, 0, Fraction(0))
    tiles = [
        stage.draw(
            frame, points, face and TrackedFace(1, "tracked", Box(60.0, 60.0, 180.0, 180.0), face, points, 1.0), "", ""
        )
        for face in (None, still, loud)
    ]
    assert all(tile[:80, :80, 0].min() == 200 for tile in tiles), "the actor is on the left"
    empty, shut, open_ = (tile[:80, 80:].astype(int) for tile in tiles)
    assert empty.std() == 0
    assert shut.std() > 10
    assert np.count_nonzero(abs(open_ - shut).max(axis=2) > 40) > 20, "a mouth's worth of pixels"
