"""MediaPipe's results in every dress that languages give them say the same, and memory does not follow the file."""

import json
import tracemalloc
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commedia.errors import UnreadableMedia
from commedia.formats.json_objects import LONGEST_OBJECT, JsonObjects
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.sources.open import open_source

from .recordings import browser_frame, head, json_lines, read, transform, unit, write

TURN = (0.3, 0.2, 0.1)
FRAMES = [browser_frame(index, index / 10) for index in range(5)]
DRESSES = {
    "list": json.dumps(FRAMES),
    "pretty list": json.dumps(FRAMES, indent=4),
    "lines": json_lines(FRAMES),
    "lines without an end": json_lines(FRAMES).rstrip(),
    "one object around": json.dumps({"fps": 30, "meta": {"a": [1, '"}\\']}, "frames": FRAMES, "end": {"x": 1}}),
    "pretty object around": json.dumps({"results": FRAMES, "end": [{"x": 1}]}, indent=2),
    "byte order mark": "\ufeff" + json.dumps(FRAMES),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_every_dress_holds_the_same_frames(dress: str, tmp_path: Path) -> None:
    source, frames = read(write(tmp_path / "a.txt", DRESSES[dress]))
    assert [frame.index for frame in frames] == list(range(5))
    assert [frame.time_s for frame in frames] == [Fraction(n, 1000) for n in (0, 33, 67, 100, 133)]
    assert [unit(frame, "jawOpen") for frame in frames] == [0, 0.1, 0.2, 0.3, 0.4]
    assert (source.info.frame_rate, source.info.frame_count, source.info.pictures) == (30, 5, False)
    assert "MediaPipe face landmarker results: times in milliseconds" in source.notes[0]
    for frame in frames:
        np.testing.assert_allclose(head(frame), wxyz_from_yaw_pitch_roll(np.array(TURN)), atol=1e-9)


SHAPES: dict[str, Any] = {
    "JavaScript": [{"categories": [{"categoryName": "eyeBlinkLeft", "score": 0.25}]}],
    "Python": [[{"category_name": "eyeBlinkLeft", "score": 0.25, "index": 9}]],
    "one face": [{"categoryName": "eyeBlinkLeft", "score": 0.25}],
    "dict": {"eyeBlinkLeft": 0.25, "_neutral": 0.5},
    "dict per face": [{"eyeBlink_L": 0.25}],
    "text": {"eyeBlinkLeft": "0.25"},
}


@pytest.mark.parametrize("key", ["faceBlendshapes", "face_blendshapes", "blendshapes"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_scores_is_read(shape: str, key: str, tmp_path: Path) -> None:
    _, frames = read(write(tmp_path / "a.json", json.dumps([{"timestamp": 7, key: SHAPES[shape]}])))
    assert unit(frames[0], "eyeBlinkLeft") == 0.25
    assert frames[0].faces[0].params.expression.sum() == 0.25


def test_a_frame_may_be_its_scores(tmp_path: Path) -> None:
    source, frames = read(write(tmp_path / "a.json", json_lines([{"time": i / 25, "jawOpen": 0.5} for i in range(9)])))
    assert [unit(frame, "jawOpen") for frame in frames] == [0.5] * 9
    assert source.info.frame_rate == 25


_M = transform(TURN)
MATRICES: dict[str, Any] = {
    "rows": [_M.tolist()],
    "rows of one face": _M.tolist(),
    "columns under data": [{"rows": 4, "columns": 4, "data": _M.T.reshape(-1).tolist()}],
    "typed array": [{"data": {str(place): value for place, value in enumerate(_M.T.reshape(-1).tolist())}}],
    "flat columns": [_M.T.reshape(-1).tolist()],
    "flattened rows": [_M.reshape(-1).tolist()],
    "rows under data": [{"rows": 4, "columns": 4, "data": _M.reshape(-1).tolist()}],
}


@pytest.mark.parametrize("kind", MATRICES)
def test_every_order_of_a_matrix_turns_the_head_the_same_way(kind: str, tmp_path: Path) -> None:
    frame = browser_frame(0, facialTransformationMatrixes=MATRICES[kind])
    _, frames = read(write(tmp_path / "a.json", json.dumps([frame])))
    np.testing.assert_allclose(head(frames[0]), wxyz_from_yaw_pitch_roll(np.array(TURN)), atol=1e-9)


@pytest.mark.parametrize(
    "broken",
    [
        [[1, 2]],
        ["x"],
        [{"data": None}],
        [[[0] * 4] * 4],
        [np.diag([-1.0, 1, 1, 1]).tolist()],
        [[["a"] * 4] * 4],
        [{"rows": 4}],
        [[1e300] * 16],
        7,
    ],
)
def test_a_broken_matrix_keeps_the_last_turn(broken: Any, tmp_path: Path) -> None:
    frames = [browser_frame(0), browser_frame(1, facialTransformationMatrixes=broken)]
    _, read_frames = read(write(tmp_path / "a.json", json.dumps(frames)))
    np.testing.assert_allclose(head(read_frames[1]), head(read_frames[0]))


def test_several_faces_are_several_people_and_frames_without_one_still_count(tmp_path: Path) -> None:
    two = [{"jawOpen": 0.1}, {"jawOpen": 0.9}]
    frames = [
        {"time_ms": 0, "blendshapes": []},
        {"time_ms": 40, "blendshapes": two},
        {"time_ms": 80, "blendshapes": None},
    ]
    _, frames_read = read(write(tmp_path / "a.json", json.dumps(frames)))
    assert [[face.id for face in frame.faces] for frame in frames_read] == [[], [1, 2], []]
    assert (unit(frames_read[1], "jawOpen", 1), unit(frames_read[1], "jawOpen", 2)) == (0.1, 0.9)


def test_a_cut_end_is_left_out_and_noted(tmp_path: Path) -> None:
    source, frames = read(write(tmp_path / "a.jsonl", json_lines(FRAMES)[:-30]))
    assert len(frames) == 4
    assert source.notes[1:] == ["the last frame is cut off and was left out"]


def test_bad_values_are_mended_and_counted(tmp_path: Path) -> None:
    scores = ["0.5", "NaN", "Infinity", "null", "true", '"x"', "[1]", "9" * 4000, "7"]
    text = "[" + ",".join(f'{{"t": {i}, "blendshapes": {{"jawOpen": {s}}}}}' for i, s in enumerate(scores)) + "]"
    source, frames = read(write(tmp_path / "a.json", text))
    assert [unit(frame, "jawOpen") for frame in frames] == [0.5] * 8 + [1.0]
    assert source.notes[1:] == [
        "frames with values that are no numbers, where the last good ones were kept: 7",
        "frames with weights outside 0 to 1, which were limited: 1",
    ]


REFUSED = {
    "a glTF file": ('{"asset": {"version": "2.0"}}', r"the first has 'asset'; expected 'faceBlendshapes'"),
    "numbers": ("[1, 2, 3]", "the first has nothing"),
    "positions": ('[{"time": 0, "blendshapes": []}, {"time": 1, "blendshapes": [0.1, 0.2]}]', "no named blendshapes"),
    "broken": ('[{"blendshapes": {"jawOpen": 1,}}]', "object 1 is not valid JSON"),
    "deep lists": ("[" * 100_000, "no named blendshapes"),
    "deep objects": ('{"a":' * 100_000, "levels|more than"),
    "a long string": ('[{"a": "' + "x" * (LONGEST_OBJECT + 1), "more than"),
    "many digits": ('[{"blendshapes": {"jawOpen": ' + "9" * 100_000 + "}}]", "not valid JSON"),
    "words": ("{ this is a letter }", "nothing|not valid JSON"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_json_is_refused_in_a_sentence(case: str, tmp_path: Path) -> None:
    text, said = REFUSED[case]
    with pytest.raises(UnreadableMedia, match=said) as refused:
        read(write(tmp_path / "a.json", text))
    assert "of motion is read: a take.jsonl" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_long_file_costs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    line = json.dumps(browser_frame(0, faceLandmarks=[[{"x": 0.5, "y": 0.5, "z": 0.5}] * 478]))
    path = tmp_path / "a.json"
    with path.open("w") as file:
        file.write("[" + ",".join([line] * 700) + "]")
    objects = JsonObjects(path, path.read_text()[:1000])
    tracemalloc.start()
    try:
        assert sum(1 for _ in objects) == 700
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 10e6
    assert peak < 2e6


def test_pictures_are_not_motion(tmp_path: Path) -> None:
    (frame,) = open_source(write(tmp_path / "a.ppm", "P3\n2 1\n255\n255 0 0 0 255 0\n"))
    assert frame.image.tolist() == [[[255, 0, 0], [0, 255, 0]]]
    assert open_source(tmp_path).info.pictures
    for name, said in (("a.jpg", "picture '.*a.jpg' is damaged or cut short"), ("none.json", "there is no file")):
        (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF")
        with pytest.raises(UnreadableMedia, match=said) as caught:
            open_source(tmp_path / name)
        assert "no motion either" not in str(caught.value)
