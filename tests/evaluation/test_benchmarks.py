"""What stands between a network and its table, with readers whose right and wrong answers are known."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from commedia.cli.evaluate import evaluate
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT, LANDMARK_MIRROR
from commedia.data.sample import FaceSample, PictureSample, full_weight
from commedia.data.shards import write_shard
from commedia.errors import CommediaError, UnknownName
from commedia.evaluation.benchmarks import benchmark
from commedia.evaluation.clip_measures import blendshape_rows, main_expression
from commedia.evaluation.groups import ALONE, END_TO_END, SMALL, Reference, groups_summary, measured, sorted_out
from commedia.evaluation.ids import count_ids
from commedia.evaluation.mediapipe import ibug_from_mediapipe
from commedia.evaluation.settings import EvaluationSettings
from commedia.evaluation.synthetic import blendshape_table, read_shards, summary_table
from commedia.faces.crop import Crop
from commedia.faces.landmarks import landmarks_of_faces
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.labelling.rfb import FoundFace
from commedia.structures import Box, FaceParams, HeadPose, Status, TrackedFace, TrackedFrame

MEDIAPIPE_MIRROR = {33: 263, 133: 362, 61: 291, 234: 454, 70: 300, 152: 152, 4: 4, 78: 308}
"""Some pairs of MediaPipe's canonical face: eye corners, mouth corners, temples; chin and nose tip are their own."""


def silent(stage: str, done: int, total: int) -> None:
    """Take progress and do nothing."""


def params_of(expression: np.ndarray, yaw_deg: float = 0.0, x_px: float = 50.0) -> FaceParams:
    wxyz = wxyz_from_yaw_pitch_roll(np.radians([yaw_deg, 0, 0])).astype(np.float32)
    pose = HeadPose(wxyz, np.array([x_px, 50.0], dtype=np.float32), 300.0)
    return FaceParams(np.zeros(IDENTITY_COUNT, np.float32), expression.astype(np.float32), pose)


def tracked(person: int, x_px: float, *, status: Status = "tracked", jaw: float = 0.0) -> TrackedFace:
    expression = np.zeros(EXPRESSION_COUNT)
    expression[EXPRESSION_INDEX["jawOpen"]] = jaw
    box = Box(float(x_px), 0.0, x_px + 10.0, 10.0)
    return TrackedFace(person, status, box, params_of(expression), np.zeros((68, 2), np.float32), 0.9)


def take(*frames: tuple[TrackedFace, ...]) -> list[TrackedFrame]:
    return [TrackedFrame(index, Fraction(index, 25), faces) for index, faces in enumerate(frames)]


class PerfectReader:
    """Answers with the truth it was told, off by a chosen turn and expression error."""

    def __init__(self, answers: list[FaceParams]):
        self.answers = iter(answers)

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        return [next(self.answers) for _ in crops]


def shard_of(path: Path, faces: list[FaceParams]) -> Path:
    samples = [
        PictureSample(
            image=np.zeros((100, 100, 3), dtype=np.uint8),
            faces=(
                FaceSample(
                    box=Box(10.0, 10.0, 90.0, 90.0),
                    landmarks_px=landmarks_of_faces([face])[0],
                    landmark_kind="synthetic",
                    pose=face.pose,
                    identity=face.identity,
                    expression=face.expression,
                    expression_weight=full_weight(),
                    identity_name=None,
                ),
            ),
            source="test",
            licence="none",
            kind="synthetic",
        )
        for face in faces
    ]
    write_shard(path, samples)
    return path


def test_synthetic_table_by_hand(tmp_path: Path) -> None:
    smile, jaw = EXPRESSION_INDEX["mouthSmileLeft"], EXPRESSION_INDEX["jawOpen"]
    strong, weak = np.zeros(EXPRESSION_COUNT), np.zeros(EXPRESSION_COUNT)
    strong[smile], weak[smile] = 0.9, 0.4
    shard = shard_of(tmp_path / "held-back.tar", [params_of(strong, 0), params_of(weak, 50)])
    read_strong, read_weak = strong.copy(), weak.copy()
    read_strong[smile], read_strong[jaw], read_weak[smile] = 0.6, 0.52, 0.4
    answers = [params_of(read_strong, 12), params_of(read_weak, 50)]
    predictions = read_shards(PerfectReader(answers), [shard], None, silent)
    summary = {str(row[0]): row[1:] for row in summary_table(predictions, [shard]).rows}
    active = summary["expression, where truth > 0.5"]
    assert active[0] == pytest.approx(0.3, abs=1e-4)
    assert active[1] == pytest.approx(0.3, abs=1e-4)
    assert np.isnan(active[2]), "nothing active was turned by 30 to 60 degrees"
    assert summary["expression, everywhere"][0] == pytest.approx((0.3 + 0.52) / 52 / 2, abs=1e-4)
    assert summary["expression, where truth is 0 (mean prediction)"][0] == pytest.approx(0.52 / 102, abs=1e-4)
    assert summary["head pose, degrees"][:3] == pytest.approx((6, 12, 0), abs=0.1)
    assert summary["68 points, NME %"][2] == pytest.approx(0, abs=0.01)
    assert summary["68 points, NME %"][1] > 1
    blendshapes = {str(row[0]): row[1:] for row in blendshape_table(predictions).rows}
    assert blendshapes["mouthSmileLeft"][:2] == (1, pytest.approx(0.3, abs=1e-4))
    assert blendshapes["jawOpen"][3] == pytest.approx(0.26, abs=1e-4)


def test_synthetic_goals_weigh_everything_and_pay_nothing_for_loudness(tmp_path: Path) -> None:
    left, puffed = np.zeros(EXPRESSION_COUNT), np.zeros(EXPRESSION_COUNT)
    left[EXPRESSION_INDEX["jawLeft"]], puffed[EXPRESSION_INDEX["cheekPuff"]] = 0.9, 0.8
    shard = shard_of(tmp_path / "held-back.tar", [params_of(left, 0), params_of(puffed, 60), params_of(puffed, 70)])
    loud = np.full(EXPRESSION_COUNT, 0.5)
    answers = [params_of(loud, 4), params_of(loud, 61), params_of(loud, 75)]
    predictions = read_shards(PerfectReader(answers), [shard], None, silent)
    table = summary_table(predictions, [shard])
    everywhere, rest, near, far = table.goals
    assert everywhere.value == pytest.approx((3 * 51 * 0.5 + 0.4 + 0.3 + 0.3) / (3 * 52), abs=1e-4)
    assert (rest.value, near.value, far.value) == pytest.approx((0.5, 2.5, 5.0), abs=0.01)
    assert [goal.is_met for goal in table.goals] == [False, False, True, True]
    reader_of_nothing = {str(row[0]): row[1] for row in table.rows}["the same of a reader that always says 0"]
    assert reader_of_nothing == pytest.approx((0.9 + 0.8 + 0.8) / (3 * 52), abs=1e-4)


def test_synthetic_ranks_and_correlates_blendshape_by_blendshape(tmp_path: Path) -> None:
    truths = np.random.default_rng(3).uniform(0.01, 1, (12, EXPRESSION_COUNT))
    truths[:4] = 0
    shard = shard_of(tmp_path / "held-back.tar", [params_of(truth) for truth in truths])
    quiet = 0.2 * truths + 0.1
    quiet[:, EXPRESSION_INDEX["jawOpen"]] = 0.4
    predictions = read_shards(PerfectReader([params_of(one) for one in quiet]), [shard], None, silent)
    table = blendshape_table(predictions)
    rows = {str(row[0]): row[1:] for row in table.rows}
    assert rows["jawOpen"][4:] == pytest.approx((0.5, 0), abs=1e-4), "said of everybody alike"
    assert rows["tongueOut"][4:] == pytest.approx((1, 1), abs=1e-3), "order and motion are right, loudness is not"
    ranking, moves = table.goals
    assert ranking.value == pytest.approx((51 + 0.5) / 52, abs=1e-6)
    assert moves.value == pytest.approx(1, abs=1e-3)


def test_tables_of_pictures_read_them_as_photographs_unless_told_otherwise(tmp_path: Path) -> None:
    rest = np.zeros(EXPRESSION_COUNT)
    shard = shard_of(tmp_path / "held-back.tar", [params_of(rest, 0), params_of(rest, 50)])
    settings = EvaluationSettings(tmp_path / "out", shards=(shard,))
    usual, once = evaluate("synthetic", settings), evaluate("synthetic", replace(settings, once=True))
    assert [table.name for table in once] == [f"{table.name}-once" for table in usual]
    assert "read as it is and mirrored" in (tmp_path / "out" / "synthetic.md").read_text()
    assert "read once" in (tmp_path / "out" / "synthetic-once.md").read_text()
    assert once[0].rows != usual[0].rows


def test_what_is_a_stream_is_not_told_to_read_once(tmp_path: Path) -> None:
    with pytest.raises(CommediaError, match=r"for tables of single pictures .*, not for 'live'"):
        evaluate("live", EvaluationSettings(tmp_path / "out", once=True))
    assert not (tmp_path / "out").exists()


def test_groups_ask_only_for_large_sure_faces() -> None:
    large, small = Box(0.0, 0.0, 30.0, 60.0), Box(0.0, 0.0, 49.0, 49.0)
    faces = [FoundFace(large, 0.95), FoundFace(small, 0.99), FoundFace(large, 0.89)]
    required, optional = sorted_out(faces, least_px=50.0)
    assert required == [large]
    assert optional == [small, large]


def test_groups_count_misses_and_false_alarms_for_each_reader_and_size() -> None:
    """One large and one small face; MFN alone finds the large one and a wall, end to end finds both."""
    large, small, wall = Box(0.0, 0.0, 40.0, 40.0), Box(60.0, 60.0, 64.0, 64.0), Box(0.0, 60.0, 30.0, 90.0)
    picture = Reference("a.jpg", np.zeros((100, 100, 3), np.uint8), [FoundFace(large, 0.99), FoundFace(small, 0.95)])
    found = {ALONE: ([large, wall], [0.9, 0.8]), END_TO_END: ([large, small], [0.9, 0.7])}
    outcomes = {(name, size): measured([picture], [found[name]], size) for name in found for size in (0.05, SMALL)}
    table = groups_summary(outcomes, crowded=0, copies=[])
    rows = {row[:2]: row[3:8] for row in table.rows}
    assert rows[ALONE, 0.05] == (1, 1, 2, 1.0, 0.5)
    assert rows[ALONE, SMALL] == (2, 1, 2, 0.5, 0.5)
    assert rows[END_TO_END, 0.05] == (1, 1, 1, 1.0, 1.0), "finding the small one is no error where nobody asked for it"
    assert rows[END_TO_END, SMALL] == (2, 2, 2, 1.0, 1.0)
    assert [(goal.value, goal.is_met) for goal in table.goals] == [(1.0, True), (0.5, False), (1.0, True), (1.0, True)]
    assert [goal.bound for goal in table.goals] == [0.92, 0.95, 0.96, 0.97], "recall and precision of MFN, then of all"


def test_ids_are_counted_where_people_are_seen() -> None:
    frames = take(
        (tracked(1, 0), tracked(2, 100)),
        (tracked(1, 1), tracked(2, 99, status="held")),
        (tracked(3, 2), tracked(2, 98)),
        (tracked(3, 3), tracked(2, 97)),
    )
    counts = count_ids(frames)
    assert (counts.people, counts.lasting, counts.throughout) == (3, 3, 0)
    assert counts.switches == 1, "person 1 became person 3 on the spot"
    assert counts.histogram == ((1, 1), (2, 3))
    steady = count_ids(take(*[(tracked(2, 5.0), tracked(1, 90.0))] * 3))
    assert (steady.people, steady.throughout, steady.switches) == (2, 2, 0)


def test_clips_follow_the_person_seen_longest() -> None:
    frames = take(
        (tracked(1, 0, jaw=0.9),),
        (tracked(2, 0, jaw=0.1),),
        (tracked(2, 0, jaw=0.2), tracked(1, 50, status="held", jaw=0.9)),
    )
    jaw = main_expression(frames, 4)[:, EXPRESSION_INDEX["jawOpen"]]
    np.testing.assert_allclose(jaw, [np.nan, 0.1, 0.2, np.nan], rtol=1e-6)


def test_clips_judge_only_units_that_move_and_frames_that_both_read() -> None:
    time = np.linspace(0, 6, 60)
    scores = np.zeros((60, EXPRESSION_COUNT))
    scores[:, EXPRESSION_INDEX["jawOpen"]] = 0.5 + 0.4 * np.sin(time)
    scores[:, EXPRESSION_INDEX["mouthLeft"]] = 0.1 + 0.1 * np.sin(time)
    scores[:, EXPRESSION_INDEX["browOuterUpLeft"]] = np.sin(time) ** 2
    following, opposed = 0.3 * scores + 0.2, 1 - scores
    following[:20] = np.nan
    rows = blendshape_rows(scores, (following, opposed))
    assert [row[0] for row in rows] == ["jawOpen"], "mouthLeft hardly moves, browOuterUpLeft is not asked for"
    assert rows[0][3:5] == pytest.approx((1, -1))


def test_clips_also_say_how_well_we_follow_what_the_scores_stand_for() -> None:
    shut = EXPRESSION_INDEX["eyeBlinkLeft"]
    scores, ours = np.zeros((60, EXPRESSION_COUNT)), np.zeros((60, EXPRESSION_COUNT))
    scores[:, shut] = 0.05 + 0.6 * np.sin(np.linspace(0, 6, 60)) ** 4
    # As the table of labels says: 0 up to .1, .15 at .3, .32 at .4, .62 at .5, .9 at .55, 1 from .65 on.
    ours[:, shut] = np.interp(scores[:, shut], (0.1, 0.3, 0.4, 0.5, 0.55, 0.65), (0, 0.15, 0.32, 0.62, 0.9, 1))
    ((_, _, _, with_scores, of_others, as_labelled),) = blendshape_rows(scores, (ours, scores))
    assert as_labelled == pytest.approx(1)
    assert of_others == pytest.approx(1)
    assert with_scores < 0.98


def test_the_landmark_subset_has_the_sides_right() -> None:
    subset = ibug_from_mediapipe()
    assert len(set(subset.tolist())) == 68
    mirror = MEDIAPIPE_MIRROR | {second: first for first, second in MEDIAPIPE_MIRROR.items()}
    checked = 0
    for index, point in enumerate(subset.tolist()):
        if point in mirror and index not in range(17):
            assert subset[LANDMARK_MIRROR[index]] == mirror[point]
            checked += 1
    assert checked >= 8
    assert subset[36] == 33, "MediaPipe's 33 is the outer corner of the subject's right eye"


def test_an_unknown_table_and_a_missing_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="sfn-nme"):
        benchmark("sfn-nmee")
    for data in (None, tmp_path / "nowhere"):
        with pytest.raises(CommediaError, match=r"needs 'groups'.*pass --data FOLDER, which holds faces/"):
            EvaluationSettings(tmp_path, data=data).file("groups")
    with pytest.raises(CommediaError, match="--data FOLDER"):
        benchmark("sfn-nme")(EvaluationSettings(tmp_path), silent)
    settings = EvaluationSettings(tmp_path)
    with pytest.raises(CommediaError, match="--shards"):
        benchmark("synthetic")(settings, silent)
    with pytest.raises(CommediaError, match="--files"):
        benchmark("rolls")(settings, silent)
    for table in ("clips", "neutral"):
        with pytest.raises(CommediaError, match=r"--landmarker|--data"):
            benchmark(table)(settings, silent)
