"""The law of reading motion: what was retargeted from a video comes out again from its take, and from its table."""

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fakes import FPS
from rigs import small_builder
from stage import CLIP_FRAMES, film, models_for, two_people

from commedia.characters.accessors import Accessors
from commedia.characters.character import Document
from commedia.characters.gltf import read_character
from commedia.cli.main import main
from commedia.outputs.preview.page import BACKDROP
from commedia.pipeline import retarget, track
from commedia.sources.open import open_source
from commedia.tracking.models import Models

from .recordings import browser_frame, json_lines, write

UNITS = ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp")


class NoNetwork:
    """Whatever is asked of it, is asked too much."""

    def detect(self, image: np.ndarray) -> list:
        raise AssertionError("a network was used")

    def regress(self, image: np.ndarray, crops: list) -> list:
        raise AssertionError("a network was used")


def tracks(path: Path) -> dict[str, np.ndarray]:
    """Everything a clip animates, by node and path, and its key times."""
    document = read_character(path).document
    (clip,) = document.json["animations"]
    found = {}
    for channel in clip["channels"]:
        sampler = clip["samplers"][channel["sampler"]]
        name = f"{channel['target']['node']} {channel['target']['path']}"
        found[name] = accessor(document, sampler["output"])
        found[f"{name} times"] = accessor(document, sampler["input"])
    return found


def accessor(document: Document, index: int) -> np.ndarray:
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[document.json["accessors"][index]["type"]]
    return Accessors(document).floats(index, width).astype(np.float64).reshape(-1)


@pytest.fixture(scope="module")
def performed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("performed")
    world = two_people()
    (folder / "hero.glb").write_bytes(small_builder(UNITS).to_bytes())
    clip = film(world, folder / "clip.mp4")
    for name, character in (("own", None), ("hero", folder / "hero.glb")):
        retarget(clip, folder / name, character=character, models=models_for(world), preview=False)
    return folder


@pytest.mark.parametrize("name", ["own", "hero"])
def test_a_take_gives_the_clip_that_its_video_gave(name: str, performed: Path, tmp_path: Path) -> None:
    character = performed / "hero.glb" if name == "hero" else None
    models = Models(NoNetwork(), NoNetwork())
    take = performed / name / "take.jsonl"
    summary = retarget(take, tmp_path / "out", character=character, models=models, preview=False)
    before, after = (tracks(folder / "person-01.glb") for folder in (performed / name, tmp_path / "out"))
    assert before.keys() == after.keys()
    assert any("weights" in track for track in before)
    for track_name, values in before.items():
        np.testing.assert_allclose(after[track_name], values, atol=1e-5, err_msg=track_name)
    assert any(np.ptp(values) > 0.1 for track_name, values in before.items() if track_name.endswith("weights"))
    assert [(person.id, bool(person.files)) for person in summary.people] == [(1, True), (2, False)]
    rows = [(folder / "person-01.csv").read_text().splitlines() for folder in (performed / name, tmp_path / "out")]
    assert rows[0][0] == rows[1][0]
    assert [row.split(",")[0] for row in rows[0]] == [row.split(",")[0] for row in rows[1]]


def test_a_take_of_a_take_is_that_take(performed: Path, tmp_path: Path) -> None:
    summary = retarget(performed / "own" / "take.jsonl", tmp_path / "out", preview=False)
    assert any("in recorded motion, so plain colours are assumed" in note for note in summary.notes)
    before, after = (
        path.read_text().splitlines() for path in (performed / "own" / "take.jsonl", tmp_path / "out" / "take.jsonl")
    )
    assert before[1:] == after[1:]
    headers = [json.loads(lines[0]) | {"source": ""} for lines in (before, after)]
    assert headers[0] == headers[1]


def test_a_table_gives_the_clip_that_its_video_gave(performed: Path, tmp_path: Path) -> None:
    table = performed / "hero" / "person-01.csv"
    retarget(table, tmp_path / "out", character=performed / "hero.glb", rate=Fraction(FPS), preview=False)
    before, after = (tracks(folder / "person-01.glb") for folder in (performed / "hero", tmp_path / "out"))
    assert before.keys() == after.keys()
    for name, values in before.items():
        np.testing.assert_allclose(after[name], values, atol=1e-6, err_msg=name)
    assert (tmp_path / "out" / "person-01.csv").read_bytes() == table.read_bytes()


def test_the_preview_shows_characters_alone(performed: Path, tmp_path: Path) -> None:
    retarget(performed / "hero" / "take.jsonl", tmp_path / "out", character=performed / "hero.glb")
    with open_source(tmp_path / "out" / "preview.mp4") as preview:
        pictures = [frame.image for frame in preview]
    assert len(pictures) == CLIP_FRAMES
    # The card of the only person goes from edge to edge.
    middle = pictures[0][pictures[0].shape[0] // 2].astype(int)
    assert (np.abs(middle[20:-20] - BACKDROP).max(axis=1) > 8).mean() > 0.95


def test_one_frame_of_motion_is_a_still(tmp_path: Path) -> None:
    one = write(tmp_path / "a.json", json_lines([browser_frame(0)]))
    summary = retarget(one, tmp_path / "out")
    assert sorted(path.name for path in summary.files) == [
        "person-01.csv",
        "person-01.glb",
        "preview.jpg",
        "report.html",
        "take.jsonl",
    ]
    assert all(path.is_file() for path in summary.files)


def test_motion_is_tracked_without_networks(performed: Path) -> None:
    frames = list(track(performed / "own" / "take.jsonl"))
    assert [frame.index for frame in frames] == list(range(CLIP_FRAMES))


@pytest.fixture
def no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("networks were opened")

    monkeypatch.setattr("commedia.cli.retarget.open_models", refuse)
    monkeypatch.setattr("commedia.tracking.tracker.open_models", refuse)


@pytest.mark.usefixtures("no_models")
def test_the_command_says_what_the_file_was_taken_for(
    performed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The name says nothing.
    path = shutil.copy(performed / "own" / "person-01.csv", tmp_path / "motion.bin")
    arguments = ["retarget", str(path), "-o", str(tmp_path / "out"), "--no-preview", "--rate", "30"]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "'motion.bin' was read as a Live Link Face CSV: timecodes, 30 frames per second as given" in shown
    assert "18 frames, 0.6 s" in shown


JUNK = {
    "letter.txt": ("Dear diary,\nnothing moved.\n", "no motion either; of motion is read: a take.jsonl, a Live Link"),
    "a.json": ('{"asset": {}}', "was taken for MediaPipe results in JSON"),
    "a.csv": ("time,mood,weather\n0,1,2\n", "none of its columns is named after an ARKit blendshape"),
    "empty.csv": ("", "is empty (0 bytes)"),
    "take.jsonl": ('{"format":"commedia-take","version":9}\n', "is no take"),
}


@pytest.mark.usefixtures("no_models")
@pytest.mark.parametrize("name", JUNK)
def test_what_is_no_motion_is_one_sentence(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, said = JUNK[name]
    path = write(tmp_path / name, text)
    assert main(["retarget", str(path), "-o", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.usefixtures("no_models")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--faces", "2"], "--faces chooses among the faces of pictures"),
        (["--flip-average"], "--flip-average reads the faces of pictures twice"),
        (["--rate", "0"], "--rate 0 is no frame rate"),
        (["--rate", "1e999999999"], "is no frame rate"),
        (["--rate", "a/b"], "is no frame rate"),
        (["--rate", "30/0"], "is no frame rate"),
        (["--rate", "nan"], "is no frame rate"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    options: list[str], said: str, performed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["retarget", str(performed / "own" / "take.jsonl"), "-o", str(tmp_path / "out"), *options]) == 2
    assert said in capsys.readouterr().err


def test_a_rate_for_a_video_is_refused(performed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retarget", str(performed / "clip.mp4"), "-o", str(tmp_path / "out"), "--rate", "30"]) == 2
    assert "--rate is for recorded motion" in capsys.readouterr().err
