"""Tables are read by name in any spelling, with times of any kind, and survive whatever is in a cell."""

import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES
from commedia.errors import UnreadableMedia
from commedia.formats.columns import blendshape_index
from commedia.formats.livelink_csv import COLUMNS, HEADER
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.sources.open import open_source

from .recordings import head, read, unit, write

FULL = ",".join(f"{0.01 * (1 + column):.2f}" for column in range(52)) + ",0.3,0.2,0.1,0,0,0,0,0,0"


def app_file(labels: list[str]) -> str:
    return HEADER + "\n" + "".join(f"{label},61,{FULL}\n" for label in labels)


def test_the_app_s_file_comes_back_by_name(tmp_path: Path) -> None:
    labels = [f"10:20:{30 + i // 60:02d}:{i % 60:02d}.250" for i in range(65)]
    source, frames = read(write(tmp_path / "face.csv", app_file(labels)))
    assert "a Live Link Face CSV: timecodes, whose frames go to 59, 60 frames per second" in source.notes[0]
    assert [frame.time_s for frame in frames] == [Fraction(i, 60) for i in range(65)]
    for column, name in enumerate(COLUMNS[:52]):
        index = blendshape_index(name)
        assert index is not None
        assert EXPRESSION_NAMES[index].lower() == name.lower()
        assert frames[7].faces[0].params.expression[index] == pytest.approx(0.01 * (1 + column))
    np.testing.assert_allclose(head(frames[0]), wxyz_from_yaw_pitch_roll(np.array([0.3, 0.2, 0.1])), atol=1e-12)


def test_rows_that_end_after_the_count_are_frames_without_a_face(tmp_path: Path) -> None:
    text = app_file(["00:00:00:00.000", "00:00:00:01.000"]) + "00:00:00:02.000,0\n"
    _, frames = read(write(tmp_path / "a.csv", text))
    assert [len(frame.faces) for frame in frames] == [1, 1, 0]


@pytest.mark.parametrize(
    ("labels", "rate", "times", "shown"),
    [
        (["00:00:00:00", "00:00:00:01"], None, [Fraction(0), Fraction(1, 60)], Fraction(60)),
        (["00:00:00:28", "00:00:00:29", "00:00:01:00"], None, [Fraction(i, 30) for i in range(3)], Fraction(30)),
        (["00:00:00:22", "00:00:00:23", "00:00:01:00"], None, [Fraction(i, 24) for i in range(3)], Fraction(24)),
        (
            ["00:00:00:29", "00:00:01:00"],
            Fraction(30000, 1001),
            [Fraction(0), Fraction(1001, 30000)],
            Fraction(30000, 1001),
        ),
        # Drop-frame leaves out the labels ;00 and ;01 of a minute, and no frame.
        (
            ["00:00:59;28", "00:00:59;29", "00:01:00;02"],
            None,
            [Fraction(1001 * i, 30000) for i in range(3)],
            Fraction(30000, 1001),
        ),
        (["00:09:59;29", "00:10:00;00"], None, [Fraction(0), Fraction(1001, 30000)], Fraction(30000, 1001)),
        (["00:00:59;59", "00:01:00;04"], None, [Fraction(0), Fraction(1001, 60000)], Fraction(60000, 1001)),
        # A take over midnight: the app's timecode is the time of day.
        (["23:59:59:59", "00:00:00:00", "00:00:00:01"], None, [Fraction(i, 60) for i in range(3)], Fraction(60)),
        (["23:59:59.960", "00:00:00.000"], None, [Fraction(0), Fraction(1, 25)], Fraction(30)),
    ],
)
def test_timecodes(labels: list[str], rate: Fraction | None, times: list[Fraction], shown: Fraction, tmp_path: Path):
    source, frames = read(write(tmp_path / "a.csv", app_file(labels)), rate=rate)
    assert [frame.time_s for frame in frames] == times
    assert source.info.frame_rate == shown


@pytest.mark.parametrize(
    ("column", "stamps", "rate", "words"),
    [
        ("timestamp", ["1.0", "1.0333", "1.0667", "1.1"], Fraction(30), "times in seconds"),
        ("Time", ["1700000000000", "1700000000040", "1700000000080"], Fraction(25), "times in milliseconds"),
        ("time", ["5000000", "5016667", "5033333"], Fraction(60), "times in microseconds"),
        ("time", ["1700000000000000000", "1700000000040000000"], Fraction(25), "times in nanoseconds"),
        ("time_ms", ["-80", "-40", "0"], Fraction(25), "times in milliseconds"),
        ("Time (s)", ["0", "1", "2"], Fraction(1), "times in seconds"),
        ("frame", ["0", "1", "3"], Fraction(30), "frame numbers without a rate"),
        ("nothing", ["x", "y", "z"], Fraction(30), "frames without a time"),
        ("time", ["4", "4", "4"], Fraction(30), "frames without a time"),
    ],
)
def test_times_of_other_tables(column: str, stamps: list[str], rate: Fraction, words: str, tmp_path: Path) -> None:
    text = f"{column},jawOpen\n" + "".join(f"{stamp},0.5\n" for stamp in stamps)
    source, frames = read(write(tmp_path / "a.csv", text))
    assert words in source.notes[0]
    nearest = source.info.frame_rate.limit_denominator(2)
    assert nearest == rate
    assert len(frames) == len(stamps)
    assert frames[0].time_s == 0
    expected = [Fraction(0), 1 / rate, 3 / rate] if column == "frame" else [i / rate for i in range(len(stamps))]
    assert [float(frame.time_s) for frame in frames] == pytest.approx([float(time_s) for time_s in expected], abs=1e-4)


@pytest.mark.parametrize(
    "name",
    ["eyeBlink_L", "eyeBlinkLeft", "EYEBLINKLEFT", "EyeBlinkLeft", "eye_blink_left", "eyeBlinkL", "head.eyeBlink_L"],
)
def test_spellings(name: str) -> None:
    assert blendshape_index(name) == 0


@pytest.mark.parametrize("name", ["jaw", "l", "", "eyeBlink", "timestamp", "x" * 100_000, "_neutral"])
def test_what_is_no_unit(name: str) -> None:
    assert blendshape_index(name) is None


def test_every_unit_has_one_name_on_either_side() -> None:
    assert [blendshape_index(name) for name in EXPRESSION_NAMES] == list(range(EXPRESSION_COUNT))
    short = [name.replace("Left", "_L").replace("Right", "_R") for name in EXPRESSION_NAMES]
    assert [blendshape_index(name) for name in short] == list(range(EXPRESSION_COUNT))


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    source, frames = read(write(tmp_path / "a.csv", "time;jawOpen\n0,00;0,5\n0,04;0,25\n"))
    assert [unit(frame, "jawOpen") for frame in frames] == [0.5, 0.25]
    assert source.info.frame_rate == 25
    assert source.notes[1].startswith("no column for eyeBlinkLeft, eyeLookDownLeft")


@pytest.mark.parametrize(
    ("names", "said"), [("pose_Rx", "'pose_Rx'"), ("a,b,c,d,e,f,g,h", "'a', 'b', 'c', 'd', 'e', 'f' and 2 more")]
)
def test_columns_that_mean_nothing_are_named(names: str, said: str, tmp_path: Path) -> None:
    cells = ",".join("0" for _ in names.split(","))
    source, _ = read(write(tmp_path / "a.csv", f"time,jawOpen,{names}\n0,0.5,{cells}\n0.04,0.5,{cells}\n"))
    assert f"columns that are not read: {said}" in source.notes


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("above", ["", "# Aufnahme 1\n", "// a\n% b\nsep=;\n", "Shot;Kühler Kopf\n\n"])
def test_every_encoding_and_lines_above(encoding: str, above: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"{above}time;jawOpen\n0;0,5\n# später\n0,04;0,25\n".encode(encoding))
    _, frames = read(path)
    assert [unit(frame, "jawOpen") for frame in frames] == [0.5, 0.25]


def test_percent_and_degrees_are_noticed(tmp_path: Path) -> None:
    _, frames = read(write(tmp_path / "a.csv", "time\tjawOpen\tHeadYaw\n0\t50\t0\n0.04\t100\t20\n"))
    assert [unit(frame, "jawOpen") for frame in frames] == [0.5, 1.0]
    np.testing.assert_allclose(head(frames[1]), wxyz_from_yaw_pitch_roll(np.array([np.deg2rad(20), 0, 0])), atol=1e-12)


def test_bad_cells_are_mended_and_bad_times_left_out(tmp_path: Path) -> None:
    rows = ["0,0.5,0.1", "0.04,nan,inf", "0.08,1e999,x", "0.06,1,0", "nan,1,0", ",1,0", "0.12,,", "9e99,1,0", "0.16"]
    source, frames = read(write(tmp_path / "a.csv", "time,jawOpen,headYaw\n" + "\n\n".join(rows)))
    assert [float(frame.time_s) for frame in frames] == [0, 0.04, 0.08, 0.12, 0.16]
    assert [unit(frame, "jawOpen") for frame in frames[:3]] == [0.5] * 3
    assert [len(frame.faces) for frame in frames[3:]] == [0, 0]
    np.testing.assert_allclose(head(frames[2]), head(frames[0]))
    assert source.notes[2:] == [
        "its head angles go to 0.1 and were taken for radians; --angles settles it",
        "frames with values that are no numbers, where the last good ones were kept: 2",
        "frames left out, as their times are missing, repeated, go back or lie days later: 4",
    ]
    list(source)
    assert len(source.notes) == 5, "reading again does not say it again"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,a,b\n0,1,2\n", r"none of its columns is named after an ARKit blendshape: found 'time', 'a', 'b'"),
        ("Timecode,BlendshapeCount,JawOpem\n0,1,2\n", "did you mean 'JawOpem'"),
        ("time,jawOpen\n", "was taken for a CSV of ARKit blendshapes, but holds no frames"),
        ("time,jawOpen\n0,1\n" + "1," * 500_000, "line 3 is longer than"),
        ("time," + "a," * 500_000 + "\n", "line 1 is longer than"),
        ('time,"jawOpen\n', "holds no frames"),
    ],
)
def test_other_tables_are_refused_in_a_sentence(text: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", text)
    with pytest.raises(UnreadableMedia, match=said) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_a_line_without_end_is_not_swallowed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("time,jawOpen\n0,0.5\n0.04,")
        for _ in range(64):
            file.write("1" * (1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableMedia, match="line 3 is longer"):
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8e6


def test_a_long_table_costs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "time_ms,jawOpen\n" + "".join(f"{40 * i},0.5\n" for i in range(600)))
    source = open_source(path)
    assert source.info.frame_count == 600
    tracemalloc.start()
    try:
        assert sum(1 for _ in source) == 600
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # All its frames at once are two megabytes.
    assert peak < 5e5


@pytest.mark.parametrize("stamps", [["0", "1", "1000"], ["0", "1e-300", "1"], ["-9e18", "0", "9e18"], ["0", "1e18"]])
def test_uneven_times_have_a_rate_too(stamps: list[str], tmp_path: Path) -> None:
    source, frames = read(write(tmp_path / "a.csv", "time,jawOpen\n" + "".join(f"{stamp},1\n" for stamp in stamps)))
    assert Fraction(1, 10) <= source.info.frame_rate <= 1000
    assert frames
