"""What a folder from a phone or a recorder holds is read or named: photographs, videos, motion, takes of an app."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from heic import heic_bytes
from PIL import Image

from commedia.errors import UnreadableMedia
from commedia.folder import retarget_folder
from commedia.formats.livelink_csv import HEADER
from commedia.sources.folder import folder_entries
from commedia.sources.open import open_source

pytest.importorskip("pi_heif", reason="HEIC needs the extra 'heic'")


def colours() -> np.ndarray:
    """Four fields of colour, so that a turned or mirrored picture would show."""
    picture = np.zeros((64, 96, 3), dtype=np.uint8)
    picture[:32, :48], picture[:32, 48:], picture[32:, :48] = (200, 30, 30), (30, 200, 30), (30, 30, 200)
    return picture


def film(path: Path, rate: Fraction, count: int, timecode: str = "") -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        if timecode:
            stream.metadata["timecode"] = timecode
        for _ in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(colours(), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def app_table(path: Path, count: int = 33, rate: int = 30, first: str = "10:20:30") -> Path:
    rows = []
    hours, minutes, seconds = (int(part) for part in first.split(":"))
    for index in range(count):
        label = f"{hours:02d}:{minutes:02d}:{seconds + index // rate:02d}:{index % rate:02d}.000"
        rows.append(f"{label},61,{','.join(['0.1'] * 52)},{','.join(['0'] * 9)}")
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_a_heic_photograph_is_read(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.HEIC").write_bytes(heic_bytes(colours()))
    with open_source(tmp_path / "IMG_1.HEIC") as source:
        (frame,) = source
    assert source.info.is_still
    assert np.abs(frame.image.astype(int) - colours()).mean() < 12


@pytest.mark.parametrize("damage", ["cut", "noise", "short"])
def test_a_damaged_heic_is_one_sentence(damage: str, tmp_path: Path) -> None:
    data = heic_bytes(colours())
    broken = {"cut": data[: len(data) // 2], "noise": data[:40] + bytes(range(256)) * 4, "short": data[:24]}[damage]
    (tmp_path / "a.heic").write_bytes(broken)
    with pytest.raises(UnreadableMedia) as refused:
        list(open_source(tmp_path / "a.heic"))
    assert "\n" not in str(refused.value)


def test_without_the_package_a_heic_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "pi_heif", None)
    (tmp_path / "a.heic").write_bytes(heic_bytes(colours()))
    with pytest.raises(UnreadableMedia, match=r"pip install 'commedia\[heic\]', or save it as JPEG or PNG"):
        open_source(tmp_path / "a.heic")


def test_every_file_of_a_folder_is_read_or_named(tmp_path: Path) -> None:
    folder = tmp_path / "phone"
    (folder / "more").mkdir(parents=True)
    app_table(folder / "MySlate_1_iPhone.csv")
    (folder / "IMG_0002.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(12))
    (folder / "IMG_0003.MOV").write_bytes(b"no video at all")
    (folder / "notes.txt").write_text("hello")
    (folder / ".hidden").write_text("")
    (summary,) = retarget_folder(folder, tmp_path / "out", preview=False, formats=["csv"])
    assert summary.output.name == "MySlate_1_iPhone"
    said = " ".join(summary.notes)
    for name in ("IMG_0002.HEIC", "IMG_0003.MOV", "notes.txt", "more"):
        assert name in said, summary.notes
    assert "hidden" not in said


def test_photos_videos_and_motion_of_one_name_stay_apart(tmp_path: Path) -> None:
    for name in ("IMG_1.HEIC", "IMG_1.MOV", "img_2.csv", "img_10.jpg", "README.md"):
        (tmp_path / name).write_text("x")
    entries, left = folder_entries(tmp_path)
    assert [entry.name for entry in entries] == ["IMG_1.HEIC", "IMG_1.MOV", "img_2", "img_10"]
    assert [path.name for path in left] == ["README.md"]


def test_pictures_as_one_source_name_what_is_no_picture(tmp_path: Path) -> None:
    Image.fromarray(colours()).save(tmp_path / "a.png")
    for name in ("clip.mov", "take.csv", "notes.txt"):
        (tmp_path / name).write_text("x")
    with open_source(tmp_path) as source:
        assert len(list(source)) == 1
    assert source.notes == ["not read: 'clip.mov', 'take.csv', 'notes.txt'"]


def take(folder: Path, rate: Fraction, description: dict | None) -> Path:
    folder.mkdir()
    app_table(folder / "MySlate_1_iPhone.csv")
    film(folder / "MySlate_1_iPhone.mov", rate, 10)
    Image.fromarray(colours()).save(folder / "thumbnail.jpg")
    if description is not None:
        (folder / "take.json").write_text(json.dumps(description))
    return folder


def test_a_take_folder_is_its_motion_and_its_video_says_the_rate(tmp_path: Path) -> None:
    folder = take(tmp_path / "MySlate_1", Fraction(30000, 1001), {"slate": "MySlate", "takeNumber": 1})
    with open_source(folder) as source:
        frames = list(source)
    assert not source.info.pictures
    assert [frame.time_s for frame in frames] == [Fraction(1001 * index, 30000) for index in range(33)]
    assert "'MySlate_1' is a take of Live Link Face (slate MySlate, takeNumber 1)" in source.notes[1]
    assert "'MySlate_1_iPhone.mov', of which only the frame rate was read" in source.notes[2]
    assert "not read: 'thumbnail.jpg'" in source.notes


def test_a_take_s_description_says_the_rate_before_its_video(tmp_path: Path) -> None:
    folder = take(tmp_path / "a", Fraction(30), {"video": {"frameRate": "30000/1001"}})
    assert open_source(folder).info.frame_rate == Fraction(30000, 1001)


def test_a_take_whose_video_contradicts_its_timecodes_says_so(tmp_path: Path) -> None:
    folder = take(tmp_path / "a", Fraction(60), None)
    source = open_source(folder)
    assert source.info.frame_rate == 30
    assert any("names 60 frames per second, which its times contradict" in note for note in source.notes)


def test_takes_in_a_folder_are_takes_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("A_1", "A_2"):
        take(tmp_path / "in" / name, Fraction(30), {})
    summaries = retarget_folder(tmp_path / "in", tmp_path / "out", preview=False, formats=["csv"])
    assert [summary.output.name for summary in summaries] == ["A_1", "A_2"]


@pytest.mark.parametrize(
    ("timecode", "rate", "day_s"),
    [
        ("10:20:30:12", Fraction(24), 37230 + Fraction(12, 24)),
        ("01:00:00:00", Fraction(30), Fraction(3600)),
        ("23:59:59:24", Fraction(25), 86399 + Fraction(24, 25)),
        ("", Fraction(25), None),
    ],
)
def test_a_video_s_timecode_is_read(timecode: str, rate: Fraction, day_s: Fraction | None, tmp_path: Path) -> None:
    assert open_source(film(tmp_path / "a.mov", rate, 6, timecode)).info.start_day_s == day_s


def test_the_time_of_day_survives_into_every_format_that_can_hold_it(tmp_path: Path) -> None:
    pytest.importorskip("pxr", reason="USD needs the extra 'usd'")
    from pxr import Sdf

    from commedia import retarget

    retarget(app_table(tmp_path / "a.csv", 16), tmp_path / "out", preview=False, formats=["csv", "glb", "vrma", "usd"])
    assert (tmp_path / "out/person-01.csv").read_text().splitlines()[1].startswith("10:20:30:00.000,")
    for ending in ("glb", "vrma"):
        assert b'"startTimecode":"10:20:30:00.000"' in (tmp_path / f"out/person-01.{ending}").read_bytes()
    layer = Sdf.Layer.FindOrOpen(str(tmp_path / "out/person-01.usd"))
    assert layer.customLayerData["commedia"]["startTimecode"] == "10:20:30:00.000"
    # A take gives it on.
    retarget(tmp_path / "out/take.jsonl", tmp_path / "again", preview=False, formats=["csv"])
    assert (tmp_path / "again/person-01.csv").read_text() == (tmp_path / "out/person-01.csv").read_text()
