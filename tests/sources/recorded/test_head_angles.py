"""Head angles come out in the unit they were written in, and where nothing shows it the notes say so."""

import math
from pathlib import Path

import numpy as np
import pytest

from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.sources.open import open_source

from .recordings import head, read, write

COUNT = 60
NAMES = ("HeadYaw", "HeadPitch", "HeadRoll")


def calm(index: int) -> tuple[float, float, float]:
    """Degrees of a head that hardly moves: a degree and a half either way."""
    return 1.5 * math.sin(index / 9), 0.75, -0.4


def lively(index: int) -> tuple[float, float, float]:
    return 30 * math.sin(index / 9), 10 * math.sin(index / 5), -6.0


def table(path: Path, motion, unit: float, names=NAMES, more=None) -> Path:
    """A table of `motion` in degrees, written times `unit`; `more` gives further columns by name."""
    more = more or {}
    lines = [",".join(["time", "jawOpen", *names, *more])]
    for index in range(COUNT):
        angles = [f"{unit * angle:.6f}" for angle in motion(index)]
        cells = [f"{index / 30:.4f}", "0.2", *angles, *(f"{column(index):.6f}" for column in more.values())]
        lines.append(",".join(cells))
    return write(path, "\n".join(lines) + "\n")


def check(path: Path, motion, **options) -> list[str]:
    source, frames = read(path, **options)
    turned = np.rad2deg([yaw_pitch_roll_from_wxyz(head(frame)) for frame in frames])
    np.testing.assert_allclose(turned, [motion(index) for index in range(COUNT)], atol=1e-3)
    return source.notes


RADIANS, DEGREES = math.pi / 180, 1.0


@pytest.mark.parametrize("unit", [RADIANS, DEGREES])
def test_a_lively_head_shows_its_unit(unit: float, tmp_path: Path) -> None:
    notes = check(table(tmp_path / "a.csv", lively, unit), lively)
    assert any("read as degrees" in note for note in notes) == (unit == DEGREES)


@pytest.mark.parametrize("unit", [RADIANS, DEGREES])
@pytest.mark.parametrize(
    "form", ["Head{}_{}", "head_{}_{}", "Head {} ({})", "head{}{}", "{}[{}]", "pose_{}_{}", "Head.{} ({})"]
)
def test_names_say_the_unit(form: str, unit: float, tmp_path: Path) -> None:
    word = "rad" if unit == RADIANS else "deg"
    names = [form.format(angle, word) for angle in ("Yaw", "Pitch", "Roll")]
    notes = check(table(tmp_path / "a.csv", calm, unit, names), calm)
    assert not any("angles" in note for note in notes), "nothing was assumed"


def test_a_degree_sign_is_a_unit(tmp_path: Path) -> None:
    check(table(tmp_path / "a.csv", calm, DEGREES, ["Yaw (°)", "Pitch (°)", "Roll (°)"]), calm)


@pytest.mark.parametrize("unit", [RADIANS, DEGREES])
def test_eyes_say_the_unit_of_a_calm_head(unit: float, tmp_path: Path) -> None:
    def look(index: int) -> float:
        return 0.3 + 0.2 * math.sin(index / 7)

    more = {
        "eyeLookOutLeft": look,
        "eyeLookInLeft": lambda index: 0.0,
        "LeftEyeYaw": lambda index: unit * 35 * look(index),
    }
    check(table(tmp_path / "a.csv", calm, unit, more=more), calm)


def test_whole_numbers_are_degrees(tmp_path: Path) -> None:
    def whole(index: int) -> tuple[float, float, float]:
        return float(index % 3 - 1), 1.0, 0.0

    notes = check(table(tmp_path / "a.csv", whole, DEGREES), whole)
    assert "its head angles are whole numbers, so they were read as degrees; --angles settles it" in notes


def test_no_neck_is_so_fast(tmp_path: Path) -> None:
    def quick(index: int) -> tuple[float, float, float]:
        return 1.4 * math.sin(1.3 * index), 0.2, 0.1

    notes = check(table(tmp_path / "a.csv", quick, DEGREES), quick)
    assert any("faster than a head turns in radians" in note for note in notes)


def test_a_calm_beginning_does_not_decide(tmp_path: Path) -> None:
    lines = ["time,jawOpen,HeadYaw"]
    lines += [f"{index / 30:.4f},0.2,{0.5 if index < 270 else 25}" for index in range(280)]
    _, frames = read(write(tmp_path / "a.csv", "\n".join(lines)))
    assert np.rad2deg(yaw_pitch_roll_from_wxyz(head(frames[-1])))[0] == pytest.approx(25)


def test_without_evidence_the_notes_say_what_was_assumed_and_an_option_settles_it(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", calm, DEGREES)
    source = open_source(path)
    assert any("were taken for radians; --angles settles it" in note for note in source.notes)
    assert not any("--angles" in note for note in check(path, calm, angles="degrees"))
