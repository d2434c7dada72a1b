"""`commedia personalize` as a user meets it: a rig, a profile that other verbs take, and what can be wrong."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import Person as Actor
from fakes import World
from stage import film, models_for, talking, two_people

from commedia.characters.gltf import read_character
from commedia.characters.open import open_character
from commedia.cli.main import main
from commedia.conventions import EXPRESSION_NAMES
from commedia.face_model.model import load_head
from commedia.face_model.person import Person
from commedia.face_model.person_file import read_person, write_person
from commedia.personal.make import Effort

LEAST = Effort(size_px=32, prior_steps=2, own_steps=2, judge_steps=1)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World([Actor(1, lambda time_s: (160, 120), width_px=100, expression=talking)])
    monkeypatch.setattr("commedia.personal.personalize.open_models", lambda: models_for(world))
    monkeypatch.setattr("commedia.personal.personalize.Effort", lambda: LEAST)
    monkeypatch.setattr("commedia.cli.retarget.open_models", lambda mfn, sfn, flip_average: models_for(world))
    return world


@pytest.fixture(scope="module")
def anna() -> Person:
    """A quarter broader than the head model, in green."""
    head = load_head()
    return Person(
        "anna", None, head.model.mean * np.float32([1.25, 1, 1]), None, np.full((32, 32, 3), (0, 200, 0), np.uint8)
    )


def width_m(path: Path) -> float:
    points = np.concatenate([part.positions for mesh in open_character(path).meshes for part in mesh.primitives])
    return float(np.ptp(points[:, 0]))


def test_a_video_becomes_a_rig_and_a_profile_that_retarget_takes(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, me = film(world, tmp_path / "clip.mp4"), tmp_path / "me.glb"
    assert main(["personalize", str(clip), "-o", str(me)]) == 0
    shown = capsys.readouterr().out
    assert "judged by" in shown
    assert "no smile" in shown
    assert "no open mouth" not in shown
    assert "a likeness" in shown
    assert "plain colours are assumed" in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "me.commedia", "me.glb"]
    assert read_character(me).rig.morph_names == EXPRESSION_NAMES
    person = read_person(me.with_suffix(".commedia"))
    assert person.id == "me"
    assert (
        main(
            [
                "retarget",
                str(clip),
                "-o",
                str(tmp_path / "out"),
                "--no-preview",
                "--person",
                f"{me.with_suffix('.commedia')}",
            ]
        )
        == 0
    )
    assert "has the face of 'me', which is a likeness" in capsys.readouterr().out
    assert width_m(tmp_path / "out" / "person-01.glb") == pytest.approx(width_m(me), abs=1e-5)


def test_the_summary_for_machines_says_all_that_is_printed(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = film(world, tmp_path / "clip.mp4")
    assert main(["personalize", str(clip), "-o", str(tmp_path / "me.commedia"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == [str(tmp_path / "me.commedia")]
    assert told["unseen_frames"] > 0
    assert 0 < told["own_error"] < 1
    assert "no smile" in told["missing"]
    assert told["is_kept"] == (told["own_error"] < told["prior_error"])


@pytest.mark.parametrize("option", [["--character"], ["--person"], ["--cast"]])
def test_anothers_rig_is_played_whichever_way_it_is_given(
    world: World, anna: Person, tmp_path: Path, option: list[str]
) -> None:
    clip, file = film(world, tmp_path / "clip.mp4"), tmp_path / "anna.commedia"
    write_person(file, anna)
    given = [f"1={file}"] if option == ["--cast"] else [str(file)]
    assert main(["retarget", str(clip), "-o", str(tmp_path / "out"), "--no-preview", *option, *given]) == 0
    wide = 1.25 * np.ptp(load_head().model.mean[:, 0])
    assert width_m(tmp_path / "out" / "person-01.glb") == pytest.approx(wide, abs=1e-4)


def test_who_is_meant_is_said_by_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = two_people()
    monkeypatch.setattr("commedia.personal.personalize.open_models", lambda: models_for(world))
    clip = film(world, tmp_path / "clip.mp4")
    assert main(["personalize", str(clip), "-o", str(tmp_path / "a.glb"), "--person", "7"]) == 2
    assert "no person 7 in what was given; people: 1, 2" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


WRONG = {
    "ending": (["-o", "me.obj"], "ends in none of .glb, .usd, .commedia"),
    "format": (["-o", "me.glb", "--formats", "gbl"], "did you mean 'glb'"),
    "there": (["-o", "there.glb"], "is there already; choose another name, or pass --overwrite"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_before_any_work(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.glb").write_bytes(b"mine")
    options, says = WRONG[what]
    assert main(["personalize", "clip.mp4", *options]) == 2
    assert says in capsys.readouterr().err
    assert (tmp_path / "there.glb").read_bytes() == b"mine"


def test_nobody_and_motion_are_said(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world.people.clear()
    clip, motion = film(world, tmp_path / "clip.mp4", 4), tmp_path / "a.csv"
    motion.write_text("time,jawOpen\n0,0\n0.1,0.5\n")
    for given, says in (
        (clip, "nobody's face was found"),
        (motion, "is recorded motion"),
        (tmp_path / "no", "no file"),
    ):
        assert main(["personalize", str(given), "-o", str(tmp_path / "me.glb")]) == 2
        assert says in capsys.readouterr().err
    assert not (tmp_path / "me.glb").exists()


def test_a_profile_beside_another_character_or_look_is_refused(
    anna: Person, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, picture = tmp_path / "anna.commedia", tmp_path / "a.ppm"
    write_person(file, anna)
    picture.write_bytes(b"P6 8 8 255\n" + bytes(192))
    for options, says in (
        (["--character", "orazio"], "both say what everybody plays"),
        (["--look", "mask"], "has a look of its own"),
    ):
        asked = ["retarget", str(picture), "-o", str(tmp_path / "out"), "--person", str(file), *options]
        assert main(asked) == 2
        assert says in capsys.readouterr().err


def test_without_torch_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['torch'] = None; from commedia.cli.main import main; "
        "sys.exit(main(['personalize', 'a.mp4', '-o', 'b.glb']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "commedia: personalizing needs the package 'torch'; install it with: pip install 'commedia[train]'"
    )
