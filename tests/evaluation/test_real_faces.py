"""What is asked of clips, neutral photographs, turned pictures and winks, with readers whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT
from commedia.demo.performance import STAGE_WIDTH_PX, TROUPE
from commedia.evaluation.clip_measures import ClipTracks, correlation_table, moments_table
from commedia.evaluation.clips import spread
from commedia.evaluation.landmarks import GOALS, MOBILE_GOALS, nme_goals
from commedia.evaluation.mediapipe import BEST_PX, BEST_SCALE, ClipReading, ibug_points, read_around
from commedia.evaluation.neutral import NeutralPhotos, is_neutral, neutral_table
from commedia.evaluation.rolls import Rolled, rolls_table, turned
from commedia.evaluation.winks import SCRIPT, winks_of, winks_table
from commedia.faces.landmarks import landmarks_of_faces
from commedia.labelling.teacher import Teacher, TeacherPrediction
from commedia.structures import Box, FaceParams, HeadPose, TrackedFace


def rows_of(count: int, **values: float) -> np.ndarray:
    """Expressions that are the same in every row."""
    rows = np.zeros((count, EXPRESSION_COUNT))
    for name, value in values.items():
        rows[:, EXPRESSION_INDEX[name]] = value
    return rows


def params_of(expression: np.ndarray) -> FaceParams:
    pose = HeadPose(np.array([1, 0, 0, 0], np.float32), np.array([50.0, 50.0], np.float32), 300.0)
    return FaceParams(np.zeros(IDENTITY_COUNT, np.float32), expression.astype(np.float32), pose)


def clip_of(scores: np.ndarray, ours: np.ndarray, people: int = 1) -> ClipTracks:
    return ClipTracks("clip", ClipReading(scores, np.zeros((len(scores), 68, 2))), ours, ours, people)


def test_clips_count_eyes_that_shut_half_or_on_one_side_and_frames_in_which_nobody_is_read() -> None:
    scores = rows_of(4, eyeBlinkLeft=0.6, eyeBlinkRight=0.7)
    scores[3] = 0.5  # eyes half shut are not asked about
    ours = rows_of(4, eyeBlinkLeft=0.8, eyeBlinkRight=0.9)
    ours[1, EXPRESSION_INDEX["eyeBlinkRight"]] = 0.4
    ours[2] = np.nan
    table = moments_table([clip_of(scores, ours)])
    assert [row[1] for row in table.rows[:2]] == [3, 3]
    assert [row[2] for row in table.rows[:2]] == pytest.approx([1 / 3, 2 / 3])
    assert not any(goal.is_met for goal in table.goals[:3]), "and a clip without a grin proves nothing of grins"
    well = moments_table([clip_of(scores[:3], scores[:3] + 0.2)])
    assert [goal.is_met for goal in well.goals[:3]] == [True, True, False]


def test_clips_ask_grins_for_a_shut_jaw() -> None:
    smiles = rows_of(3, mouthSmileLeft=0.9, mouthSmileRight=0.2, jawOpen=0.05)
    smiles[2, EXPRESSION_INDEX["jawOpen"]] = 0.6  # laughs
    ours = rows_of(3, jawOpen=0.2)
    ours[1:, EXPRESSION_INDEX["jawOpen"]] = (0.1, 0.9)
    table = moments_table([clip_of(smiles, ours)])
    assert table.rows[2][1:] == (2, pytest.approx(0.15))


def test_clips_count_people_too_many_and_too_few() -> None:
    someone, nobody = np.zeros((20, EXPRESSION_COUNT)), np.full((20, EXPRESSION_COUNT), np.nan)
    clips = [clip_of(someone, someone, 3), clip_of(nobody, nobody, 1), clip_of(someone, nobody, 0)]
    table = moments_table(clips)
    assert [row[2] for row in table.rows[3:]] == [3, 1], "somebody missing in one clip makes up for nobody in another"
    assert [goal.is_met for goal in table.goals[3:]] == [False, False]


def test_a_face_that_mediapipe_sees_in_the_sky_proves_nothing() -> None:
    sky = np.full((40, EXPRESSION_COUNT), np.nan)
    sky[:3] = rows_of(3, eyeBlinkLeft=0.9, eyeBlinkRight=0.9, jawOpen=1.0)
    sky[2] = 0
    nobody = clip_of(sky, np.full((40, EXPRESSION_COUNT), np.nan), people=0)
    table = moments_table([nobody])
    assert [row[1] for row in table.rows[:3]] == [0, 0, 0]
    assert [goal.is_met for goal in table.goals[3:]] == [True, True]
    assert {row[1] for row in correlation_table([nobody]).rows} == {0}


def test_clips_ask_every_blendshape_for_its_own_correlation() -> None:
    time = np.linspace(0, 6, 60)
    scores = np.zeros((60, EXPRESSION_COUNT))
    for name in ("jawOpen", "mouthPucker"):
        scores[:, EXPRESSION_INDEX[name]] = 0.5 + 0.4 * np.sin(time)
    ours = scores.copy()
    ours[:, EXPRESSION_INDEX["mouthPucker"]] *= -1
    goals = {goal.name: goal for goal in correlation_table([clip_of(scores, ours)]).goals}
    assert len(goals) == 9
    assert [name for name, goal in goals.items() if goal.is_met] == ["median correlation of jawOpen"]
    assert goals["median correlation of mouthPucker"].value == pytest.approx(-1)
    assert goals["median correlation of mouthPucker"].bound == 0.75


def test_frames_of_a_sheet_are_spread_over_all_clips() -> None:
    wanted = [np.arange(50) % 2 == 0, np.zeros(9, dtype=bool), np.ones(75, dtype=bool)]
    assert spread(wanted, 4) == [frozenset({0}), frozenset(), frozenset({8, 41, 74})]
    assert spread([np.ones(2, dtype=bool)], 40) == [frozenset({0, 1})]
    assert spread([np.zeros(2, dtype=bool)], 40) == [frozenset()]


class CornerTeacher(Teacher):
    """Sees all points in the upper left corner, but for one in the middle of the right edge."""

    def __init__(self):
        pass

    def read(self, image: np.ndarray) -> TeacherPrediction:
        assert image.shape == (BEST_PX, BEST_PX, 3)
        points = np.zeros((478, 3), dtype=np.float32)
        points[1] = BEST_PX, BEST_PX / 2, BEST_PX
        return TeacherPrediction(points, np.zeros(EXPRESSION_COUNT, np.float32))


def test_mediapipe_reads_an_upright_crop_and_its_points_come_back() -> None:
    points = landmarks_of_faces([params_of(np.zeros(EXPRESSION_COUNT))])[0]
    quarter = np.array([[0, 1], [-1, 0]])
    read = [read_around(CornerTeacher(), np.zeros((9, 9, 3), np.uint8), at) for at in (points, points @ quarter.T)]
    upright, lying = (one.points_px for one in read if one is not None)
    np.testing.assert_allclose(lying[:2, :2], upright[:2, :2] @ quarter.T, atol=0.5)
    low, high = points.min(axis=0), points.max(axis=0)
    side = BEST_SCALE * (high - low).max()
    np.testing.assert_allclose(upright[0, :2], (low + high) / 2 - side / 2, atol=0.02 * side)
    np.testing.assert_allclose(upright[1, :2], (low + high) / 2 + (side / 2, 0), atol=0.02 * side)
    assert upright[1, 2] == pytest.approx(side, rel=0.02), "depth is in pixels of the picture too"
    assert read[0] is not None
    assert ibug_points(read[0]).shape == (68, 2)


def test_inner_points_are_held_against_mediapipe_on_the_faces_it_found() -> None:
    ours, theirs = np.array([[2.0, 1.5], [3.0, 9.0]]), np.array([[2.2, 1.6], [np.nan, np.nan]])
    total, inner = nme_goals("helen-dev", ours, theirs, GOALS)
    assert (total.value, total.is_met, inner.value, inner.bound, inner.is_met) == (2.5, True, 1.5, 1.6, True)
    assert not nme_goals("helen-dev", theirs[:1], ours[:1], GOALS)[1].is_met
    assert [goal.bound for goal in nme_goals("helen-dev", ours, theirs, MOBILE_GOALS)] == [2.8]
    assert nme_goals("ytf-dev", ours, theirs, MOBILE_GOALS) == []


def test_neutral_photographs_are_those_without_an_expression() -> None:
    rest = rows_of(1, eyeSquintLeft=0.9, browDownLeft=0.45, eyeLookDownLeft=0.4, jawOpen=0.2)[0]
    assert is_neutral(rest)
    for name in ("jawOpen", "mouthSmileLeft", "browInnerUp"):
        assert not is_neutral(rest + rows_of(1, **{name: 0.3})[0]), name
    assert not is_neutral(rest + rows_of(1, eyeBlinkRight=0.6)[0])
    photos = NeutralPhotos(("a", "b"), np.zeros((2, 68, 2)), np.stack([rest, rest]), looked_at=9)
    read = np.concatenate([rows_of(1, browInnerUp=0.42), rows_of(1, browInnerUp=0.62)])
    table = neutral_table(read, photos)
    assert table.rows[0] == ("all", pytest.approx(0.01), None, pytest.approx(rest.mean()))
    assert table.rows[1] == ("browInnerUp", pytest.approx(0.52), pytest.approx(0.61), 0.0)
    assert [goal.is_met for goal in table.goals] == [True, False]


def test_a_turned_picture_holds_everything_and_turns_as_a_roll_does() -> None:
    image = np.zeros((20, 40, 3), dtype=np.uint8)
    image[:, 30:] = 255  # at image right
    quarter = turned(image, 90)
    assert quarter.shape == (40, 20, 3)
    assert quarter[:9].min() == 255, "anticlockwise: what was right is up"
    assert quarter[11:].max() == 0
    np.testing.assert_array_equal(turned(image, 180), image[::-1, ::-1])
    assert turned(image, 45).shape[:2] == (43, 43)


def test_rolls_are_compared_around_the_circle_and_a_missed_face_fails() -> None:
    assert Rolled(180, 1, -176.0).error_deg == pytest.approx(4)
    assert Rolled(-165, 1, 170.0).error_deg == pytest.approx(25)
    found, error = rolls_table([("a", Rolled(0, 1, 3.0)), ("a", Rolled(180, 1, -176.0))]).goals
    assert (found.is_met, error.is_met, error.value) == (True, True, pytest.approx(4))
    missed = rolls_table([("a", Rolled(0, 1, 3.0)), ("a", Rolled(90, 0, float("nan")))]).goals
    assert [goal.is_met for goal in missed] == [False, False]
    extra = rolls_table([("a", Rolled(0, 1, 3.0)), ("a", Rolled(90, 2, 90.0))]).goals
    assert [goal.is_met for goal in extra] == [False, True]


def test_winks_that_shut_both_eyes_or_none_are_not_one_eyed() -> None:
    cast = tuple(replace(one, script=SCRIPT) for one in TROUPE)
    faces = []
    for index, (left, right) in enumerate(((0.9, 0.1), (0.9, 0.5), (0.4, 0.0))):
        x = cast[index].place[0] * STAGE_WIDTH_PX
        params = params_of(rows_of(1, eyeBlinkLeft=left, eyeBlinkRight=right)[0])
        box = Box(x - 50, 150.0, x + 50, 250.0)
        faces.append(TrackedFace(index + 1, "tracked", box, params, np.zeros((68, 2), np.float32), 0.9))
    assert winks_of(tuple(faces), cast, 1.25) == [], "nobody winks between the beats"
    read = winks_of(tuple(faces), cast, SCRIPT[0][0])
    assert [wink.one_eyed for wink in read] == [True, False, False, False], "the fourth is not found"
    assert winks_table(read).goals[0].value == 0.25
    other = winks_of(tuple(faces), cast, SCRIPT[1][0])
    assert [wink.one_eyed for wink in other] == [False] * 4, "now it is the right eye's turn"
    assert read[0].winking == pytest.approx(0.9)
