"""A large OBJ file that is wrong late is refused at once, and one that its reader would take is never refused."""

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from commedia.characters import obj_survey
from commedia.characters.obj import MAX_VERTICES, read_neutral
from commedia.characters.obj_survey import CHUNK, survey
from commedia.errors import BadCharacter
from commedia.geometry.wavefront import MAX_BYTES, read_obj

SECONDS, BYTES = 1.0, 200_000_000
SQUARE = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
MANY = 300_000

LATE = {
    "NaN": (b"v 0 nan 0\n", "line 600001: 'v 0 nan 0' cannot be read as a vertex"),
    "infinity": (b"v inf 0 0\n", "cannot be read as a vertex"),
    "words": (b"v a b c\n", "cannot be read as a vertex"),
    "two coordinates": (b"v 1 2\n", "'v 1 2' cannot be read as a vertex"),
    "no coordinates": (b"v \n", "line 600001: 'v' cannot be read as a vertex"),
    "an index beyond": (b"f 1 2 300001\n", "line 600001: a face names vertex 300,001 of 300,000"),
    "an index far beyond": (b"f 1/1 99999999999999/2 3/3\n", "a face names vertex 999,999,999 of 300,000"),
    "half a vertex": (b"f 1 2 3.5\n", "'f 1 2 3.5' cannot be read as a face"),
    "a face of two": (b"f 1 2\n", "'f 1 2' cannot be read as a face"),
    "vertex 0": (b"f 1 2 0\n", "'f 1 2 0' cannot be read as a face"),
}


@pytest.fixture(scope="module")
def large() -> bytes:
    """Twenty megabytes and more that could be read."""
    places = "".join(f"v {number % 97}.123456 {number % 89}.5 -{number % 83}.25e-2\n" for number in range(MANY))
    faces = "".join(
        f"f {number}/{number}/1 {number + 1}/{number}/1 {number + 2}/{number}/1\n" for number in range(1, MANY - 1)
    )
    return f"{places}{faces}# here\nusemtl faces\n".encode()


@pytest.mark.parametrize("kind", LATE)
def test_what_is_wrong_late_is_said_early(kind: str, large: bytes, tmp_path: Path) -> None:
    line, says = LATE[kind]
    path = tmp_path / "large.obj"
    path.write_bytes(large + line)
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(BadCharacter, match=says) as said:
            read_neutral(path)
        assert time.process_time() - start < SECONDS
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()
    assert "\n" not in str(said.value)


def test_a_large_file_that_can_be_read_is_not_refused(large: bytes, tmp_path: Path) -> None:
    assert len(large) < MAX_BYTES
    (tmp_path / "large.obj").write_bytes(large)
    found = survey(tmp_path / "large.obj", MAX_VERTICES)
    assert (found.vertices, found.largest, found.wrong) == (MANY, MANY, "")
    assert (found.lines, found.doubts) == (large.count(b"\n"), 0)


def _random_file(rng: np.random.Generator) -> bytes:
    """Lines as files have them and as nobody would write them, some broken; ends of all systems, a cut at the end."""
    kinds = [
        *(b"v 1 2 3", b"v  -1.5e-3\t+2 .5", b" v 1 2 3 0.5 0.5 0.5", b"v 1_0 2 3 # remark", b"v 0 0 0 red"),
        *(b"vn 0 0 1", b"vt 0.5 0.5", b"# v nan 0 0", b"usemtl f 99 99 99", b"", b"  ", b"o v", b"s off", b"vp 1"),
        *(
            b"f 1 2 3",
            b"f 1/1/1 2//2 3/3",
            b"\tf -1 -2 -3",
            b"f 3 2 1 4",
            b"f +1 2 003",
            b"fo 9 9 9",
            b"#" + b"x" * 400,
        ),
    ]
    wrong = [
        b"v nan 0 0",
        b"v 1 2",
        b"v",
        b"f",
        b"f 1 2",
        b"f 1 2 0",
        b"f 1 2 77777",
        b"f 1 2 x",
        b"v 1 2 -",
        b"f a b c",
    ]
    lines = [b"v 0 0 0"] * 4 + [kinds[number] for number in rng.integers(0, len(kinds), 60)]
    if rng.random() < 0.5:
        lines.insert(int(rng.integers(4, 60)), wrong[rng.integers(0, len(wrong))])
    ends = [b"\n", b"\r\n", b"\r"][rng.integers(0, 3)]
    return ends.join(lines) + (ends if rng.random() < 0.5 else b"")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("chunk", [150, CHUNK])
def test_it_refuses_nothing_that_its_reader_takes(
    seed: int, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(obj_survey, "CHUNK", chunk)
    rng, path, refused = np.random.default_rng(seed), tmp_path / "a.obj", 0
    for _ in range(20):
        path.write_bytes(_random_file(rng))
        found = survey(path, MAX_VERTICES)
        try:
            surface = read_obj(path, BadCharacter)
        except BadCharacter:
            refused += bool(found.wrong)
            continue
        assert found.wrong == ""
        assert found.vertices == len(surface.positions)
        named = max((max(face) + 1 for face in surface.faces), default=0)
        assert found.largest <= named <= found.vertices
    assert refused > 2


def test_a_line_without_end_is_no_other_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after the first megabyte of a remark is still the remark."""
    monkeypatch.setattr(obj_survey, "CHUNK", 1 << 14)
    path = tmp_path / "a.obj"
    path.write_bytes(SQUARE + b"#" + b" f 9 9 9 v nan nan nan" * 4_000 + b"\nf 1 2 3\n")
    assert survey(path, MAX_VERTICES).wrong == ""
    assert len(read_obj(path, BadCharacter).faces) == 1
