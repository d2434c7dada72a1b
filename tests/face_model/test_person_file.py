"""A person goes into a file and comes back the same; whatever else such a file holds is refused in a sentence."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commedia.conventions import EXPRESSION_COUNT, IDENTITY_COUNT
from commedia.errors import CommediaError, OutputFailed
from commedia.face_model.calibration import Calibration
from commedia.face_model.model import load_head
from commedia.face_model.person import Person
from commedia.face_model.person_file import (
    COLOURS,
    IDENTITY,
    NEUTRAL,
    SHAPES,
    SKIN,
    TREE,
    WRINKLES,
    read_person,
    write_person,
)
from commedia.face_model.wrinkles import WrinkleMap

MUTATIONS = 150


def somebody(seed: int = 0) -> Person:
    rng, mean = np.random.default_rng(seed), load_head().model.mean
    own = {name: rng.normal(0, 0.001, mean.shape).astype(np.float32) for name in ("mouthSmileLeft", "jawOpen")}
    return Person(
        "Ada L.",
        rng.normal(size=IDENTITY_COUNT).astype(np.float32),
        (mean + rng.normal(0, 0.001, mean.shape)).astype(np.float32),
        own,
        rng.integers(0, 255, (16, 16, 3)).astype(np.uint8),
        Calibration(rng.uniform(0, 0.3, EXPRESSION_COUNT), rng.uniform(1, 2, EXPRESSION_COUNT)),
        wrinkles=tuple(
            WrinkleMap(name, {name: 0.5, "jawOpen": 1.0}, rng.integers(0, 255, (8, 8, 3)).astype(np.uint8))
            for name in ("mouthPucker", "browInnerUp")
        ),
    )


def assert_same(found: Person, wanted: Person) -> None:
    assert found.id == wanted.id
    for name in ("identity", "neutral", "albedo"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    assert list(found.blendshapes or {}) == list(wanted.blendshapes or {})
    for name, shape in (wanted.blendshapes or {}).items():
        np.testing.assert_array_equal((found.blendshapes or {})[name], shape)
    assert [(one.name, one.weights) for one in found.wrinkles] == [(one.name, one.weights) for one in wanted.wrinkles]
    for one, other in zip(found.wrinkles, wanted.wrinkles, strict=True):
        np.testing.assert_array_equal(one.change, other.change)
    if wanted.calibration is None:
        assert found.calibration is None
    else:
        assert found.calibration is not None
        np.testing.assert_array_equal(found.calibration.rest, wanted.calibration.rest)
        np.testing.assert_array_equal(found.calibration.gain, wanted.calibration.gain)


def test_everything_that_is_known_comes_back(tmp_path: Path) -> None:
    write_person(tmp_path / "a.commedia", somebody(), {"prior_error": 0.1})
    assert_same(read_person(tmp_path / "a.commedia"), somebody())
    with zipfile.ZipFile(tmp_path / "a.commedia") as archive:
        assert json.loads(archive.read(TREE))["facts"] == {"prior_error": 0.1}


@pytest.mark.parametrize("left", ["identity", "neutral", "blendshapes", "albedo", "calibration"])
def test_what_is_not_known_is_not_known_afterwards(tmp_path: Path, left: str) -> None:
    person = replace(somebody(), **{left: None})
    write_person(tmp_path / "a.commedia", person)
    assert_same(read_person(tmp_path / "a.commedia"), person)


def test_a_file_of_before_there_were_wrinkle_maps_has_none(tmp_path: Path, whole: bytes) -> None:
    def change(parts: dict[str, bytes]) -> None:
        known = json.loads(parts[TREE])
        known.pop("wrinkles")
        parts[TREE] = json.dumps(known).encode()

    (tmp_path / "a.commedia").write_bytes(changed(whole, change))
    assert_same(read_person(tmp_path / "a.commedia"), replace(somebody(), wrinkles=()))


def test_colours_of_vertices_come_back_too(tmp_path: Path) -> None:
    colours = np.random.default_rng(1).uniform(size=load_head().model.mean.shape).astype(np.float32)
    write_person(tmp_path / "a.commedia", replace(somebody(), albedo=colours))
    np.testing.assert_array_equal(read_person(tmp_path / "a.commedia").albedo, colours)


def test_one_person_is_always_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_person(tmp_path / f"{name}.commedia", somebody())
    assert (tmp_path / "a.commedia").read_bytes() == (tmp_path / "b.commedia").read_bytes()


def test_what_was_there_stays_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.commedia"
    write_person(path, somebody(1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OutputFailed, match="No space left"):
        write_person(path, somebody(2))
    assert_same(read_person(path), somebody(1))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.commedia"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "a.commedia"
    write_person(path, somebody())
    return path.read_bytes()


def changed(whole: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The file with other members."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def tree(**facts: object) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        parts[TREE] = json.dumps(json.loads(parts[TREE]) | facts).encode()

    return change


def put(name: str, data: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda parts: parts.__setitem__(name, data)


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return file.getvalue()


def not_a_number(parts: dict[str, bytes]) -> None:
    values = np.frombuffer(parts[NEUTRAL], "<f4").copy()
    values[7] = np.nan
    parts[NEUTRAL] = values.tobytes()


HOSTILE = {
    "no tree": (lambda parts: parts.pop(TREE), "it holds no person.json"),
    "another format": (tree(format="zip"), "does not say 'commedia-person'"),
    "a list": (put(TREE, b"[1]"), "does not say 'commedia-person'"),
    "deep": (put(TREE, b"[" * 200_000), "does not say|damaged"),
    "no json": (put(TREE, b"\xff\xfe"), "damaged"),
    "later": (tree(version=2), "of version 2, and this program reads 1"),
    "other head": (tree(head_sha256="7" * 64), "made for another head model"),
    "no name": (tree(id="  "), "id is no name"),
    "long name": (tree(id="a" * 65), "id is no name"),
    "control letters": (tree(id="a\nb"), "id is no name"),
    "strange shape": (tree(blendshapes=["jawOpen", "tailWag"]), "not names of the 52"),
    "twice": (tree(blendshapes=["jawOpen", "jawOpen"]), "each once"),
    "shapes of a dictionary": (tree(blendshapes={"jawOpen": 1}), "not names of the 52"),
    "too many names": (tree(blendshapes=["jawOpen", "jawLeft", "jawRight"]), "blendshapes.f32 in it has"),
    "no shapes": (lambda parts: parts.pop(SHAPES), "holds no blendshapes.f32"),
    "no calibration": (tree(calibration={"rest": [0] * 51, "gain": [1] * 51}), "damaged"),
    "calibration of words": (tree(calibration={"rest": ["a"] * 52, "gain": [1] * 52}), "damaged"),
    "short": (put(IDENTITY, b"\0" * 196), "identity.f32 in it has 196 bytes, where 200 are expected"),
    "long": (put(IDENTITY, b"\0" * 204), "identity.f32 in it has 204 bytes"),
    "bomb": (put(NEUTRAL, b"\0" * (1 << 22)), "at most 57984 are expected"),
    "not a number": (not_a_number, "numbers that no face has"),
    "huge": (put(IDENTITY, np.full(50, 1e20, "<f4").tobytes()), "numbers that no face has"),
    "wide skin": (put(SKIN, png(8, 4)), "8 x 4 pixels"),
    "large skin": (put(SKIN, png(5000, 5000)), "5000 x 5000 pixels"),
    "no skin": (put(SKIN, b"GIF89a"), "is not a person"),
    "half a skin": (put(SKIN, png(64, 64)[:50]), "is not a person"),
    "wrinkles of a word": (tree(wrinkles="all"), "no list of at most 8 maps"),
    "nine maps": (tree(wrinkles=[{"name": "a", "weights": {}}] * 9), "no list of at most 8 maps"),
    "a map of a tail": (tree(wrinkles=[{"name": "a", "weights": {"tailWag": 1}}]), "not of the 52 blendshapes"),
    "a map of nothing": (tree(wrinkles=[{"name": "a", "weights": {"jawOpen": float("nan")}}]), "not of the 52"),
    "a map of words": (tree(wrinkles=[{"name": "a", "weights": {"jawOpen": "much"}}]), "damaged"),
    "no map": (tree(wrinkles=[{"name": "a", "weights": {}}] * 3), r"holds no wrinkles-2\.png"),
    "large map": (put(WRINKLES.format(0), png(1100, 1100)), "1100 x 1100 pixels"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_wrong_is_said(tmp_path: Path, whole: bytes, what: str) -> None:
    change, says = HOSTILE[what]
    path = tmp_path / "a.commedia"
    path.write_bytes(changed(whole, change))
    with pytest.raises(CommediaError, match=says):
        read_person(path)


@pytest.mark.parametrize("data", [b"", b"PK", b"glTF" + b"\0" * 40])
def test_what_is_no_zip_is_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.commedia").write_bytes(data)
    with pytest.raises(CommediaError, match="is not a person that 'commedia personalize' wrote"):
        read_person(tmp_path / "a.commedia")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommediaError, match="No such file"):
        read_person(tmp_path / "nobody.commedia")


def test_skin_as_colours_of_vertices_is_judged_like_numbers(tmp_path: Path, whole: bytes) -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts.pop(SKIN)
        parts[COLOURS] = b"\0" * 8

    (tmp_path / "a.commedia").write_bytes(changed(whole, change))
    with pytest.raises(CommediaError, match=r"skin\.f32 in it has 8 bytes"):
        read_person(tmp_path / "a.commedia")


def test_damaged_files_are_read_or_refused_in_a_sentence(tmp_path: Path, whole: bytes) -> None:
    path, rng = tmp_path / "a.commedia", np.random.default_rng(3)
    said = []
    for _ in range(MUTATIONS):
        data = bytearray(whole)
        if rng.uniform() < 0.3:
            data = data[: rng.integers(len(data))]
        else:
            # Half of them where the zip says what is in it.
            ends = rng.uniform() < 0.5
            for place in rng.integers(len(data) - 700 if ends else 0, len(data), 3):
                data[place] = rng.integers(256)
        path.write_bytes(bytes(data))
        try:
            read_person(path)
        except CommediaError as error:
            said.append(str(error))
    assert len(said) > MUTATIONS / 2
    assert not any("\n" in sentence for sentence in said)
