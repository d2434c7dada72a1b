"""A take reads back as it was written, survives being cut off, and says what every documented key says."""

import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rigs import params, tracked

from commedia.errors import OutputFailed, SinkClosed, UnreadableMedia
from commedia.formats.take import TakeHeader, TakeReader, TakeWriter, head_sha256
from commedia.structures import TrackedFrame

HEADER = TakeHeader("clip.mp4", Fraction(30000, 1001), 1280, 720, person="anna", start_day_s=Fraction(37230))
SCHEMA = Path(__file__).resolve().parents[2] / "docs/take-schema.md"


def _frames() -> list[TrackedFrame]:
    face = params((0.1, 0.2, 0.3), jawOpen=0.5, eyeBlinkLeft=0.12345)
    first, second = tracked(face), replace(tracked(face, 2), status="held")
    return [
        TrackedFrame(0, Fraction(0), (first,)),
        TrackedFrame(1, Fraction(1001, 30000), ()),
        TrackedFrame(2, Fraction(1001, 15000), (first, second)),
    ]


def _write(path: Path) -> None:
    writer = TakeWriter(path, HEADER)
    for frame in _frames():
        writer.add(frame)
    assert not path.exists()
    writer.close()


def test_a_take_round_trips(tmp_path: Path) -> None:
    _write(tmp_path / "take.jsonl")
    reader = TakeReader(tmp_path / "take.jsonl")
    assert reader.header == replace(HEADER, head_sha256=head_sha256())
    frames = list(reader)
    assert not reader.truncated
    assert [(frame.index, frame.time_s, len(frame.faces)) for frame in frames] == [
        (0, Fraction(0), 1),
        (1, Fraction(1001, 30000), 0),
        (2, Fraction(1001, 15000), 2),
    ]
    before, after = _frames()[2].faces[1], frames[2].faces[1]
    assert (after.id, after.status, after.box, after.confidence) == (2, "held", before.box, before.confidence)
    np.testing.assert_allclose(after.params.expression, before.params.expression, atol=1e-5)
    np.testing.assert_allclose(after.params.pose.wxyz, before.params.pose.wxyz, atol=1e-7)
    np.testing.assert_allclose(after.params.pose.origin_px, before.params.pose.origin_px)
    np.testing.assert_allclose(after.landmarks_px, before.landmarks_px)


def test_every_line_is_json_and_every_key_is_documented(tmp_path: Path) -> None:
    _write(tmp_path / "take.jsonl")
    header, *frames = [json.loads(line) for line in (tmp_path / "take.jsonl").read_text().splitlines()]
    written = header.keys() | frames[0].keys() | frames[0]["faces"][0].keys()
    documented = set(re.findall(r"^\| `(\w+)` \|", SCHEMA.read_text(), re.MULTILINE))
    assert written == documented


@pytest.mark.parametrize("cut", [1, 40, 700])
def test_a_cut_last_line_is_left_out_and_noted(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "take.jsonl"
    _write(path)
    path.write_bytes(path.read_bytes()[:-cut])
    reader = TakeReader(path)
    frames = list(reader)
    # A line that lacks nothing but its newline is whole.
    assert len(frames) == (3 if cut == 1 else 2)
    assert reader.truncated == (cut != 1)


def test_damage_in_the_middle_is_not_excused(tmp_path: Path) -> None:
    path = tmp_path / "take.jsonl"
    _write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:50] + b"\n" + lines[2])
    with pytest.raises(UnreadableMedia, match="line 2"):
        list(TakeReader(path))


@pytest.mark.parametrize("text", ["", "hello\n", "{}\n", '{"format":"commedia-take","version":9}\n', "[1]\n"])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(text)
    with pytest.raises(UnreadableMedia, match="no take"):
        TakeReader(tmp_path / "bad.jsonl")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match=r"none\.jsonl"):
        TakeReader(tmp_path / "none.jsonl")


def test_what_is_not_a_number_is_refused(tmp_path: Path) -> None:
    writer = TakeWriter(tmp_path / "take.jsonl", HEADER)
    face = tracked(params(jawOpen=float("nan")))
    with pytest.raises(OutputFailed, match="frame 7 holds a value that is not finite"):
        writer.add(TrackedFrame(7, Fraction(0), (face,)))
    assert not list(tmp_path.iterdir())


def test_a_closed_take_takes_no_more(tmp_path: Path) -> None:
    writer = TakeWriter(tmp_path / "take.jsonl", HEADER)
    writer.close()
    with pytest.raises(SinkClosed):
        writer.add(_frames()[0])
