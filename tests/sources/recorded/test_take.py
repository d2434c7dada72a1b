"""A take read as motion is the take that was written; a damaged one is refused or mended, never a traceback."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rigs import params, tracked

from commedia.conventions import EXPRESSION_NAMES
from commedia.errors import UnreadableMedia
from commedia.formats.take import LONGEST_LINE, TakeHeader, TakeWriter
from commedia.sources.recorded.take import TakeSource
from commedia.structures import TrackedFrame

from .recordings import read, unit, write

NTSC = Fraction(30000, 1001)


def take(path: Path, frames: int = 4, header: TakeHeader | None = None) -> Path:
    writer = TakeWriter(path, header or TakeHeader("clip.mp4", NTSC, 1280, 720))
    for index in range(frames):
        face = tracked(params((0.1 * index, 0, 0), jawOpen=0.25 * index))
        faces = (face, replace(face, id=5, status="held")) if index else (face,)
        writer.add(TrackedFrame(index, index / NTSC, faces))
    writer.close()
    return path


def changed(path: Path, line: int, change: Callable[[dict], None]) -> Path:
    lines = path.read_text().splitlines()
    tree = json.loads(lines[line])
    change(tree)
    lines[line] = json.dumps(tree)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_everything_comes_back(tmp_path: Path) -> None:
    source, frames = read(take(tmp_path / "take.jsonl"))
    assert isinstance(source, TakeSource)
    assert source.notes == ["'take.jsonl' was read as a take, 29.97 frames per second"]
    assert (source.info.width_px, source.info.height_px, source.info.frame_count) == (1280, 720, 4)
    assert [frame.time_s for frame in frames] == [index / NTSC for index in range(4)]
    assert [[(face.id, face.status) for face in frame.faces] for frame in frames[:2]] == [
        [(1, "tracked")],
        [(1, "tracked"), (5, "held")],
    ]
    assert [unit(frame, "jawOpen") for frame in frames] == [0, 0.25, 0.5, 0.75]
    assert frames[0].faces[0].params.pose.px_per_m == 1000


def test_the_size_of_its_pictures_says_whether_faces_were_read(tmp_path: Path) -> None:
    for size, is_read in (((1280, 720), True), ((0, 0), False), ((1280, 0), False)):
        source, _ = read(take(tmp_path / "take.jsonl", header=TakeHeader("a", NTSC, *size)))
        assert (source.info.is_read, source.info.pictures) == (is_read, False), size
    csv, _ = read(write(tmp_path / "a.csv", "time,jawOpen\n0.0,0.5\n0.1,0.5\n"))
    assert not csv.info.is_read


def test_a_take_that_begins_late_begins_at_zero(tmp_path: Path) -> None:
    path = take(tmp_path / "take.jsonl")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[3:]]) + "\n")
    _, frames = read(path)
    assert [(frame.index, frame.time_s) for frame in frames] == [(0, 0), (1, 1 / NTSC)]


def test_units_in_another_order_are_read_by_name(tmp_path: Path) -> None:
    header = TakeHeader("a", NTSC, 10, 10, (*reversed(EXPRESSION_NAMES[1:]), "new unit"))
    _, frames = read(take(tmp_path / "take.jsonl", header=header))
    place = EXPRESSION_NAMES.index("jawOpen")
    written = [*reversed(EXPRESSION_NAMES[1:]), "new unit"][place]
    assert unit(frames[2], written) == 0.5


def test_another_head_model_leaves_the_mean_face(tmp_path: Path) -> None:
    header = TakeHeader("a", NTSC, 10, 10, head_sha256="0" * 64)
    source, frames = read(take(tmp_path / "take.jsonl", header=header))
    assert "another head model" in source.notes[1]
    assert not frames[0].faces[0].params.identity.any()


def test_a_cut_take_says_so(tmp_path: Path) -> None:
    path = take(tmp_path / "take.jsonl")
    path.write_bytes(path.read_bytes()[:-40])
    source, frames = read(path)
    assert len(frames) == 3
    assert source.notes[-1] == "the last line of the take is cut off and was left out"


def in_face(key: str, value: object) -> Callable[[dict], None]:
    return lambda tree: tree["faces"][0].update({key: value})


MENDED = {
    "NaN weights": in_face("expression", [float("nan")] * 52),
    "infinite weights": in_face("expression", [float("inf")] * 52),
    "no turn": in_face("wxyz", [0, 0, 0, 0]),
    "NaN turn": in_face("wxyz", [float("nan")] * 4),
    "huge turn": in_face("wxyz", [1e300] * 4),
    "NaN identity": in_face("identity", [float("nan")] * 50),
    "NaN box": in_face("box_px", [float("nan")] * 4),
    "NaN place": in_face("origin_px", [float("nan"), 1e200]),
    "NaN size": in_face("px_per_m", float("nan")),
    "NaN points": in_face("landmarks_px", [[float("nan")] * 2] * 68),
    "NaN confidence": in_face("confidence", float("nan")),
}


@pytest.mark.parametrize("case", MENDED)
def test_numbers_that_are_none_are_mended(case: str, tmp_path: Path) -> None:
    source, frames = read(changed(take(tmp_path / "take.jsonl"), 3, MENDED[case]))
    assert len(frames) == 4
    assert source.notes[1:] == ["frames with values that are no numbers, where the last good ones were kept: 1"]
    face = frames[2].faces[0]
    parts = (face.params.expression, face.params.identity, face.params.pose.wxyz, face.landmarks_px)
    assert all(np.isfinite(part).all() for part in parts)
    assert np.isfinite([face.box.left_px, face.params.pose.px_per_m, face.confidence]).all()


def test_the_same_person_twice_is_there_once(tmp_path: Path) -> None:
    source, frames = read(changed(take(tmp_path / "take.jsonl"), 3, lambda tree: tree["faces"][1].update(id=1)))
    assert [face.id for face in frames[2].faces] == [1]
    assert "twice in one frame" in source.notes[1]


@pytest.mark.parametrize("time_s", [[-1, 1], [0, 1], [10**15, 1], [0, 7]])
def test_times_that_do_not_rise_are_left_out(time_s: list[int], tmp_path: Path) -> None:
    source, frames = read(changed(take(tmp_path / "take.jsonl"), 3, lambda tree: tree.update(time_s=time_s)))
    assert len(frames) == 3
    assert source.notes[1].endswith("days later: 1")


def test_times_of_many_digits_become_storable(tmp_path: Path) -> None:
    odd = [10**70 + 1, 10**71]
    _, frames = read(changed(take(tmp_path / "take.jsonl", 3), 3, lambda tree: tree.update(time_s=odd)))
    assert frames[2].time_s == Fraction(1, 10)


def header_of(**values: object) -> Callable[[dict], None]:
    return lambda tree: tree.update(values)


REFUSED = {
    "a rate of nothing": (0, header_of(rate=[1, 0])),
    "a rate in words": (0, header_of(rate="fast")),
    "a size in words": (0, header_of(frame_size_px=["wide", "high"])),
    "a negative size": (0, header_of(frame_size_px=[-1, 4])),
    "names that are numbers": (0, header_of(expression_names=[1] * 52)),
    "too few names": (0, header_of(expression_names=["jawOpen"])),
    "another version": (0, header_of(version=2)),
    "words for faces": (2, header_of(faces="nobody")),
    "a face of nothing": (2, header_of(faces=[{}])),
    "a face of null": (2, header_of(faces=[None])),
    "time in words": (2, header_of(time_s="now")),
    "time of three": (2, header_of(time_s=[1, 2, 3])),
    "time over nothing": (2, header_of(time_s=[1, 0])),
    "index in words": (2, header_of(index="first")),
    "weights in words": (2, in_face("expression", ["much"] * 52)),
    "too few weights": (2, in_face("expression", [0.5])),
    "nested weights": (2, in_face("expression", [[0.5] * 52])),
    "a turn of three": (2, in_face("wxyz", [1, 0, 0])),
    "points of three": (2, in_face("landmarks_px", [[1, 2, 3]] * 68)),
    "an edge missing": (2, in_face("box_px", [1, 2, 3])),
    "another status": (2, in_face("status", "lost")),
    "an id in words": (2, in_face("id", "me")),
    "an id of many digits": (2, in_face("id", 10**30)),
    "a size of many digits": (2, in_face("px_per_m", 10**400)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_damage_is_refused_in_a_sentence(case: str, tmp_path: Path) -> None:
    line, change = REFUSED[case]
    with pytest.raises(UnreadableMedia, match=r"take\.jsonl") as refused:
        read(changed(take(tmp_path / "take.jsonl"), line, change))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize("rate", [[0, 1], [-30, 1], [10**9, 1], [1, 10**9]])
def test_rates_beyond_reason_are_not_used(rate: list[int], tmp_path: Path) -> None:
    source, frames = read(changed(take(tmp_path / "take.jsonl"), 0, header_of(rate=rate)))
    assert source.info.frame_rate == 30
    assert "beyond reason" in source.notes[1]
    assert len(frames) == 4


def test_a_take_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match="without a single frame"):
        read(take(tmp_path / "take.jsonl", 0))


def test_endless_lines_and_depths_are_refused(tmp_path: Path) -> None:
    path = take(tmp_path / "take.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"index":' + b"1" * (LONGEST_LINE + 10))
    with pytest.raises(UnreadableMedia, match="line 6 is no frame"):
        read(path)
    path.write_bytes(whole + b'{"a":' + b"[" * 200_000 + b"\n")
    with pytest.raises(UnreadableMedia, match="line 6 is no frame"):
        read(path)
