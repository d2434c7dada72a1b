"""Files in and out: what is read, what is refused and how it is said, what the GLB and the sheet hold."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from oracles import FOLDER, needs_validator
from rigs import small_builder
from strangers import other_topology

from commedia.characters.builder import glb_header
from commedia.characters.gltf import character_from_bytes
from commedia.characters.open import open_still
from commedia.cli.main import main
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_NAMES
from commedia.errors import BadCharacter, UnknownName
from commedia.faces.crop import Crop
from commedia.outputs.files.packing import pack
from commedia.retarget.inspection import inspect_character
from commedia.rigging import landmark_search
from commedia.rigging.glb import rigged_glb
from commedia.rigging.pairs import BadPairs, read_pairs
from commedia.rigging.sculpt import Sculpt, assembled
from commedia.rigging.sheet import draw_sheet
from commedia.structures import Face, FaceParams

pytest.importorskip("scipy")
CUBE = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)
CUBE_FACES = ("1 2 4 3", "5 7 8 6", "1 5 6 2", "3 4 8 7", "1 3 7 5", "2 6 8 4")


def read_bare(path: Path) -> Sculpt:
    return assembled(open_still(path))


def write_obj(path: Path, vertices: np.ndarray, faces: tuple[str, ...] = CUBE_FACES) -> Path:
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in vertices] + [f"f {face}" for face in faces]
    path.write_text("\n".join([*lines, ""]))
    return path


def write_pairs(path: Path, *pairs: str) -> Path:
    path.write_text("\n".join(f"[[pair]]\n{pair}" for pair in pairs) + "\n")
    return path


def random_blendshapes(count: int) -> np.ndarray:
    blendshapes = 0.05 * np.random.default_rng(3).standard_normal((EXPRESSION_COUNT, count, 3))
    blendshapes[:, 0] = 0
    return blendshapes


def skinned_bare() -> bytes:
    builder = small_builder(())
    for mesh in builder.tree["meshes"]:
        del mesh["extras"]
        for primitive in mesh["primitives"]:
            del primitive["targets"]
    return builder.to_bytes()


def test_an_obj_keeps_its_vertices_and_gets_52_targets(tmp_path: Path):
    sculpt = read_bare(write_obj(tmp_path / "cube.obj", CUBE))
    assert (len(sculpt.vertices), len(sculpt.triangles)) == (8, 12)
    blendshapes = random_blendshapes(8)
    character = character_from_bytes(rigged_glb(sculpt, blendshapes), "cube")
    assert character.rig.morph_names == EXPRESSION_NAMES
    found = character.meshes[0].primitives[0]
    np.testing.assert_allclose(found.positions, CUBE)
    np.testing.assert_allclose(found.morphs, blendshapes[:, sculpt.patches[0].places], atol=1e-6)


def test_a_skinned_mesh_moves_in_the_scene_as_was_asked(tmp_path: Path):
    """Its bones lean at rest, so displacements must be turned back into the mesh."""
    path = tmp_path / "bare.glb"
    path.write_bytes(skinned_bare())
    sculpt = read_bare(path)
    blendshapes = random_blendshapes(len(sculpt.vertices))
    character = character_from_bytes(rigged_glb(sculpt, blendshapes), "bare")
    for patch in sculpt.patches:
        morphs = character.meshes[patch.mesh].primitives[patch.primitive].morphs.astype(np.float64)
        scene = np.einsum("...nij,enj->eni", np.linalg.inv(patch.mesh_from_scene), morphs)
        np.testing.assert_allclose(scene, blendshapes[:, patch.places], atol=1e-5)
    assert {node.name for node in character.nodes} >= {"Head", "Neck", "LeftEye"}


@needs_validator
def test_the_validator_finds_nothing(tmp_path: Path):
    (tmp_path / "bare.glb").write_bytes(skinned_bare())
    write_obj(tmp_path / "cube.obj", CUBE)
    before, after = [], []
    for name in ("bare.glb", "cube.obj"):
        sculpt = read_bare(tmp_path / name)
        before.append(tmp_path / f"was-{name[:4]}.glb")
        packed = pack(sculpt.character.document)
        before[-1].write_bytes(glb_header(packed.tree, packed.length) + b"".join(packed.chunks))
        after.append(tmp_path / f"rigged-{name[:4]}.glb")
        after[-1].write_bytes(rigged_glb(sculpt, random_blendshapes(len(sculpt.vertices))))
    for was, issues in zip(validated(*before), validated(*after), strict=True):
        assert issues["numErrors"] == 0, issues["messages"][:5]
        # A file keeps the faults it came with.
        assert issues["numWarnings"] == was["numWarnings"], issues["messages"]


def validated(*paths: Path) -> list[dict]:
    command = ["node", FOLDER / "validate_gltf.cjs", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line)["issues"] for line in done.stdout.splitlines()]


def test_a_sheet_shows_neutral_and_52(tmp_path: Path):
    sculpt = read_bare(write_obj(tmp_path / "cube.obj", CUBE))
    character = character_from_bytes(rigged_glb(sculpt, random_blendshapes(8)), "cube")
    tints = [np.full((8, 3), 0.5)]
    sheet = draw_sheet(character, np.eye(3), CUBE, tints, tile_px=32)
    assert sheet.shape == (6 * 32, 9 * 32, 3)
    neutral, jaw = sheet[:32, :32], sheet[64:96, 0:32]
    assert np.abs(neutral.astype(int) - jaw).max() > 30


@pytest.mark.parametrize(
    ("vertices", "faces", "said"),
    [
        (CUBE, (), "no faces"),
        (np.full((8, 3), np.nan), CUBE_FACES, "not a finite number"),
        (CUBE * [1, 0, 0], CUBE_FACES, "12 triangles and none has an area"),
        (np.zeros((0, 3)), CUBE_FACES, "no vertices"),
    ],
)
def test_what_is_no_surface_is_said(vertices: np.ndarray, faces: tuple[str, ...], said: str, tmp_path: Path):
    with pytest.raises(BadCharacter, match=said) as refused:
        read_bare(write_obj(tmp_path / "bad.obj", vertices, faces))
    assert "\n" not in str(refused.value)


class Blind:
    """A detector that finds nothing."""

    def detect(self, image: np.ndarray) -> list[Face]:
        return []

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        return []


def test_no_face_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(landmark_search, "open_mfn", lambda **_: Blind())
    monkeypatch.setattr(landmark_search, "open_sfn", lambda **_: Blind())
    monkeypatch.setattr(landmark_search, "SIDE_PX", 32)
    path = write_obj(tmp_path / "cube.obj", CUBE)
    assert main(["rig", "make", str(path), "-o", str(tmp_path / "hero.glb")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("commedia: no face was seen on cube")
    assert "--landmarks" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "hero.glb").exists()


def test_rig_make_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = write_obj(tmp_path / "cube.obj", CUBE)
    assert main(["rig", "make", str(path)]) == 2
    assert "-o cube-rig.glb" in capsys.readouterr().err
    assert main(["rig", "make", str(path), "-o", str(tmp_path / "hero.fbx")]) == 2
    assert "should end in .glb" in capsys.readouterr().err


def test_pairs_are_read(tmp_path: Path):
    sculpt = read_bare(write_obj(tmp_path / "cube.obj", CUBE))
    labels = ('"nose tip"', '"Jaw line 8"', "36", "45", '"mouth, left corner"', "48")
    pairs = [f"landmark = {label}\nvertex = {number}" for number, label in enumerate(labels)]
    pairs[3] = "landmark = 45\npoint = [0.5, 0.25, 0]"
    landmarks = read_pairs(write_pairs(tmp_path / "pairs.toml", *pairs), sculpt)
    assert landmarks.numbers.tolist() == [30, 8, 36, 45, 54, 48]
    np.testing.assert_allclose(landmarks.points[[0, 1, 2, 4, 5]], CUBE[[0, 1, 2, 4, 5]])
    np.testing.assert_allclose(landmarks.points[3], [0.5, 0.25, 0])


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ('landmark = "nose tipp"\nvertex = 1', r"unknown landmark 'nose tipp'; did you mean 'nose tip'\?"),
        ("landmark = 68\nvertex = 1", "landmark is 68, expected a number from 0 to 67"),
        ("landmark = 5\nvertex = 8", "there is no vertex 8; vertices are numbered from 0 to 7"),
        ("landmark = 5", "give either 'vertex = NUMBER' or 'point"),
        ("landmark = 5\npoint = [1, 2]", "expected three numbers"),
        ("landmark = 5\npoint = [1, 2, 300]", "far outside the mesh"),
        ("landmark = 5\nvertex = 1", "has 1 pairs; at least 6"),
        ("landmark = ", "is not TOML"),
    ],
)
def test_wrong_pairs_are_said(pair: str, said: str, tmp_path: Path):
    sculpt = read_bare(write_obj(tmp_path / "cube.obj", CUBE))
    with pytest.raises((BadPairs, UnknownName), match=said):
        read_pairs(write_pairs(tmp_path / "pairs.toml", pair), sculpt)


def test_pairs_in_a_line_are_refused(tmp_path: Path):
    sculpt = read_bare(write_obj(tmp_path / "cube.obj", CUBE))
    pairs = [f"landmark = {number}\npoint = [{number / 10}, 0, 0]" for number in range(6)]
    with pytest.raises(BadPairs, match="lie in one line"):
        read_pairs(write_pairs(tmp_path / "pairs.toml", *pairs), sculpt)


@pytest.mark.slow
def test_a_clay_head_is_seen_and_rigged(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The whole story, without landmarks: OBJ in, a rig of 52 effective blendshapes and a sheet out."""
    stranger = other_topology(3)
    faces = tuple(" ".join(str(corner + 1) for corner in face) for face in stranger.triangles)
    path = write_obj(tmp_path / "sculpt.obj", stranger.vertices, faces)
    assert main(["rig", "make", str(path), "-o", str(tmp_path / "hero.glb")]) == 0
    assert "52 of 52 blendshapes move" in capsys.readouterr().out
    assert (tmp_path / "hero.png").stat().st_size > 100_000
    found = inspect_character(character_from_bytes((tmp_path / "hero.glb").read_bytes(), "hero"))
    assert found.still() == ()
    assert sum(found.morphs.values()) == 52
