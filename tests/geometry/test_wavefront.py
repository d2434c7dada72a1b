"""An OBJ file is read by the words of its format, and one that lies is one sentence, whoever asked for it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from commedia.characters.obj import read_neutral
from commedia.errors import BadCharacter, CommediaError
from commedia.face_model.formats.archives import read_positions, read_surface
from commedia.face_model.formats.source import BadFaceModel
from commedia.geometry import wavefront
from commedia.geometry.wavefront import read_obj

SQUARE = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
READERS = ((read_neutral, BadCharacter), (read_surface, BadFaceModel))
NOISE = np.random.default_rng(11).integers(0, 256, 1 << 20, dtype=np.uint8).tobytes()

HOSTILE: tuple[tuple[str, bytes, str], ...] = (
    ("a coordinate that is no number", SQUARE + b"v nan 0 0\nf 1 2 3", "line 5: a coordinate is not a finite number"),
    ("an infinite coordinate", b"v 0 0 -inf\n" + SQUARE, "line 1: a coordinate is not a finite number"),
    ("a coordinate beyond all numbers", SQUARE + b"v 0 1e999 0\nf 1 2 3", "not a finite number"),
    ("a coordinate beyond all heads", SQUARE + b"v 0 2e9 0\nf 1 2 3", r"or beyond 1e\+09"),
    ("two coordinates", SQUARE + b"v 1 2\nf 1 2 3", "line 5: a vertex has 2 of its 3 coordinates"),
    ("no coordinates", SQUARE + b"v\nf 1 2 3", "a vertex has 0 of its 3 coordinates"),
    ("words", SQUARE + b"v a b c\nf 1 2 3", "line 5: could not convert"),
    ("a vertex beyond the last", SQUARE + b"f 1 2 9", "has the face 1-2-9, and 4 vertices to make it of"),
    ("a vertex before the first", SQUARE + b"f -5 1 2", "has the face 0-1-2, and 4 vertices to make it of"),
    ("vertex 0", SQUARE + b"f 0 1 2\n" + SQUARE, "line 5: a face names vertex 0; they count from 1"),
    ("a number of 4000 digits", SQUARE + b"f 1 2 " + b"9" * 4000, "the face 1-2-999999999999, and 4 vertices"),
    ("a face of one vertex", SQUARE + b"f 1 2 3\nf 1", "line 6: a face needs 3 to 100 corners, and this one has 1"),
    ("a face of two vertices", SQUARE + b"f 1 2", "and this one has 2"),
    ("a face of 101 vertices", SQUARE + b"f" + b" 1" * 101, "and this one has 101"),
    ("half a vertex", SQUARE + b"f 1 2 3.5", "line 5: invalid literal"),
    ("a corner without a vertex", SQUARE + b"f 1 2 /3", "line 5: invalid literal"),
    ("binary junk", NOISE, "has no vertices, so it is not an OBJ file"),
    ("binary junk after a vertex", SQUARE + b"v " + NOISE, "line 5: "),
    ("binary junk after a face", SQUARE + b"f " + NOISE, "line 5: "),
    ("two points", SQUARE[:16] + b"f 1 2 1", "has 2 vertices, so it is not an OBJ file of a face"),
    ("nothing", b"", "has no vertices, so it is not an OBJ file of a face"),
)


@pytest.mark.parametrize(("reader", "error"), READERS, ids=["character", "face model"])
@pytest.mark.parametrize(("data", "said"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_hostile_file_is_refused_in_one_sentence(
    reader: Callable[[Path], object], error: type[CommediaError], data: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "face.obj"
    path.write_bytes(data)
    with pytest.raises(error, match=said) as refused:
        reader(path)
    text = str(refused.value)
    assert str(path) in text
    assert text.isprintable()
    assert len(text.replace(str(path), "")) < 220


@pytest.mark.parametrize(
    ("start", "rest", "count", "said"),
    [
        (b"v ", b"1 ", 49_999_999, "line 1: it has 100,000,000 bytes; a vertex or a face may have at most 4,096"),
        (SQUARE + b"f ", b"1 ", 49_999_983, "line 5: it has 99,999,968 bytes; a vertex or a face may have"),
        (b"", b"xy", 50_000_000, "has no vertices, so it is not an OBJ file"),
        (b"", b"\n\n", 50_000_000, "more lines than the 10,000,000 that an OBJ file may have"),
        (b"xy", b"xy", 50_000_000, "has 100,000,002 bytes; an OBJ file may have at most 100,000,000"),
    ],
    ids=["one vertex", "one face", "no word", "no lines", "too many bytes"],
)
def test_100_mb_of_nothing_are_refused(start: bytes, rest: bytes, count: int, said: str, tmp_path: Path) -> None:
    path = tmp_path / "face.obj"
    path.write_bytes(start + rest * count)
    with pytest.raises(BadCharacter, match=said):
        read_obj(path, BadCharacter)
    path.unlink()


@pytest.mark.parametrize(("reader", "error"), READERS, ids=["character", "face model"])
def test_what_is_no_file_is_said(reader: Callable[[Path], object], error: type[CommediaError], tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.obj"):
        with pytest.raises(error, match=r"there is no file .*; expected an OBJ file"):
            reader(path)


def test_more_vertices_than_any_face_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "face.obj"
    path.write_bytes(SQUARE)
    monkeypatch.setattr(wavefront, "MAX_VERTICES", 4)
    assert len(read_obj(path, BadCharacter).positions) == 4
    monkeypatch.setattr(wavefront, "MAX_VERTICES", 3)
    with pytest.raises(BadCharacter, match="line 4: one vertex more than the 3 that are read"):
        read_obj(path, BadCharacter)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["unix", "windows", "old mac"])
def test_lines_other_than_vertices_and_faces_are_skipped(end: bytes, tmp_path: Path) -> None:
    lines = [
        *(b"# v 9 9 9", b"mtllib a.mtl", b"o face", b"f 1/1/1 2//2 3", b"  v 0 0 0 0.5 0.5 0.5", b"v\t1e0  0\t0 1"),
        *(b"vt 0 0", b"vn nan 0 1", b"v 1 1 0", b"", b"v 0 1 -.5", b"f -4 -3 -2 -1", b"#" * 10_000, b"v 5 5 5"),
    ]
    path = tmp_path / "face.obj"
    path.write_bytes(end.join(lines))
    surface = read_obj(path, BadCharacter)
    np.testing.assert_array_equal(surface.positions, [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, -0.5), (5, 5, 5)])
    assert surface.faces == [(0, 1, 2), (0, 1, 2, 3)]
    np.testing.assert_array_equal(surface.triangles(), [(0, 1, 2), (0, 1, 2), (0, 2, 3)])


def test_faces_that_nobody_asks_for_are_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "face.obj"
    path.write_bytes(SQUARE + b"f 1 2 x\nf 1 2 9")
    np.testing.assert_array_equal(read_positions(path), [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)])


def test_a_file_without_faces_has_no_triangles(tmp_path: Path) -> None:
    path = tmp_path / "face.obj"
    path.write_bytes(SQUARE)
    _, triangles = read_surface(path)
    assert triangles.shape == (0, 3)
