"""The sentence, end to end: from a file to characters, with fakes in place of the networks."""

import json
import weakref
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fakes import FPS, Person, World
from livelink_table import read_livelink_csv
from PIL import Image
from stage import CLIP_FRAMES, film, models_for, picture, talking, two_people

from commedia import pipeline
from commedia.calibration import calibrate
from commedia.characters.gltf import read_character
from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import BadCharacter, OutputFailed, UnreadableMedia
from commedia.face_model.calibration import calibration_from
from commedia.faces.crop import Crop
from commedia.folder import retarget_folder
from commedia.formats.take import TakeReader
from commedia.pipeline import retarget, track
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.sources.ahead import AHEAD
from commedia.sources.open import open_source
from commedia.tracking.models import LargestFaces, Models


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("done")
    world = two_people()
    progress = []
    summary = retarget(
        film(world, folder / "clip.mp4"),
        folder / "out",
        models=models_for(world),
        progress=lambda done, expected: progress.append((done, expected)),
    )
    return folder / "out", summary, progress


def test_every_result_is_there_and_nothing_else(done):
    output, summary, _ = done
    expected = ["person-01.csv", "person-01.glb", "preview.mp4", "report.html", "take.jsonl"]
    assert sorted(path.name for path in output.iterdir()) == expected
    assert sorted(path.name for path in summary.files) == expected
    assert all(path.is_file() for path in summary.files)


def test_the_summary_says_who_was_seen_and_when(done):
    _, summary, _ = done
    assert summary.frames == CLIP_FRAMES
    assert summary.duration_s == pytest.approx((CLIP_FRAMES - 1) / FPS)
    one, two = summary.people
    assert (one.id, one.tracked_frames, one.first_s) == (1, CLIP_FRAMES, 0)
    assert (two.id, two.tracked_frames, two.files) == (2, CLIP_FRAMES // 3, ())
    assert two.first_s == pytest.approx(CLIP_FRAMES // 3 / FPS)
    assert any("only in the take: person 2" in note for note in summary.notes)


def test_progress_counts_every_frame_of_both_readings(done):
    assert done[2] == [(index + 1, 2 * CLIP_FRAMES) for index in range(2 * CLIP_FRAMES)]


def test_the_take_holds_every_frame_in_exact_time(done):
    frames = list(TakeReader(done[0] / "take.jsonl"))
    assert [(frame.index, frame.time_s) for frame in frames] == [(i, Fraction(i, FPS)) for i in range(CLIP_FRAMES)]
    assert [face.id for face in frames[CLIP_FRAMES // 2].faces] == [1, 2]
    assert {face.status for frame in frames[-3:] for face in frame.faces if face.id == 2} <= {"held", "fading"}


def test_the_table_has_one_row_per_frame_and_says_what_the_person_did(done):
    table = read_livelink_csv(done[0] / "person-01.csv", Fraction(FPS))
    assert table.milliframes.tolist() == [1000 * index for index in range(CLIP_FRAMES)]
    spoken = table.expression[:, EXPRESSION_INDEX["jawOpen"]]
    truth = np.array([talking(index / FPS)[EXPRESSION_INDEX["jawOpen"]] for index in range(CLIP_FRAMES)])
    assert np.corrcoef(spoken, truth)[0, 1] > 0.9


def test_the_character_carries_the_clip(done):
    character = read_character(done[0] / "person-01.glb")
    (clip,) = character.document.json["animations"]
    accessor = character.document.json["accessors"][clip["samplers"][0]["input"]]
    assert accessor["count"] == CLIP_FRAMES
    assert accessor["max"] == [pytest.approx((CLIP_FRAMES - 1) / FPS)]


def test_clips_of_late_people_are_as_long_and_begin_neutral(tmp_path: Path):
    late = World([Person(1, lambda time_s: (150, 120) if time_s >= 0.3 else None, width_px=60, expression=talking)])
    retarget(film(late, tmp_path / "a.mp4", 30), tmp_path / "out", models=models_for(late), preview=False)
    tree = read_character(tmp_path / "out" / "person-01.glb").document.json
    times = tree["accessors"][tree["animations"][0]["samplers"][0]["input"]]
    # Neutral at 0 and just before the first appearance, then a key per frame.
    assert times["count"] == 2 + 21
    assert (times["min"], times["max"]) == ([0.0], [pytest.approx(29 / FPS)])
    table = read_livelink_csv(tmp_path / "out" / "person-01.csv", Fraction(FPS))
    assert len(table.milliframes) == 30
    assert not table.expression[:9].any()
    assert table.expression[9:].any()


def test_a_second_run_is_refused_or_replaces(tmp_path: Path):
    world = two_people()
    clip, output = film(world, tmp_path / "clip.mp4", 6), tmp_path / "out"
    output.mkdir()
    (output / "person-07.glb").write_text("of an earlier run")
    (output / "mine.txt").write_text("keep")
    with pytest.raises(OutputFailed, match=r"holds results of an earlier run \(person-07\.glb\).*--overwrite"):
        retarget(clip, output, models=models_for(world), preview=False)
    retarget(clip, output, models=models_for(world), preview=False, overwrite=True)
    assert sorted(path.name for path in output.iterdir()) == [
        "mine.txt", "person-01.csv", "person-01.glb", "take.jsonl"
    ]  # fmt: skip


def test_threads_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    world = two_people()
    clip = film(world, tmp_path / "clip.mp4", 8)
    retarget(clip, tmp_path / "threads", models=models_for(world))
    run = pipeline.run
    monkeypatch.setattr(pipeline, "run", lambda *given, read_ahead, **settings: run(*given, **settings))
    retarget(clip, tmp_path / "alone", models=models_for(world))
    names = [sorted(path.name for path in (tmp_path / folder).iterdir()) for folder in ("threads", "alone")]
    assert names[0] == names[1]
    assert {"preview.mp4", "take.jsonl", "person-01.glb"} <= set(names[0])
    for name in names[0]:
        assert (tmp_path / "threads" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes(), name


def test_nobody_in_the_picture_is_a_result(tmp_path: Path):
    world = World([])
    summary = retarget(film(world, tmp_path / "a.mp4", 8), tmp_path / "out", models=models_for(world))
    assert sorted(path.name for path in summary.files) == ["preview.mp4", "report.html", "take.jsonl"]
    assert summary.people == ()
    assert "no face found" in summary.notes[0]
    assert [frame.faces for frame in TakeReader(tmp_path / "out" / "take.jsonl")] == [()] * 8
    with open_source(tmp_path / "out" / "preview.mp4") as preview:
        assert len(list(preview)) == 8


def test_a_photo_gives_a_still_character(tmp_path: Path):
    world = two_people()
    Image.fromarray(picture(world, CLIP_FRAMES // 2)).save(tmp_path / "a.png")
    summary = retarget(tmp_path / "a.png", tmp_path / "out", models=models_for(world))
    assert [bool(person.files) for person in summary.people] == [True, True]
    assert (tmp_path / "out" / "preview.jpg").is_file()


def test_pictures_of_a_folder_stand_alone(tmp_path: Path):
    world = World(two_people().people[:1])
    pictures = tmp_path / "in"
    pictures.mkdir()
    for name in ("b2.png", "b10.png", "same.png", "same.bmp"):
        Image.fromarray(picture(world, 0)).save(pictures / name)
    (pictures / "broken.jpg").write_text("no picture")
    summaries = retarget_folder(pictures, tmp_path / "out", models=models_for(world), preview=False)
    assert [summary.output.name for summary in summaries] == ["b2", "b10", "same.bmp", "same.png"]
    assert all([person.id for person in summary.people] == [1] for summary in summaries)
    assert "broken.jpg" in summaries[-1].notes[-1]
    assert [len(frame.faces) for frame in track(pictures, models=models_for(world))] == [1, 1, 1, 1]


@pytest.mark.parametrize("failure", ["capture", "character", "disk", "interrupt"])
def test_after_a_failure_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str):
    world = two_people()
    clip, output, character = film(world, tmp_path / "a.mp4", 6), tmp_path / "deep" / "out", None
    kind = {"capture": UnreadableMedia, "character": BadCharacter, "disk": OutputFailed, "interrupt": KeyboardInterrupt}
    if failure == "capture":
        clip.write_text("no video")
    if failure == "character":
        character = tmp_path / "hero.glb"
        character.write_text("no character")
    if failure == "disk":
        fill_the_disk(monkeypatch)

    def progress(done: int, expected: int | None) -> None:
        if failure == "interrupt" and done == 4:
            raise KeyboardInterrupt

    with pytest.raises(kind[failure]):
        retarget(clip, output, character=character, models=models_for(world), preview=False, progress=progress)
    left = sorted(path.name for path in tmp_path.rglob("*"))
    assert left == sorted(["a.mp4", *(["hero.glb"] if failure == "character" else [])])


def fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for what in ("spool.TakeSpool.add", "take.TakeWriter.add"):
        monkeypatch.setattr(f"commedia.outputs.{what}", out_of_disk)


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    world = two_people()
    fill_the_disk(monkeypatch)
    with pytest.raises(OutputFailed, match=r"cannot write results to '.*out': No space left on device; what was there"):
        retarget(film(world, tmp_path / "a.mp4", 6), tmp_path / "out", models=models_for(world), preview=False)


def test_only_the_largest_faces_are_kept(tmp_path: Path):
    world = two_people()
    everyone = models_for(world)
    models = Models(LargestFaces(everyone.detector, 1), everyone.regressor)
    frames = list(track(film(world, tmp_path / "a.mp4"), models=models))
    assert {face.id for frame in frames for face in frame.faces} == {1}


def test_frames_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    world = two_people()
    alive: list[weakref.ref] = []
    most = 0

    # The regressor sees every frame that shows somebody, the detector does not.
    class Watching(type(models_for(world).regressor)):
        def regress(self, image: np.ndarray, crops: list[Crop]):
            nonlocal most
            alive.append(weakref.ref(image))
            most = max(most, sum(reference() is not None for reference in alive))
            return super().regress(image, crops)

    models = Models(models_for(world).detector, Watching(world))
    retarget(film(world, tmp_path / "a.mp4", 32), tmp_path / "out", models=models, preview=False)
    assert len(alive) == 32
    # What is tracked waits to be taken; one is on its way there, and one with whoever took the last. The tracker waits
    # one frame for confirmations, and reads one.
    assert most <= AHEAD + 4


def test_the_summary_is_plain_json(done):
    tree = json.loads(json.dumps(done[1].to_json()))
    assert tree["people"][0]["id"] == 1
    assert tree["frames"] == CLIP_FRAMES


def test_characters_play_what_was_calibrated_and_mirrored_and_the_take_keeps_what_was_seen(tmp_path: Path):
    """Somebody whose jaw hangs at 0.2 and whose smile is one-sided."""

    def lopsided(time_s: float) -> np.ndarray:
        expression = np.zeros(52, np.float32)
        expression[EXPRESSION_INDEX["jawOpen"]] = 0.2
        expression[EXPRESSION_INDEX["mouthSmileLeft"]] = 0.6
        return expression

    world = World([Person(1, lambda time_s: (100, 120), width_px=60, expression=lopsided)])
    video, models = film(world, tmp_path / "clip.mp4"), models_for(world)
    rest = np.zeros(52, np.float32)
    rest[EXPRESSION_INDEX["jawOpen"]] = 0.2
    calibration = calibration_from([rest])
    edit = PerformanceEdit(calibration, mirror=True, strength=1.0)
    retarget(video, tmp_path / "out", models=models, preview=False, edit=edit)
    played = read_livelink_csv(tmp_path / "out" / "person-01.csv").expression
    taken = [frame.faces[0].params.expression for frame in TakeReader(tmp_path / "out" / "take.jsonl")]
    for name, seen, shown in (("jawOpen", 0.2, 0), ("mouthSmileLeft", 0.6, 0), ("mouthSmileRight", 0, 0.6)):
        index = EXPRESSION_INDEX[name]
        np.testing.assert_allclose([expression[index] for expression in taken], seen, atol=0.02)
        np.testing.assert_allclose(played[:, index], shown, atol=0.02)


def test_a_recording_calibrates_by_whoever_is_seen_longest(tmp_path: Path):
    world = two_people()
    video, models = film(world, tmp_path / "clip.mp4"), models_for(world)
    learned = calibrate(video, models=models)
    longest = [frame.faces[0].params.expression for frame in track(video, models=models)]
    np.testing.assert_allclose(learned.rest, calibration_from(longest).rest, atol=1e-6)
    assert learned.rest[EXPRESSION_INDEX["jawOpen"]] > 0.1
