"""Times in every form that recorders write come out as the same seconds, and what was assumed is said."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

import pytest

from commedia.errors import CommediaError
from commedia.sources.source import RecordedSource

from .recordings import read, write

START_S = (9 * 60 + 41) * 60 + 7
SECONDS = 2


def table(path: Path, stamps: list[str], column: str = "Timecode", above: str = "") -> Path:
    rows = "".join(f"{stamp},{0.001 * (index % 900)}\n" for index, stamp in enumerate(stamps))
    return write(path, f"{above}{column},jawOpen\n{rows}")


def hms(time_s: int) -> str:
    return f"{time_s // 3600:02d}:{time_s // 60 % 60:02d}:{time_s % 60:02d}"


def labels(base: int, step: int = 1, *, mark: str = ":", begin: int = 0, seconds: int = SECONDS) -> list[str]:
    """Timecodes of a steady recording: every `step`-th of `base` labels a second, with as many digits as they need."""
    width = len(str(base - 1))
    counts = range(begin, begin + base * seconds, step)
    return [f"{hms(START_S + count // base)}{mark}{count % base:0{width}d}" for count in counts]


def times_of(source: RecordedSource, frames: list) -> list[float]:
    assert len(frames) > 1, source.notes
    return [float(frame.time_s) for frame in frames]


@pytest.mark.parametrize("rate", [10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120])
def test_timecodes_tell_their_rate_where_a_second_ends(rate: int, tmp_path: Path) -> None:
    source, frames = read(table(tmp_path / "a.csv", labels(rate, begin=rate // 3)))
    assert source.info.frame_rate == rate
    assert [frame.time_s for frame in frames] == [Fraction(index, rate) for index in range(rate * SECONDS)]
    assert f"{rate} frames per second" in source.notes[0]


@pytest.mark.parametrize(("base", "step", "rate"), [(60, 2, 30), (60, 4, 15), (30, 2, 15), (50, 2, 25), (120, 2, 60)])
def test_every_other_label_is_a_lower_rate(base: int, step: int, rate: int, tmp_path: Path) -> None:
    source, frames = read(table(tmp_path / "a.csv", labels(base, step)))
    assert source.info.frame_rate == rate
    assert [frame.time_s for frame in frames] == [Fraction(index, rate) for index in range(rate * SECONDS)]


def test_lost_frames_do_not_make_another_rate(tmp_path: Path) -> None:
    kept = [label for index, label in enumerate(labels(25, seconds=6)) if index % 50 != 24 and index % 7 != 3]
    source, frames = read(table(tmp_path / "a.csv", kept))
    assert source.info.frame_rate == 25
    assert set(times_of(source, frames)[1:]) <= {index / 25 for index in range(151)}


PARTS: dict[str, tuple[Callable[[Fraction], str], Fraction]] = {
    "milliseconds after a colon": (lambda t: f"{hms(int(t))}:{int(t % 1 * 1000):03d}", Fraction(1, 1000)),
    "milliseconds without zeros": (lambda t: f"{hms(int(t))}:{int(t % 1 * 1000)}", Fraction(1, 1000)),
    "milliseconds after a point": (lambda t: f"{hms(int(t))}.{int(t % 1 * 1000):03d}", Fraction(1, 1000)),
    "milliseconds after a comma": (lambda t: f"{hms(int(t))},{int(t % 1 * 1000):03d}", Fraction(1, 1000)),
    "hundredths after a colon": (lambda t: f"{hms(int(t))}:{int(t % 1 * 100):02d}", Fraction(1, 100)),
    "hundredths after a point": (lambda t: f"{hms(int(t))}.{int(t % 1 * 100):02d}", Fraction(1, 100)),
    "microseconds": (lambda t: f"{hms(int(t))}:{int(t % 1 * 10**6):06d}", Fraction(1, 10**6)),
    "minutes and seconds": (
        lambda t: f"{int(t) // 60 % 60}:{int(t) % 60:02d}.{int(t % 1 * 1000):03d}",
        Fraction(1, 1000),
    ),
    "ISO 8601": (lambda t: iso(t, UTC), Fraction(1, 1000)),
    "ISO 8601 with an offset": (lambda t: iso(t, timezone(timedelta(hours=2))), Fraction(1, 1000)),
    "ISO 8601 with a space": (lambda t: iso(t, None).replace("T", " "), Fraction(1, 1000)),
    "ISO 8601, basic": (lambda t: iso(t, None).replace("-", "").replace(":", ""), Fraction(1, 1000)),
    "seconds": (lambda t: f"{float(t):.4f}", Fraction(1, 10000)),
    "milliseconds": (lambda t: f"{1_700_000_000_000 + int(t * 1000)}", Fraction(1, 1000)),
    "microseconds since 1970": (lambda t: f"{1_700_000_000_000_000 + int(t * 10**6)}", Fraction(1, 10**6)),
    "nanoseconds since 1970": (lambda t: f"{1_700_000_000_000_000_000 + int(t * 10**9)}", Fraction(1, 10**9)),
    "ticks of .NET": (lambda t: f"{638_000_000_000_000_000 + int(t * 10**7)}", Fraction(1, 10**7)),
    "seconds since 1970": (lambda t: f"{1_700_000_000 + float(t):.3f}", Fraction(1, 1000)),
}


def iso(time_s: Fraction, zone: timezone | None) -> str:
    moment = datetime(2024, 2, 29, tzinfo=zone) + timedelta(milliseconds=int(time_s * 1000))
    return moment.isoformat(timespec="milliseconds")


@pytest.mark.parametrize("form", PARTS)
def test_parts_of_seconds_in_every_form(form: str, tmp_path: Path) -> None:
    shown, exact = PARTS[form]
    for rate in (12, 24, 30, 60):
        moments = [Fraction(index, rate) for index in range(SECONDS * rate)]
        stamps = [shown(START_S + moment) for moment in moments]
        source, frames = read(table(tmp_path / "a.csv", stamps, "timestamp"))
        assert source.info.frame_rate == rate, source.notes
        assert times_of(source, frames) == pytest.approx([float(moment) for moment in moments], abs=2 * float(exact))


def test_a_timecode_with_a_point_counts_frames(tmp_path: Path) -> None:
    source, frames = read(table(tmp_path / "a.csv", labels(25, mark=".")))
    assert [frame.time_s for frame in frames] == [Fraction(index, 25) for index in range(50)]
    assert "timecodes, whose frames go to 24, 25 frames per second" in source.notes[0]


OWN: dict[str, Callable[[list[dict]], str]] = {
    "before the frames": lambda frames: json.dumps({"fps": 24, "frames": frames}),
    "after the frames": lambda frames: json.dumps({"frames": frames, "frameRate": "24"}),
    "deeper": lambda frames: json.dumps({"meta": {"frame_rate": 24.0}, "results": frames}),
    "as a share": lambda frames: json.dumps({"metadata": {"fps": "24/1"}, "data": frames}),
    "a first line": lambda frames: "\n".join(json.dumps(tree) for tree in [{"fps": 24, "version": 1}, *frames]),
    "every frame": lambda frames: json.dumps([{**frame, "fps": 24} for frame in frames]),
}


@pytest.mark.parametrize("place", OWN)
@pytest.mark.parametrize("stamp", [None, "frame"])
def test_a_file_s_own_rate_is_believed(place: str, stamp: str | None, tmp_path: Path) -> None:
    frames = [{"blendshapes": {"jawOpen": 0.01 * i}} | ({} if stamp is None else {stamp: i}) for i in range(48)]
    source, found = read(write(tmp_path / "a.json", OWN[place](frames)))
    assert [frame.time_s for frame in found] == [Fraction(index, 24) for index in range(48)]
    assert "24 frames per second as the file says" in source.notes[0]


@pytest.mark.parametrize("above", ["# fps: 24\n", "// Frame Rate = 24\n", "Frame Rate,24\n", "Shot,A\nFPS;24 fps\n\n"])
def test_a_table_s_own_rate_is_believed(above: str, tmp_path: Path) -> None:
    source, frames = read(table(tmp_path / "a.csv", [str(i) for i in range(48)], "frame", above))
    assert [frame.time_s for frame in frames] == [Fraction(index, 24) for index in range(48)]
    assert "as the file says" in source.notes[0]


def test_a_rate_that_the_times_contradict_is_not_used(tmp_path: Path) -> None:
    frames = [{"time_ms": 40 * i, "blendshapes": {"jawOpen": 0.5}} for i in range(48)]
    source, found = read(write(tmp_path / "a.json", json.dumps({"fps": 60, "frames": frames})))
    assert [frame.time_s for frame in found] == [Fraction(index, 25) for index in range(48)]
    assert "the file names 60 frames per second, which its times contradict" in source.notes


def test_a_column_that_cannot_be_read_gives_way_to_one_that_can(tmp_path: Path) -> None:
    rows = "".join(f"n/a,{index},{40 * index},0.5\n" for index in range(9))
    _, frames = read(write(tmp_path / "a.csv", f"Timecode,frame,time_ms,jawOpen\n{rows}"))
    assert [frame.time_s for frame in frames] == [Fraction(index, 25) for index in range(9)]


ASSUMED = {
    "timecodes that stand still": (
        ["01:00:00:00"] * 5,
        "Timecode",
        "frames without a time, 30 frames per second assumed",
    ),
    "times of day that stand still": (
        ["01:00:00.5"] * 5,
        "time",
        "frames without a time, 30 frames per second assumed",
    ),
    "no time at all": (["x"] * 5, "nothing", "frames without a time, 30 frames per second assumed"),
    "times in no known form": (["noon", "one", "two"], "time", "times such as 'noon' are in no form that is read"),
    "frame numbers": (["4", "5", "6"], "frame", "frame numbers without a rate, 30 frames per second assumed"),
    "whole numbers": (
        ["0", "1", "2", "3"],
        "time",
        "taken for frame numbers without a rate, 30 frames per second assumed",
    ),
    "less than a second": (
        ["01:00:00:03", "01:00:00:04"],
        "Timecode",
        "too short to show their rate, 60 frames per second",
    ),
    "no end of a second": (["01:00:00:03", "01:00:04:21"], "Timecode", "frames go to 21, 24 frames per second assumed"),
    "whole seconds": (["5"] * 10 + ["6"] * 12 + ["7"] * 12 + ["8"] * 3, "time", "12 frames share each"),
}


@pytest.mark.parametrize("case", ASSUMED)
def test_where_evidence_is_missing_the_notes_say_what_was_assumed(case: str, tmp_path: Path) -> None:
    stamps, column, said = ASSUMED[case]
    source, frames = read(table(tmp_path / "a.csv", stamps, column))
    assert any(said in note for note in source.notes), source.notes
    assert any("--rate says otherwise" in note for note in source.notes)
    assert len(frames) == len(stamps)
    given, _ = read(table(tmp_path / "b.csv", stamps, column), rate=Fraction(50))
    assert given.info.frame_rate == 50


def test_an_impossible_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommediaError, match="--rate 24 cannot be: the timecodes count to 29 within a second"):
        read(table(tmp_path / "a.csv", labels(30)), rate=Fraction(24))


@pytest.mark.parametrize(
    ("stamps", "column", "day_s"),
    [
        (["10:20:30:15", "10:20:30:16"], "Timecode", 37230 + Fraction(15, 60)),
        (labels(30), "Timecode", Fraction(START_S)),
        (["10:20:30.500", "10:20:30.540"], "time", 37230 + Fraction(1, 2)),
        (["2024-05-01T10:20:30.5+02:00", "2024-05-01T10:20:30.6+02:00"], "time", 37230 + Fraction(1, 2)),
        (["0.5", "0.6"], "time", None),
    ],
)
def test_the_time_of_day_of_the_first_frame_is_kept(
    stamps: list[str], column: str, day_s: Fraction | None, tmp_path: Path
) -> None:
    source, _ = read(table(tmp_path / "a.csv", stamps, column))
    assert source.info.start_day_s == day_s
