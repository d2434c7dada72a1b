"""Who plays whom, as callers and the command line say it."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rigs import params, small_builder, tracked

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import BadCastEntry, BadCharacter
from commedia.face_model.calibration import Calibration, calibration_read_back
from commedia.retarget import cast as casting
from commedia.retarget.cast import DEFAULT_HEAD, Cast, people_and_default
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.retarget.strength import READ_STRENGTH, strengthened
from commedia.structures import TrackedFrame


def character(name: str, *morphs: str) -> Character:
    return character_from_bytes(small_builder(morphs).to_bytes(), name)


def test_everybody_is_posed_on_their_own_character() -> None:
    hero, villain = character("hero", "jawOpen"), character("villain", "tongueOut", "jawOpen")
    cast = Cast(hero, {2: villain})
    faces = tuple(tracked(params(jawOpen=0.5), person) for person in (1, 2, 3))
    poses = cast.poses(TrackedFrame(0, Fraction(0), faces))
    assert {person: pose.weights.tolist() for person, pose in poses.items()} == {1: [0.5], 2: [0, 0.5], 3: [0.5]}
    assert [cast.role(person).name for person in (1, 2, 3)] == ["hero", "villain", "hero"]
    assert cast.role(2).character_for(np.zeros(50), 2) is villain


def test_who_is_given_nothing_has_a_head_of_their_own() -> None:
    role = Cast(people={2: character("hero", "jawOpen")}).role(1)
    one, other = (role.character_for(np.full(50, value, np.float32), 1) for value in (0.0, 1.0))
    assert (role.name, one.name) == (DEFAULT_HEAD, "person-01")
    assert not np.array_equal(one.meshes[0].primitives[0].positions, other.meshes[0].primitives[0].positions)


def test_a_file_is_read_once_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hero.glb").write_bytes(small_builder(("jawOpen",)).to_bytes())
    opened, original = [], casting.open_character
    monkeypatch.setattr(casting, "open_character", lambda path: opened.append(path) or original(path))
    monkeypatch.chdir(tmp_path)
    cast = Cast("hero.glb", {1: tmp_path / "hero.glb", 2: "./hero.glb"})
    assert len(opened) == 1
    assert cast.role(1) is cast.role(2) is cast.role(9)
    assert cast.people == (1, 2)


def test_a_troupe_gives_everybody_another_character_in_order_of_appearance() -> None:
    cast = Cast("troupe", {5: character("hero", "jawOpen")})
    appeared = [7, 5, 2, 7, 9, 3, 11]
    assert [cast.role(person).name for person in appeared] == [
        *("isabella", "hero", "flaminia", "isabella", "orazio", "leandro", "isabella")
    ]
    assert cast.role(2).character_for(np.zeros(50), 2) is cast.role(2).character is not None
    assert cast.people == (5,)


def test_entries_of_the_command_line() -> None:
    assert people_and_default(()) == ({}, None)
    entries = ("2=a=b.glb", "default=other.glb", "10=c.vrm")
    assert people_and_default(entries) == ({2: Path("a=b.glb"), 10: Path("c.vrm")}, Path("other.glb"))
    assert people_and_default(("troupe", "1=isabella")) == ({1: Path("isabella")}, Path("troupe"))


@pytest.mark.parametrize(
    "entry", ["hero.glb", "1=", "=hero.glb", "0=a.glb", "-1=a.glb", "one=a.glb", "1:a.glb", "²=a", ""]
)
def test_a_malformed_entry_is_named_with_the_form(entry: str) -> None:
    with pytest.raises(BadCastEntry) as caught:
        people_and_default(["3=a.glb", entry])
    assert f"'{entry}' is not of the form PERSON=FILE, such as 1=hero.glb" in str(caught.value)


@pytest.mark.parametrize(
    "entries", [("1=a.glb", "01=b.glb"), ("default=a.glb", "default=a.glb"), ("default=a.glb", "troupe")]
)
def test_nobody_is_cast_twice(entries: tuple[str, str]) -> None:
    with pytest.raises(BadCastEntry, match=f"'{entries[1]}' comes after '.*=a.glb'"):
        people_and_default(entries)


def test_somebody_plays_another_character_from_now_on() -> None:
    hero, villain = character("hero", "jawOpen"), character("villain", "tongueOut", "jawOpen")
    cast = Cast(hero)
    assert cast.role(1).name == cast.role(2).name == "hero"
    assert cast.give(2, villain) is cast.role(2)
    assert [cast.role(person).name for person in (1, 2, 3)] == ["hero", "villain", "hero"]
    with pytest.raises(BadCharacter, match="no file"):
        cast.give(2, Path("nobody.glb"))
    assert cast.role(2).name == "villain"


def test_single_people_have_calibrations_of_their_own() -> None:
    jaw = EXPRESSION_INDEX["jawOpen"]
    rest, gain = np.zeros(52), np.ones(52)
    rest[jaw], gain[jaw] = 0.2, 2.0
    cast = Cast(character("hero", "jawOpen"))
    seen = TrackedFrame(0, Fraction(0), tuple(tracked(params(jawOpen=0.5), person) for person in (1, 2)))
    assert cast.acted(seen) is seen
    cast.calibrations = {2: Calibration(rest, gain)}
    acted = cast.acted(seen)
    assert [face.params.expression[jaw] for face in acted.faces] == [0.5, pytest.approx(0.6)]
    assert seen.faces[1].params.expression[jaw] == 0.5, "what was measured stays"


def test_faces_that_were_read_are_played_stronger_from_the_beginning_of_their_take_on() -> None:
    jaw, seen = EXPRESSION_INDEX["jawOpen"], TrackedFrame(0, Fraction(0), (tracked(params(jawOpen=0.6)),))
    louder = strengthened(seen.faces[0].params.expression, READ_STRENGTH)[jaw]
    cast, told = (Cast(character("hero", "jawOpen"), edit=PerformanceEdit(strength=given)) for given in (None, 1.0))
    assert cast.acted(seen) is seen, "nothing has begun"
    for is_read in (True, False, True):
        cast.begin(is_read=is_read)
        told.begin(is_read=is_read)
        (acted,) = cast.acted(seen).faces
        assert acted.params.expression[jaw] == (louder if is_read else 0.6)
        assert told.acted(seen) is seen
    assert cast.edit == PerformanceEdit(), "what was asked for stays"


def test_a_calibration_comes_before_the_strength() -> None:
    jaw, rest = EXPRESSION_INDEX["jawOpen"], np.zeros(52)
    rest[jaw] = 0.2
    calibration = Calibration(rest, np.ones(52))
    seen = TrackedFrame(0, Fraction(0), (tracked(params(jawOpen=0.6)),))
    cast = Cast(character("hero", "jawOpen"))
    cast.begin(is_read=True)
    cast.calibrations = {1: calibration}
    (acted,) = cast.acted(seen).faces
    expected = strengthened(calibration.applied(seen.faces[0].params.expression), READ_STRENGTH)
    np.testing.assert_array_equal(acted.params.expression, expected)


def test_whose_range_is_known_is_played_as_far_as_they_went() -> None:
    """They are full where they were full, and so not too soft. A neutral face alone tells no range."""
    seen, rest = TrackedFrame(0, Fraction(0), (tracked(params(jawOpen=0.4)),)), np.full(52, 0.1)
    neutral, ranged = (calibration_read_back(rest, np.full(52, gain)) for gain in (round(1 / 0.9, 5), 2.0))
    assert (neutral.knows_range, ranged.knows_range) == (False, True)
    for calibration, asked, strength in (
        (neutral, None, READ_STRENGTH), (ranged, None, 1.0), (ranged, 2.0, 2.0), (neutral, 1.0, 1.0)
    ):  # fmt: skip
        cast = Cast(edit=PerformanceEdit(calibration, strength=asked))
        cast.begin(is_read=True)
        (face,) = cast.acted(seen).faces
        expected = strengthened(calibration.applied(seen.faces[0].params.expression), strength)
        np.testing.assert_allclose(face.params.expression, expected, atol=1e-12)
        assert cast.strength == strength
