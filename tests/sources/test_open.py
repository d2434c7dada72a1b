"""What cannot be opened says in one sentence what was asked, what was found and what exists."""

from pathlib import Path

import pytest

from commedia.errors import UnreadableMedia
from commedia.sources.open import open_source


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
    assert "save it as JPEG or PNG" in refusal(tmp_path / "a.heic")


def test_names_that_look_like_addresses_are_files(tmp_path: Path):
    (tmp_path / "http:a.mp4").write_text("x" * 100)
    assert "it holds text" in refusal(tmp_path / "http:a.mp4")
