"""Faces that commedia read are played with a strength of 1.5 unless somebody says otherwise, and so is their take; what
others recorded is played as it is. The take always keeps what was read."""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fakes import Person, World
from livelink_table import read_livelink_csv
from PIL import Image
from rigs import params, tracked
from stage import film, models_for, picture

from commedia.characters.accessors import Accessors
from commedia.characters.gltf import read_character
from commedia.cli.main import main
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.folder import retarget_folder
from commedia.formats.livelink_csv import LiveLinkCsvWriter
from commedia.formats.take import TakeReader
from commedia.outputs.sink import StreamInfo
from commedia.pipeline import retarget, run
from commedia.retarget.cast import Cast
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.retarget.strength import READ_STRENGTH, strengthened
from commedia.sources.open import open_source
from commedia.sources.paced import PacedSource
from commedia.sources.source import MediaInfo, RecordedSource
from commedia.structures import Moment, TrackedFrame
from commedia.tracking.tracker import Tracker

FRAMES, RATE = 20, Fraction(30)
SAID = "expressions are played with a strength of 1.5, as readings come too soft; --strength 1 plays what was read"
ROUNDED = 3e-5
"""A take keeps five digits, which the strength makes twice as coarse at most."""


def speaking(time_s: float) -> np.ndarray:
    """Strong, weak and shut: one weight that grows, one that shrinks, and a blink that stays."""
    expression = np.zeros(EXPRESSION_COUNT, np.float32)
    for name, weight in (("jawOpen", 0.5 + 0.3 * np.sin(9 * time_s)), ("browInnerUp", 0.06), ("eyeBlinkLeft", 0.4)):
        expression[EXPRESSION_INDEX[name]] = weight
    return expression


def somebody() -> World:
    return World([Person(1, lambda time_s: (100, 120), width_px=60, expression=speaking)])


class Phone(RecordedSource):
    """Motion that somebody else has read in pictures, whose size they know."""

    def __init__(self) -> None:
        self.path, self.notes = Path("phone"), []
        self.info = MediaInfo(640, 480, RATE, FRAMES, is_still=False, pictures=False)

    def __iter__(self) -> Iterator[TrackedFrame]:
        for index in range(FRAMES):
            yield TrackedFrame(index, index / RATE, (tracked(params(jawOpen=0.5, browInnerUp=0.06)),))

    def close(self) -> None:
        pass


class Heard:
    """A stream that remembers."""

    name = "the memory"

    def __init__(self) -> None:
        self.moments: list[Moment] = []

    def open(self, info: StreamInfo) -> None: ...

    def send(self, moment: Moment) -> None:
        self.moments.append(moment)

    def close(self) -> None: ...

    discard = close


def table(path: Path) -> Path:
    """What a phone's app records, in numbers that files of ten digits, takes and single precision hold exactly."""
    writer, rng = LiveLinkCsvWriter(path, RATE), np.random.default_rng(5)
    for index in range(FRAMES):
        weights = dict(zip(EXPRESSION_NAMES, (rng.integers(0, 33, EXPRESSION_COUNT) / 32).tolist(), strict=True))
        writer.add(index / RATE, params(**weights))
    writer.close()
    return path


def played(folder: Path) -> np.ndarray:
    return read_livelink_csv(folder / "person-01.csv", RATE).expression


def taken(folder: Path) -> np.ndarray:
    return np.array([frame.faces[0].params.expression for frame in TakeReader(folder / "take.jsonl")])


def keyframes(folder: Path) -> list[np.ndarray]:
    document = read_character(folder / "person-01.glb").document
    (clip,) = document.json["animations"]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}
    reader, accessors = Accessors(document), document.json["accessors"]
    return [
        np.asarray(reader.floats(index, width[accessors[index]["type"]]))
        for sampler in clip["samplers"]
        for index in (sampler["input"], sampler["output"])
    ]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[str, ...]]]:
    """A clip and a picture, each played as it comes, with 1 and with 2; and the notes."""
    folder, world = tmp_path_factory.mktemp("films"), somebody()
    film(world, folder / "clip.mp4", FRAMES)
    Image.fromarray(picture(world, 3)).save(folder / "photo.png")
    notes = {}
    for name in ("clip.mp4", "photo.png"):
        for given in (None, 1.0, 2.0):
            out, edit = folder / f"{name} {given}", None if given is None else PerformanceEdit(strength=given)
            notes[out.name] = retarget(folder / name, out, models=models_for(world), preview=False, edit=edit).notes
    return folder, notes


@pytest.mark.parametrize("name", ["clip.mp4", "photo.png"])
def test_what_is_read_in_pictures_is_played_stronger(films, name: str) -> None:
    folder, _ = films
    read = taken(folder / f"{name} None")
    for given, strength in ((None, READ_STRENGTH), (1.0, 1.0), (2.0, 2.0)):
        np.testing.assert_allclose(
            played(folder / f"{name} {given}"), strengthened(read, strength), atol=ROUNDED, err_msg=str(given)
        )
    shown = played(folder / f"{name} None")[0]
    for unit, change in (("jawOpen", 0.15), ("browInnerUp", -0.02), ("eyeBlinkLeft", 0)):
        index = EXPRESSION_INDEX[unit]
        assert abs(shown[index] - read[0, index] - change) < max(abs(change) / 2, ROUNDED), unit


@pytest.mark.parametrize("name", ["clip.mp4", "photo.png"])
def test_the_take_keeps_what_was_read(films, name: str) -> None:
    folder, _ = films
    takes = {(folder / f"{name} {given}" / "take.jsonl").read_bytes() for given in (None, 1.0, 2.0)}
    assert len(takes) == 1
    jaw = taken(folder / f"{name} None")[:, EXPRESSION_INDEX["jawOpen"]]
    assert jaw.max() < 0.81, "the person opens no further"


@pytest.mark.parametrize("given", [None, 1.0])
@pytest.mark.parametrize("name", ["clip.mp4", "photo.png"])
def test_a_take_of_pictures_is_played_as_they_were(films, name: str, given: float | None, tmp_path: Path) -> None:
    before, edit = films[0] / f"{name} {given}", PerformanceEdit(strength=given)
    retarget(before / "take.jsonl", tmp_path / "out", preview=False, edit=edit)
    again = retarget(tmp_path / "out" / "take.jsonl", tmp_path / "again", preview=False, edit=edit)
    for after in (tmp_path / "out", tmp_path / "again"):
        np.testing.assert_allclose(played(after), played(before), atol=ROUNDED)
        for one, other in zip(keyframes(after), keyframes(before), strict=True):
            np.testing.assert_allclose(one, other, atol=ROUNDED)
    assert again.notes.count(SAID) == (given is None)


def test_what_others_recorded_is_played_as_it_is_and_so_is_its_take(tmp_path: Path) -> None:
    given = table(tmp_path / "phone.csv")
    first = retarget(given, tmp_path / "out", preview=False, rate=RATE)
    assert (tmp_path / "out" / "person-01.csv").read_bytes() == given.read_bytes()
    second = retarget(tmp_path / "out" / "take.jsonl", tmp_path / "again", preview=False)
    np.testing.assert_array_equal(played(tmp_path / "again"), played(tmp_path / "out"))
    assert SAID not in (*first.notes, *second.notes)
    retarget(given, tmp_path / "louder", preview=False, rate=RATE, edit=PerformanceEdit(strength=1.5))
    np.testing.assert_allclose(played(tmp_path / "louder"), strengthened(played(tmp_path / "out"), 1.5), atol=1e-6)


def test_a_take_of_others_motion_stays_one_whatever_they_know_of_their_pictures(tmp_path: Path) -> None:
    retarget(Phone(), tmp_path / "out", preview=False)
    summary = retarget(tmp_path / "out" / "take.jsonl", tmp_path / "again", preview=False)
    for folder in (tmp_path / "out", tmp_path / "again"):
        assert (played(folder)[:, EXPRESSION_INDEX["jawOpen"]] == 0.5).all()
    assert SAID not in summary.notes


def test_each_file_of_a_folder_gets_its_own(tmp_path: Path) -> None:
    world, files = somebody(), tmp_path / "in"
    files.mkdir()
    for name in ("a.csv", "c.csv"):
        table(files / name)
    Image.fromarray(picture(world, 3)).save(files / "b.png")
    summaries = retarget_folder(files, tmp_path / "out", models=models_for(world), preview=False)
    assert [(summary.output.name, SAID in summary.notes) for summary in summaries] == [
        *(("a", False), ("b", True), ("c", False))
    ]
    read = taken(tmp_path / "out" / "b")
    np.testing.assert_allclose(played(tmp_path / "out" / "b"), strengthened(read, READ_STRENGTH), atol=ROUNDED)
    for name in ("a", "c"):
        given = read_livelink_csv(files / f"{name}.csv", RATE)
        np.testing.assert_array_equal(played(tmp_path / "out" / name), given.expression)


def test_the_note_is_there_where_it_was_assumed_and_somebody_was_seen(films, tmp_path: Path) -> None:
    _, notes = films
    said = {name: found.count(SAID) for name, found in notes.items()}
    assert said == {
        f"{name} {given}": given is None for name in ("clip.mp4", "photo.png") for given in (None, 1.0, 2.0)
    }
    nobody = World([])
    summary = retarget(film(nobody, tmp_path / "a.mp4", 4), tmp_path / "out", models=models_for(nobody), preview=False)
    assert not any("strength" in note for note in summary.notes)


def test_a_stream_hears_what_is_played(films) -> None:
    """In real time as in a file, of pictures and of their take; a cast that is used again forgets."""
    folder, cast, takes = films[0], Cast(), films[0] / "clip.mp4 None" / "take.jsonl"
    for path, models in ((folder / "clip.mp4", models_for(somebody())), (takes, None), (None, None)):
        heard = Heard()
        with Phone() if path is None else open_source(path) as source:
            run(PacedSource(source, nap=lambda _: None), Tracker(models), cast, heard)
        for moment in heard.moments:
            (read,), (acted,) = moment.tracked.faces, moment.acted.faces
            expected = read.params.expression if path is None else strengthened(read.params.expression, READ_STRENGTH)
            np.testing.assert_array_equal(acted.params.expression, expected)
        assert heard.moments


def test_the_command_line_leaves_it_to_the_source_or_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = somebody()
    monkeypatch.setattr("commedia.cli.retarget.open_models", lambda *_, **__: models_for(world))
    clip = film(world, tmp_path / "clip.mp4", FRAMES)
    for words, strength in (((), READ_STRENGTH), (("--strength", "1"), 1.0), (("--strength", "1.5"), 1.5)):
        out = tmp_path / f"out {len(words)} {strength}"
        assert main(["retarget", str(clip), "-o", str(out), "--no-preview", "--json", *words]) == 0
        (summary,) = json.loads(capsys.readouterr().out)
        assert (SAID in summary["notes"]) == (not words)
        np.testing.assert_allclose(played(out), strengthened(taken(out), strength), atol=ROUNDED)
