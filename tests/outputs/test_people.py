"""Which formats a person can become, and what is refused before any work is done."""

from pathlib import Path

import pytest
from PIL import Image
from stage import film, models_for, picture, two_people

from commedia.errors import CommediaError, UnknownName
from commedia.outputs import people
from commedia.outputs.people import DEFAULT_FORMATS, FORMATS, check_formats
from commedia.outputs.results import is_result
from commedia.pipeline import retarget


def test_an_unknown_format_names_what_exists_and_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"unknown format 'bhv'; did you mean 'bvh'\? known: glb, csv, bvh"):
        check_formats(("glb", "bhv"), is_still=False)
    with pytest.raises(CommediaError, match="no format"):
        check_formats((), is_still=True)
    check_formats(DEFAULT_FORMATS, is_still=False)


def test_every_format_is_written_and_counts_as_a_result(tmp_path: Path) -> None:
    world = two_people()
    possible = [name for name in FORMATS if _possible(name)]
    out = tmp_path / "out"
    clip = film(world, tmp_path / "clip.mp4", 8)
    summary = retarget(clip, out, models=models_for(world), preview=False, formats=possible)
    files = [path.name for path in summary.people[0].files]
    assert len(set(files)) == len(files)
    assert set(files) == {path.name for path in out.iterdir()} - {"take.jsonl"}
    assert all(is_result(name) for name in files)
    assert {f"person-01.{name}" for name in possible} <= set(files)


def test_what_is_refused_leaves_nothing_and_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commedia.outputs.results.PeopleSink", lambda *_, **__: pytest.fail("work was begun"))
    world = two_people()
    clip = film(world, tmp_path / "clip.mp4", 4)
    with pytest.raises(UnknownName):
        retarget(clip, tmp_path / "out", models=models_for(world), formats=["mp3"])
    assert not (tmp_path / "out").exists()


def _possible(name: str) -> bool:
    try:
        people.FORMATS[name].require()
    except CommediaError:
        return False
    return not people.FORMATS[name].stills_only


def test_a_photo_becomes_vertices(tmp_path: Path) -> None:
    world = two_people()
    Image.fromarray(picture(world, 0)).save(tmp_path / "a.png")
    summary = retarget(
        tmp_path / "a.png", tmp_path / "out", models=models_for(world), preview=False, formats=["obj", "pc2", "obj"]
    )
    (person,) = summary.people
    names = [path.name for path in person.files]
    assert names == ["person-01.obj", "person-01-0000.obj", "person-01.pc2"]
    neutral, posed = (path.read_text().count("\nv ") for path in person.files[:2])
    assert neutral == posed > 1000
    assert person.files[0].read_text() != person.files[1].read_text()
