"""`commedia retarget` as a user meets it: results, the summary, and everything that can be wrong with the input."""

import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from fakes import World
from PIL import Image
from rigs import small_builder
from stage import CLIP_FRAMES, film, models_for, picture, two_people

from commedia.characters.gltf import read_character
from commedia.cli.main import main


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = two_people()
    monkeypatch.setattr("commedia.cli.retarget.open_models", lambda mfn, sfn, flip_average: models_for(world))
    return world


def test_a_video_becomes_results_and_a_table(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    clip = film(world, tmp_path / "clip.mp4")
    assert main(["retarget", str(clip), "-o", str(tmp_path / "out"), "--no-preview"]) == 0
    shown = capsys.readouterr().out
    assert "clip.mp4: 18 frames, 0.6 s" in shown
    assert "person-01.glb" in shown
    assert "seen too briefly" in shown
    assert not (tmp_path / "out" / "preview.mp4").exists()


def test_json_is_all_there_is_on_standard_output(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    clip = film(world, tmp_path / "clip.mp4", 6)
    assert main(["retarget", str(clip), "-o", str(tmp_path / "out"), "--no-preview", "--json", "--faces", "1"]) == 0
    (summary,) = json.loads(capsys.readouterr().out)
    assert summary["frames"] == 6
    assert all(Path(path).is_file() for path in summary["files"])
    assert [person["id"] for person in summary["people"]] == [1]


def write_text(path: Path) -> None:
    path.write_text("not a video")


def write_glb_without_morphs(path: Path) -> None:
    import pygltflib

    tree = pygltflib.GLTF2(scenes=[pygltflib.Scene(nodes=[0])], nodes=[pygltflib.Node(name="cube")], scene=0)
    tree.save_binary(str(path))


def write_bomb(path: Path) -> None:
    # A PNG's size stands in its header, so a file of 60 bytes can announce any.
    header = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 20_000, 8, 2, 0, 0, 0)
    chunks = ((13, header), (0, b"IDAT"))
    body = b"".join(struct.pack(">I", size) + data + struct.pack(">I", zlib.crc32(data)) for size, data in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


BAD_INPUTS = {
    "missing": ("clip.mp4", None, "there is no file"),
    "empty": ("clip.mp4", Path.touch, "is empty (0 bytes)"),
    "text": ("clip.mp4", write_text, "it holds text"),
    "empty folder": ("clips", Path.mkdir, "holds no pictures"),
    "bomb": ("huge.png", write_bomb, "400 million pixels"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_input_is_one_sentence_and_leaves_nothing(case, world, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    name, make, said = BAD_INPUTS[case]
    path = tmp_path / name
    if make is not None:
        make(path)
    before = sorted(tmp_path.iterdir())
    assert main(["retarget", str(path), "-o", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("write", "said"), [(write_text, "hero"), (write_glb_without_morphs, "morph")])
def test_bad_characters_are_one_sentence_too(write, said, world, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    clip, hero = film(world, tmp_path / "clip.mp4", 3), tmp_path / "hero.glb"
    write(hero)
    assert main(["retarget", str(clip), "-o", str(tmp_path / "out"), "--character", str(hero)]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_foreign_character_plays(world: World, tmp_path: Path, shared_data: Path):
    clip = film(World(world.people[:1]), tmp_path / "clip.mp4", 3)
    hero = shared_data / "characters" / "brunette-t.glb"
    arguments = ["retarget", str(clip), "-o", str(tmp_path / "out"), "--character", str(hero), "--no-preview"]
    assert main(arguments) == 0
    assert (tmp_path / "out" / "person-01.glb").stat().st_size > hero.stat().st_size


@pytest.mark.parametrize("kind", ["grey", "alpha", "sixteen", "cmyk", "turned"])
def test_unusual_photographs_give_the_same_faces(
    kind: str, world: World, tmp_path: Path, capsys: pytest.CaptureFixture
):
    image = Image.fromarray(world.frame(0).image)
    path = tmp_path / ("a.tif" if kind in ("sixteen", "cmyk") else "a.png")
    exif = Image.Exif()
    if kind == "turned":
        exif[0x0112] = 6
        image = image.transpose(Image.Transpose.ROTATE_90)
    if kind == "sixteen":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    modes = {"grey": "L", "alpha": "RGBA", "cmyk": "CMYK"}
    (image.convert(modes[kind]) if kind in modes else image).save(path, exif=exif)
    assert main(["retarget", str(path), "-o", str(tmp_path / "out"), "--no-preview"]) == 0
    assert re.search(r"\b1 frame, .* 1 frame \(100%\)", capsys.readouterr().out, re.DOTALL)
    header, frame = (json.loads(line) for line in (tmp_path / "out" / "take.jsonl").read_text().splitlines())
    assert header["frame_size_px"] == [320, 240]
    assert [face["id"] for face in frame["faces"]] == [1]


def test_faces_must_be_a_positive_number(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["retarget", "a.mp4", "-o", str(tmp_path / "out"), "--faces", "0"]) == 2
    assert "--faces 0 leaves nobody" in capsys.readouterr().err


def test_formats_are_chosen_by_name(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    clip = film(world, tmp_path / "clip.mp4", 6)
    arguments = ["retarget", str(clip), "-o", str(tmp_path / "out"), "--no-preview", "--formats"]
    assert main([*arguments, "glb", "vrm"]) == 2
    assert "unknown format 'vrm'; did you mean 'vrma'?" in capsys.readouterr().err
    assert main([*arguments, "obj"]) == 2
    assert "take 'pc2'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*arguments, "bvh", "vrma"]) == 0
    assert {path.name for path in (tmp_path / "out").glob("person-01*")} == {"person-01.bvh", "person-01.vrma"}


def small_character(path: Path, *morphs: str) -> Path:
    path.write_bytes(small_builder(morphs).to_bytes())
    return path


def test_people_play_characters_of_their_own(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Both people stand in the photo; a third one, who is cast too, does not."""
    Image.fromarray(picture(world, CLIP_FRAMES // 2)).save(tmp_path / "a.png")
    hero, other = small_character(tmp_path / "hero.glb", "jawOpen"), small_character(tmp_path / "x.glb", "tongueOut")
    cast = ["--cast", f"2={hero}", f"7={hero}", f"default={other}"]
    assert main(["retarget", str(tmp_path / "a.png"), "-o", str(tmp_path / "out"), *cast, "--json"]) == 0
    (summary,) = json.loads(capsys.readouterr().out)
    assert [person["character"] for person in summary["people"]] == [str(other), str(hero)]
    assert "the cast names person 7, who is not in the take; people: 1, 2" in summary["notes"]
    morphs = [read_character(tmp_path / "out" / f"person-0{person}.glb").rig.morph_names for person in (1, 2)]
    assert morphs == [("tongueOut",), ("jawOpen",)]


def test_everybody_in_a_photo_plays_another_of_the_troupe(world: World, tmp_path: Path, capsys: pytest.CaptureFixture):
    Image.fromarray(picture(world, CLIP_FRAMES // 2)).save(tmp_path / "a.png")
    options = ["--cast", "troupe", "--json", "--no-preview", "--formats", "glb"]
    assert main(["retarget", str(tmp_path / "a.png"), "-o", str(tmp_path / "out"), *options]) == 0
    (summary,) = json.loads(capsys.readouterr().out)
    assert [person["character"] for person in summary["people"]] == ["isabella", "flaminia"]
    for person in (1, 2):
        character = read_character(tmp_path / "out" / f"person-0{person}.glb")
        assert "Tiffany Do" in character.document.json["asset"]["copyright"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--character", "isabela"], "unknown character 'isabela'; did you mean 'isabella'?"),
        (["--cast", "troupe", "--character", "b.glb"], "both say what the others play"),
        (["--cast", "hero.glb"], "'hero.glb' is not of the form PERSON=FILE"),
        (["--cast", "default=a.glb", "--character", "b.glb"], "both say what the others play"),
        (["--cast", "1=no-such.glb"], "no-such.glb"),
    ],
)
def test_a_wrong_cast_is_one_sentence(options, said, world, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    clip = film(world, tmp_path / "clip.mp4", 3)
    assert main(["retarget", str(clip), "-o", str(tmp_path / "out"), *options]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_output_that_fails_is_named_and_the_others_are_kept(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("commedia.outputs.preview.writer.PreviewSink.send", fail)
    clip = film(world, tmp_path / "clip.mp4", 6)
    assert main(["retarget", str(clip), "-o", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr()
    assert shown.err == "commedia: the preview failed: No space left on device\n"
    assert "note: the preview failed: No space left on device" in shown.out
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"person-01.glb", "person-01.csv", "report.html", "take.jsonl"}
