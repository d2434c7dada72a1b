"""What cannot be opened says in one sentence what was asked, what was found and what exists."""

import io
import os
import pkgutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from commedia.demo.clip import write_clip
from commedia.errors import UnreadableMedia
from commedia.formats.take import TakeHeader, TakeWriter
from commedia.sources.open import open_source
from commedia.structures import TrackedFrame


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableMedia) as caught:
        list(open_source(path))
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert str(path) in sentence
    return sentence


def test_a_missing_file_names_its_nearest_neighbour(tmp_path: Path):
    (tmp_path / "interview.mp4").write_text("x")
    (tmp_path / "b-roll.mp4").write_text("x")
    assert refusal(tmp_path / "intervju.mp4").endswith("did you mean 'interview.mp4'?")


def test_a_missing_file_unlike_any_other_lists_what_is_there(tmp_path: Path):
    for number in range(9):
        (tmp_path / f"clip{number}.mp4").write_text("x")
    sentence = refusal(tmp_path / "holiday.avi")
    assert "holds 9 entries: 'clip0.mp4', 'clip1.mp4'" in sentence
    assert sentence.endswith("...")


def test_a_missing_folder(tmp_path: Path):
    assert "folder" in refusal(tmp_path / "no" / "such" / "a.mp4")


def test_an_empty_file(tmp_path: Path):
    (tmp_path / "a.mp4").touch()
    assert "is empty (0 bytes)" in refusal(tmp_path / "a.mp4")


@pytest.mark.parametrize("name", ["a.mp4", "a.txt", "a.jpg", "a.gif", "a"])
def test_text_is_no_picture_whatever_its_name(tmp_path: Path, name: str):
    (tmp_path / name).write_text("Dear diary, today I filmed nothing.\n" * 50)
    assert "it holds text, and no motion either; of motion is read: a take.jsonl" in refusal(tmp_path / name)


def test_noise_is_no_picture(tmp_path: Path):
    (tmp_path / "a.mp4").write_bytes(bytes(range(256)) * 40)
    assert "00 01 02 03" in refusal(tmp_path / "a.mp4")


def test_a_playlist_does_not_reach_for_other_files(tmp_path: Path):
    (tmp_path / "a.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nhttp://example.invalid/secret.ts\n")
    assert "neither a picture nor a video" in refusal(tmp_path / "a.m3u8")


def test_a_heic_photo_says_what_to_do(tmp_path: Path):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    said = refusal(tmp_path / "a.heic")
    assert "save it as JPEG or PNG" in said or "is damaged or cut short" in said


def test_names_that_look_like_addresses_are_files(tmp_path: Path):
    (tmp_path / "http:a.mp4").write_text("x" * 100)
    assert "it holds text" in refusal(tmp_path / "http:a.mp4")


def test_a_pipe_that_may_never_end_is_refused_unopened(tmp_path: Path):
    os.mkfifo(tmp_path / "camera.mp4")
    assert refusal(tmp_path / "camera.mp4").endswith("is neither a file nor a folder")


def written(folder: Path, kind: str) -> Path:
    """A small file of each kind, under a name that says nothing."""
    path = folder / "input"
    if kind == "video":
        write_clip(folder / "a.mp4", [np.full((64, 64, 3), 2 * index, np.uint8) for index in range(90)], 30)
        (folder / "a.mp4").rename(path)
    elif kind in ("png", "gif"):
        pictures = [Image.new("L", (40, 30), 60 * index) for index in range(3)]
        pictures[0].save(path, kind, **({"save_all": True, "append_images": pictures[1:]} if kind == "gif" else {}))
    elif kind == "table":
        path.write_text("time_ms,jawOpen\n" + "".join(f"{40 * index},0.5\n" for index in range(20)))
    elif kind == "mediapipe":
        path.write_text('{"timestamp_ms": 0, "faceBlendshapes": [{"categoryName": "jawOpen", "score": 0.5}]}')
    else:
        writer = TakeWriter(path, TakeHeader("clip.mp4", Fraction(30), 64, 48))
        writer.add(TrackedFrame(0, Fraction(0), ()))
        writer.close()
    return path


def remembered(name: str, function: Callable[..., Any], called: list[str]) -> Callable[..., Any]:
    def run(*arguments: Any, **options: Any) -> Any:
        called.append(name)
        return function(*arguments, **options)

    return run


READERS = {
    "picture": "commedia.sources.image._opened",
    "video": "commedia.sources.video._opened",
    "table": "commedia.sources.open.open_table",
    "mediapipe": "commedia.sources.open.MediapipeResults",
    "take": "commedia.sources.open.TakeSource",
}


@pytest.mark.parametrize(
    ("kind", "readers"),
    [
        ("png", ["picture"]),
        ("gif", ["picture"]),
        # Only Pillow knows all its formats, so what it does not know is a video.
        ("video", ["picture", "video"]),
        ("table", ["table"]),
        ("mediapipe", ["mediapipe"]),
        ("take", ["take"]),
    ],
)
def test_one_look_at_the_head_chooses_the_one_reader(
    kind: str, readers: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, called, heads = written(tmp_path, kind), [], []
    for name, place in READERS.items():
        monkeypatch.setattr(place, remembered(name, pkgutil.resolve_name(place), called))
    head = "commedia.sources.open._head"
    monkeypatch.setattr(head, remembered("head", pkgutil.resolve_name(head), heads))
    open_source(path)
    assert (heads, called) == (["head"], readers)


def test_a_video_is_never_read_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its head is read once, in bytes; whatever else is read of it, FFmpeg reads."""
    path, opened = written(tmp_path, "video"), []

    def counted(file, mode="r", *rest, **options):
        if str(file) == str(path):
            opened.append(mode)
        return original(file, mode, *rest, **options)

    original = io.open
    monkeypatch.setattr("io.open", counted)
    monkeypatch.setattr("builtins.open", counted)
    with open_source(path) as source:
        assert len(list(source)) == 90
    # The second is Pillow's look at its first bytes, the third is for HEIC, which Pillow does not know.
    assert opened == ["rb", "rb", "rb"]
