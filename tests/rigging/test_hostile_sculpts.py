"""Sculpts made to hurt, given to `rig map` and `rig make`: refused before anything is drawn, at once and for little.

Seconds are the process's own, because other programs make a test wait; memory is what Python and numpy allocate.
"""

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from commedia.errors import CommediaError
from commedia.geometry.wavefront import MAX_BYTES
from commedia.rigging.make import make_rig
from commedia.rigging.map import map_rig

SECONDS, BYTES = 1.0, 200_000_000
SQUARE = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
FACE = b"f 1 2 3 4\n"
GOOD = SQUARE + FACE

NEUTRALS: dict[str, tuple[Callable[[], bytes], str]] = {
    "an index beyond": (lambda: SQUARE + b"f 1 2 5\n", "has the face 1-2-5, and 4 vertices"),
    "an index far beyond": (lambda: SQUARE + b"f 1 2 99999999999999999999\n", "vertices to make it of"),
    "an index before the first": (lambda: SQUARE + b"f -1 -2 -5\n", "vertices to make it of"),
    "NaN": (lambda: b"v nan 0 0\n" + GOOD, "not a finite number"),
    "without end": (lambda: b"v 0 -inf 0\n" + GOOD, "not a finite number"),
    "beyond all measure": (lambda: b"v 1e308 0 0\n" + GOOD, "not a finite number, or beyond"),
    "a billion vertices, it says": (lambda: b"# 1000000000 vertices\nvertices 1000000000\n" + SQUARE, "no faces"),
    "a billion vertices to come": (lambda: b"v 0 0 0\n" + b"f 1 500000000 1000000000\n", "vertices"),
    "more vertices than are read": (lambda: b"v 0 0 0\n" * 1_000_001 + FACE, "more than 1,000,000 vertices"),
    "more vertices, spaced oddly": (lambda: b" v\f0\t0\v0\n" * 1_000_001 + FACE, "more than 1,000,000 vertices"),
    "a vertex of ten million bytes": (lambda: GOOD + b"v " + b"1" * 10_000_000 + b" 0 0\n", "bytes"),
    "a face of ten million bytes": (lambda: SQUARE + b"f" + b" 1" * 5_000_000 + b"\n", "bytes"),
    "a remark of ten million bytes": (lambda: b"#" + b"v" * 10_000_000 + b"\n" + SQUARE, "no faces"),
    "the same face for ever": (lambda: SQUARE + FACE * 100_000, "can carry"),
    "no area": (lambda: b"v 0 0 0\n" * 4 + FACE, "none has an area"),
    "zeros": (lambda: bytes(10_000_000), "no vertices"),
    "a picture": (lambda: bytes(range(256)) * 10_000, "no vertices"),
    "one line end too many": (lambda: b"\n" * 10_000_001, "lines"),
    "nothing": (lambda: b"", "no vertices"),
}
SHAPES = {
    "an index beyond": (SQUARE + b"f 1 2 5\n", "has the face 1-2-5, and 4 vertices"),
    "NaN": (SQUARE.replace(b"v 1 1 0", b"v 1 nan 0") + FACE, "not a finite number"),
    "another count": (b"v 0 0 1\n" + GOOD, "jawOpen.obj has 5 vertices"),
    "a long line": (GOOD + b"v " + b"1" * 10_000_000, "bytes"),
    "too many vertices": (b"v 0 0 0\n" * 1_000_001, "more than 1,000,000 vertices"),
}


def made(folder: Path) -> None:
    make_rig(folder / "neutral.obj", folder / "made.glb", None)


def mapped(folder: Path) -> None:
    map_rig(folder / "neutral.obj", folder / "mapped.toml")


def refused(act: Callable[[Path], None], folder: Path) -> str:
    """What is said, at once and for little; nothing is left behind."""
    before = set(folder.iterdir())
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(CommediaError) as said:
            act(folder)
        assert time.process_time() - start < SECONDS
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()
    assert set(folder.iterdir()) == before
    assert "\n" not in str(said.value)
    return str(said.value)


@pytest.mark.parametrize("kind", NEUTRALS)
@pytest.mark.parametrize("act", [made, mapped])
def test_a_hostile_sculpt_is_refused(act: Callable[[Path], None], kind: str, tmp_path: Path):
    data, says = NEUTRALS[kind]
    (tmp_path / "neutral.obj").write_bytes(data())
    (tmp_path / "jawOpen.obj").write_bytes(SQUARE.replace(b"v 0 0 0", b"v 0 -1 0"))
    assert says in refused(act, tmp_path)


@pytest.mark.parametrize("kind", SHAPES)
def test_a_hostile_shape_is_refused(kind: str, tmp_path: Path):
    data, says = SHAPES[kind]
    (tmp_path / "neutral.obj").write_bytes(GOOD)
    (tmp_path / "jawOpen.obj").write_bytes(data)
    assert says in refused(mapped, tmp_path)


@pytest.mark.parametrize("act", [made, mapped])
def test_a_file_of_gigabytes_is_not_read(act: Callable[[Path], None], tmp_path: Path):
    with (tmp_path / "neutral.obj").open("wb") as file:
        file.truncate(50 * MAX_BYTES)
    assert "bytes" in refused(act, tmp_path)


@pytest.mark.parametrize("act", [made, mapped])
def test_a_folder_is_no_sculpt(act: Callable[[Path], None], tmp_path: Path):
    (tmp_path / "neutral.obj").mkdir()
    assert "there is no file" in refused(act, tmp_path)
