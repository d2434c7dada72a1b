"""A folder is its pictures in the order people count, each on its own."""

from pathlib import Path

import pytest
from PIL import Image

from commedia.errors import UnreadableMedia
from commedia.sources.folder import natural_key
from commedia.sources.open import open_source


def test_natural_order():
    names = ["img10.png", "Img2.png", "img1.png", "a.png", "img002b.png", "12.png", "3.png"]
    assert sorted(names, key=natural_key) == [
        "3.png", "12.png", "a.png", "img1.png", "Img2.png", "img002b.png", "img10.png"
    ]  # fmt: skip


def test_pictures_of_any_size_one_second_apart(tmp_path: Path):
    for number, size in ((10, (8, 6)), (2, (20, 10)), (1, (5, 5))):
        Image.new("RGB", size, (number, 0, 0)).save(tmp_path / f"p{number}.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "broken.png").write_bytes(b"not a picture either")
    with open_source(tmp_path) as source:
        frames = list(source)
    assert source.info.is_still
    assert [frame.image[0, 0, 0] for frame in frames] == [1, 2, 10]
    assert [(frame.index, frame.time_s) for frame in frames] == [(0, 0), (1, 1), (2, 2)]
    assert [any(name in note for note in source.notes) for name in ("notes.txt", "broken.png")] == [True, True]


@pytest.mark.parametrize(("files", "said"), [([], "it holds no files"), (["a.txt", "b.mp4"], "2 other files")])
def test_a_folder_without_pictures(tmp_path: Path, files: list[str], said: str):
    for name in files:
        (tmp_path / name).write_text("x")
    with pytest.raises(UnreadableMedia, match=rf"holds no pictures .*{said}"):
        open_source(tmp_path)


def test_a_folder_where_no_picture_can_be_read(tmp_path: Path):
    (tmp_path / "a.png").write_text("x")
    with pytest.raises(UnreadableMedia, match=r"none of the 1 pictures"):
        open_source(tmp_path)
