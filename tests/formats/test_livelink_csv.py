"""The CSV has the app's columns in the app's order, exact timecodes, and reads back by name."""

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from livelink_table import read_livelink_csv
from rigs import params
from test_files import fill_disk

from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import OutputFailed, SinkClosed, UnreadableMedia
from commedia.formats.arkit_table import open_table
from commedia.formats.livelink_csv import (
    ANGLE_COLUMNS,
    COLUMNS,
    HEADER,
    LiveLinkCsvWriter,
    column_values,
)
from commedia.formats.timecode import milliframes_from_timecode, timecode
from commedia.geometry.gaze import GAZE_PITCH_RAD, GAZE_YAW_RAD
from commedia.geometry.rotations import matrix_from_wxyz
from commedia.sources.open import open_source
from commedia.structures import RigPose

STILL = RigPose(np.zeros(0), *(np.array([1.0, 0, 0, 0]) for _ in range(3)))
NTSC = Fraction(30000, 1001)
GOLDEN_HEADER = (
    "Timecode,BlendshapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,"
    "EyeWideLeft,EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,"
    "EyeWideRight,JawForward,JawRight,JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,"
    "MouthSmileLeft,MouthSmileRight,MouthFrownLeft,MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,"
    "MouthStretchRight,MouthRollLower,MouthRollUpper,MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,"
    "MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,"
    "BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,CheekSquintRight,NoseSneerLeft,NoseSneerRight,"
    "TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,RightEyeYaw,RightEyePitch,RightEyeRoll"
)


def test_the_header_is_the_app_s() -> None:
    assert HEADER == GOLDEN_HEADER
    assert len(COLUMNS) == 61


def test_a_golden_row(tmp_path: Path) -> None:
    path = tmp_path / "person-01.csv"
    writer = LiveLinkCsvWriter(path, Fraction(60))
    writer.add(Fraction(3723, 1) + Fraction(59, 120), params((0.25, -0.5, 0.125), jawLeft=0.5, mouthRight=0.75))
    writer.close()
    values = ["0.0000000000"] * 61
    values[COLUMNS.index("JawLeft")] = "0.5000000000"
    values[COLUMNS.index("MouthRight")] = "0.7500000000"
    values[52:55] = ["0.2500000000", "-0.5000000000", "0.1250000000"]
    assert path.read_text() == f"{GOLDEN_HEADER}\n01:02:03:29.500,61,{','.join(values)}\n"


@pytest.mark.parametrize(
    ("axis", "column", "nose", "crown"),
    [
        # What turns where, in the head frame: +x is the subject's left, +y up, +z out of the face.
        ((0, 1, 0), "HeadYaw", (1, 0, 0), (0, 0, 0)),
        ((1, 0, 0), "HeadPitch", (0, -1, 0), (0, 0, 1)),
        ((0, 0, 1), "HeadRoll", (0, 0, 0), (-1, 0, 0)),
    ],
)
def test_signs_of_the_head_by_example(axis: tuple, column: str, nose: tuple, crown: tuple) -> None:
    """Positive: to the own left, down, and the crown over to the own right shoulder; radians; one angle alone."""
    angle = 0.3
    wxyz = np.array([np.cos(angle / 2), *(np.sin(angle / 2) * np.array(axis))])
    turn = matrix_from_wxyz(wxyz)
    for at, moved in (((0, 0, 1), nose), ((0, 1, 0), crown)):
        assert np.sign((turn @ at - at).round(9) * (1 - np.array(at))).tolist() == list(moved)
    face = params()
    face.pose.wxyz[:] = wxyz
    row = dict(zip(COLUMNS, column_values(face), strict=True))
    angles = {name: row[name] for name in ANGLE_COLUMNS}
    assert angles == pytest.approx(dict.fromkeys(ANGLE_COLUMNS, 0.0) | {column: angle})


@pytest.mark.parametrize(
    ("blendshape", "column", "value"),
    [
        ("eyeLookOutLeft", "LeftEyeYaw", -GAZE_YAW_RAD),
        ("eyeLookInLeft", "LeftEyeYaw", GAZE_YAW_RAD),
        ("eyeLookOutRight", "RightEyeYaw", GAZE_YAW_RAD),
        ("eyeLookInRight", "RightEyeYaw", -GAZE_YAW_RAD),
        ("eyeLookDownLeft", "LeftEyePitch", GAZE_PITCH_RAD),
        ("eyeLookUpRight", "RightEyePitch", -GAZE_PITCH_RAD),
    ],
)
def test_signs_of_the_eyes_by_example(blendshape: str, column: str, value: float) -> None:
    """As the app's: positive to the subject's own right, which is not the sign of the head's yaw, and down."""
    row = dict(zip(COLUMNS, column_values(params(**{blendshape: 1.0})), strict=True))
    angles = {name: row[name] for name in ANGLE_COLUMNS}
    assert angles == pytest.approx(dict.fromkeys(ANGLE_COLUMNS, 0.0) | {column: value})


@pytest.mark.parametrize(
    ("blendshapes", "yaw", "pitch"),
    [
        ({"OutLeft": 0.503, "InRight": 0.597, "UpLeft": 0.381, "UpRight": 0.373}, -0.331, -0.174),
        ({"OutLeft": 0.142, "InRight": 0.247, "UpLeft": 0.468, "UpRight": 0.464}, -0.116, -0.205),
        ({"InLeft": 0.056, "InRight": 0.052, "DownLeft": 0.280, "DownRight": 0.280}, 0.001, 0.171),
        ({"InLeft": 0.117, "DownLeft": 0.496, "DownRight": 0.498}, 0.034, 0.304),
    ],
)
def test_eyes_turn_as_in_the_app_s_own_takes(blendshapes: dict, yaw: float, pitch: float) -> None:
    """Moments of three CSV files and a packet of the app, rounded: its blendshapes of the gaze, the mean of its two
    eyes.

    Found public, of different people and years. The app's scales differ somewhat from ours: 0.60 radians sideways, 0.46
    up and 0.61 down at a blendshape of 1.
    """
    face = params(**{f"eyeLook{way}": value for way, value in blendshapes.items()})
    row = dict(zip(COLUMNS, column_values(face), strict=True))
    assert (row["LeftEyeYaw"] + row["RightEyeYaw"]) / 2 == pytest.approx(yaw, rel=0.1, abs=0.003)
    assert (row["LeftEyePitch"] + row["RightEyePitch"]) / 2 == pytest.approx(pitch, rel=0.35)


@pytest.mark.parametrize(
    ("time_s", "rate", "label"),
    [
        (Fraction(0), Fraction(30), "00:00:00:00.000"),
        (Fraction(1, 30), Fraction(30), "00:00:00:01.000"),
        (Fraction(1001, 30000) * 30, NTSC, "00:00:01:00.000"),
        (Fraction(1001, 30000) * 107892, NTSC, "00:59:56:12.000"),
        (Fraction(1001, 60000) * 59, Fraction(60000, 1001), "00:00:00:59.000"),
        (Fraction(1, 24), Fraction(25), "00:00:00:01.042"),
        (Fraction(99999, 100000), Fraction(1), "00:00:01:00.000"),
        (Fraction(100, 7), Fraction(15, 2), "00:00:13:03.143"),
    ],
)
def test_timecodes(time_s: Fraction, rate: Fraction, label: str) -> None:
    assert timecode(time_s, rate) == label


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), NTSC, Fraction(60000, 1001), Fraction(60)])
def test_timecodes_invert_exactly(rate: Fraction) -> None:
    for frame in (0, 1, 29, 30, 59, 1799, 17982, 107892, 2589408):
        assert milliframes_from_timecode(timecode(frame / rate, rate), rate) == frame * 1000


def test_a_take_round_trips(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "person.csv"
    writer = LiveLinkCsvWriter(path, NTSC)
    faces = [params((0.1 * i, 0.02, -0.3), eyeLookOutLeft=0.5) for i in range(4)]
    for index, face in enumerate(faces):
        face.expression[EXPRESSION_INDEX["jawOpen"] :] = rng.random(52 - EXPRESSION_INDEX["jawOpen"])
        writer.add(index / NTSC, face)
    writer.close()
    take = read_livelink_csv(path, NTSC)
    np.testing.assert_array_equal(take.milliframes, [0, 1000, 2000, 3000])
    np.testing.assert_allclose(take.expression, [face.expression for face in faces], atol=1e-10)
    np.testing.assert_allclose(take.angles[:, 0], [0, 0.1, 0.2, 0.3], atol=1e-9)
    np.testing.assert_allclose(take.angles[:, ANGLE_COLUMNS.index("LeftEyeYaw")], -GAZE_YAW_RAD / 2)


def test_columns_are_read_by_name_not_place(tmp_path: Path) -> None:
    path = tmp_path / "shuffled.csv"
    names = list(reversed(COLUMNS[:52]))
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Timecode", "BlendShapeCount", *names])
        rows.writerow(["10:00:00:07", 52, *(0.5 if name == "JawLeft" else 0 for name in names)])
    table = open_table(path)
    assert table is not None
    assert table.kind == "a Live Link Face CSV"
    (row,) = table.rows()
    assert row.stamp == "10:00:00:07"
    assert row.faces[0].expression[EXPRESSION_INDEX["jawLeft"]] == 0.5
    assert row.faces[0].expression.sum() == 0.5


@pytest.mark.parametrize("text", ["", "hello\n"])
def test_other_text_is_no_table(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(text)
    assert open_table(tmp_path / "bad.csv") is None


def test_a_table_without_units_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("Timecode,A,B\n00:00:00:00,1,2\n")
    with pytest.raises(UnreadableMedia, match=r"bad\.csv"):
        open_table(tmp_path / "bad.csv")


def test_a_word_for_a_timecode_is_no_time(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(f"{GOLDEN_HEADER}\nx{',0' * 62}\n")
    with open_source(tmp_path / "bad.csv") as source:
        assert len(list(source)) <= 1
        assert any("frames without a time" in note for note in source.notes)


def test_bad_values_and_states_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match="positive frame rate"):
        LiveLinkCsvWriter(tmp_path / "a.csv", Fraction(0))
    writer = LiveLinkCsvWriter(tmp_path / "a.csv")
    with pytest.raises(OutputFailed, match="not finite"):
        writer.add(Fraction(0), params(jawOpen=float("nan")))
    writer.discard()
    assert not list(tmp_path.iterdir())
    with pytest.raises(SinkClosed):
        writer.add(Fraction(0), params())


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "person.csv"
    path.write_text("old")
    fill_disk(monkeypatch, room=5000)
    writer = LiveLinkCsvWriter(path)

    def write_much() -> None:
        for index in range(100):
            writer.add(Fraction(index, 60), params())

    with pytest.raises(OutputFailed, match="No space left"):
        write_much()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
