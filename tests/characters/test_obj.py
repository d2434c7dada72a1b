"""A folder of sculpts becomes a rig, and a sculpt that does not belong says how."""

from pathlib import Path

import numpy as np
import pytest

from commedia.characters.obj import read_sculpt
from commedia.characters.open import open_character
from commedia.errors import BadCharacter
from commedia.retarget.mapping import map_morphs

SQUARE = [(-1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (-1.0, 1.0, 0.0)]


def _write(path: Path, vertices: list[tuple[float, float, float]], *faces: str) -> Path:
    lines = [f"v {x} {y} {z}" for x, y, z in vertices] + [f"f {face}" for face in faces]
    path.write_text("\n".join(["# made by hand", "vt 0 0", *lines, ""]))
    return path


def _opened(amount: float) -> list[tuple[float, float, float]]:
    return [(x, y - amount if y == 0 else y, z) for x, y, z in SQUARE]


def test_a_sculpt_is_a_character(tmp_path: Path) -> None:
    neutral = _write(tmp_path / "neutral.obj", SQUARE, "1/1 2/1 3/1 4/1")
    _write(tmp_path / "jawOpen.OBJ", _opened(0.25), "1 2 3 4")
    _write(tmp_path / "cheekPuff.obj", SQUARE)
    character = open_character(neutral)
    assert character.name == "neutral"
    assert dict(zip(character.rig.morph_names, character.rig.effective.tolist(), strict=True)) == {
        "cheekPuff": False,
        "jawOpen": True,
    }
    piece = character.meshes[0].primitives[0]
    np.testing.assert_array_equal(piece.triangles, [[0, 1, 2], [0, 2, 3]])
    at_full = piece.positions + piece.morphs[character.rig.morph_names.index("jawOpen")]
    np.testing.assert_allclose(at_full, _opened(0.25))
    assert "jawOpen" not in map_morphs(character).missing


def test_indices_may_count_backwards(tmp_path: Path) -> None:
    neutral = _write(tmp_path / "neutral.obj", SQUARE, "-4 -3 -2 -1")
    _write(tmp_path / "jawOpen.obj", _opened(0.25), "1 2 3 4")
    assert len(read_sculpt(neutral, tmp_path).meshes[0].primitives[0].triangles) == 2


@pytest.mark.parametrize(
    ("shape", "faces", "said"),
    [
        (SQUARE[:3], ("1 2 3",), r"jawOpen\.obj has 3 vertices and the neutral neutral\.obj has 4"),
        (SQUARE, ("1 2 3 4", "1 2 3"), "another order: it has 2 faces and the neutral neutral.obj has 1"),
        (SQUARE, ("1 3 2 4",), "its face 1 joins 1-3-2-4, that of neutral.obj 1-2-3-4"),
        ([*SQUARE[:3], (np.nan, 0.0, 0.0)], (), "line 6: a coordinate is not a finite number"),
        (SQUARE, ("1 2 9",), "the face 1-2-9, and 4 vertices"),
        (SQUARE, ("1 2 x",), "line 7: "),
        ([], (), "no vertices"),
    ],
)
def test_a_shape_that_differs_says_how(shape: list, faces: tuple[str, ...], said: str, tmp_path: Path) -> None:
    neutral = _write(tmp_path / "neutral.obj", SQUARE, "1 2 3 4")
    _write(tmp_path / "jawOpen.obj", shape, *faces)
    with pytest.raises(BadCharacter, match=said) as refused:
        open_character(neutral)
    assert "\n" not in str(refused.value)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadCharacter, match="there is no file"):
        open_character(tmp_path / "none.obj")
    neutral = _write(tmp_path / "neutral.obj", SQUARE, "1 2 3 4")
    with pytest.raises(BadCharacter, match="no shapes in"):
        open_character(neutral)
    _write(neutral, SQUARE)
    with pytest.raises(BadCharacter, match="no faces"):
        open_character(neutral)
