"""USD's own code, given the file, puts every vertex where this project's poser puts it; USD's validators agree."""

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rigs import avatar, params, small_builder

from commedia.characters.character import Character
from commedia.characters.default_head import default_head_character
from commedia.characters.gltf import character_from_bytes
from commedia.characters.posing import pose_character
from commedia.errors import MissingExtra, OutputFailed, SinkClosed
from commedia.outputs.files.usd import UsdWriter
from commedia.outputs.people import check_formats
from commedia.retarget.solve import Retargeter
from commedia.structures import FaceParams, RigPose

pytest.importorskip("pxr", reason="needs usd-core: pip install 'commedia[usd]'")

NTSC = Fraction(30000, 1001)
NAMES = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")


def small(**options: bool) -> Character:
    return character_from_bytes(small_builder(NAMES, **options).to_bytes(), "small one")


def faces(count: int) -> list[FaceParams]:
    phase = np.linspace(0.1, 3, count)
    return [
        params((0.5 * np.sin(p), 0.2 * p, -0.1 * p), jawOpen=np.sin(p), eyeBlinkLeft=p / 3, eyeLookUpLeft=p / 3)
        for p in phase
    ]


def poses(character: Character, count: int) -> list[RigPose]:
    retargeter = Retargeter(character)
    return [retargeter.pose_from_params(face) for face in faces(count)]


def write(path: Path, character: Character, moving: list[RigPose], times: list[Fraction] | None = None) -> None:
    writer = UsdWriter(path, character, NTSC)
    for index, pose in enumerate(moving):
        writer.add(index / NTSC if times is None else times[index], pose)
    writer.close()


def baked(path: Path, times: list[float]) -> list[list[np.ndarray]]:
    """The points of every mesh at each time code, after USD has applied blend shapes and skeleton itself."""
    from pxr import Gf, Usd, UsdGeom, UsdSkel

    stage = Usd.Stage.Open(str(path))
    assert UsdSkel.BakeSkinning(UsdSkel.Root(stage.GetDefaultPrim()), Gf.Interval(times[0], times[-1]))
    meshes = [UsdGeom.Mesh(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    return [[placed(mesh, time) for mesh in meshes] for time in times]


def placed(mesh, time: float) -> np.ndarray:
    points = np.array(mesh.GetPointsAttr().Get(time), dtype=float)
    matrix = np.array(mesh.ComputeLocalToWorldTransform(time))
    return points @ matrix[:3, :3] + matrix[3, :3]


def assert_same_vertices(path: Path, character: Character, moving: list[RigPose], tolerance: float = 2e-6) -> None:
    write(path, character, moving)
    for pose, meshes in zip(moving, baked(path, [float(index) for index in range(len(moving))]), strict=True):
        expected = pose_character(character, pose)
        assert len(meshes) == len(expected)
        for found, piece in zip(meshes, expected, strict=True):
            np.testing.assert_allclose(found, piece.positions, atol=tolerance)


@pytest.mark.parametrize("bones", [True, False])
def test_usd_moves_a_skinned_and_a_rigid_piece_as_we_do(tmp_path: Path, bones: bool) -> None:
    character = small(bones=bones)
    moving = poses(character, 6)
    assert_same_vertices(tmp_path / "a.usd", character, moving)
    first, last = (pose_character(character, moving[row])[0].positions for row in (0, -1))
    assert np.abs(first - last).max() > 0.01


def test_usd_moves_the_default_head_as_we_do(tmp_path: Path) -> None:
    character = default_head_character()
    assert_same_vertices(tmp_path / "a.usd", character, poses(character, 3))


def test_a_skin_bound_in_another_pose_than_the_one_at_rest(tmp_path: Path) -> None:
    """The two joints of the skin disagree about where it was bound, so no single place of the mesh would do."""
    builder = small_builder(NAMES)
    matrices = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    matrices[0, :3, 3] = [0, -1.4, 0]
    matrices[1, :3, 3] = [0.02, -1.6, 0.01]
    builder.tree["skins"][0]["inverseBindMatrices"] = builder.accessor(
        np.ascontiguousarray(matrices.transpose(0, 2, 1)).reshape(2, 16)
    )
    joints = np.tile(np.array([0, 1, 0, 0], dtype=np.uint8), (4, 1))
    weights = np.tile(np.array([0.25, 0.75, 0, 0], dtype=np.float32), (4, 1))
    attributes = builder.tree["meshes"][0]["primitives"][0]["attributes"]
    attributes |= {"JOINTS_0": builder.accessor(joints), "WEIGHTS_0": builder.accessor(weights)}
    character = character_from_bytes(builder.to_bytes(), "bound elsewhere")
    assert_same_vertices(tmp_path / "a.usd", character, poses(character, 4))


def test_usd_moves_an_avatar_as_we_do(tmp_path: Path, shared_data: Path) -> None:
    character = avatar(shared_data / "characters/brunette-t.glb")
    assert_same_vertices(tmp_path / "a.usd", character, poses(character, 2), tolerance=2e-5)


def test_weights_and_names_come_back_at_exact_time_codes(tmp_path: Path) -> None:
    from pxr import Usd, UsdGeom, UsdSkel

    character = small()
    moving = poses(character, 4)
    times = [Fraction(0), Fraction(1, 50), Fraction(1, 3), Fraction(1)]
    write(tmp_path / "a.usd", character, moving, times)
    stage = Usd.Stage.Open(str(tmp_path / "a.usd"))
    assert stage.GetTimeCodesPerSecond() == 30000 / 1001
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0, pytest.approx(30000 / 1001))
    noted = stage.GetRootLayer().customLayerData["commedia"]
    assert dict(noted) == {"frameRate": "30000/1001", "startTimecode": "00:00:00:00.000"}
    (animation,) = (UsdSkel.Animation(prim) for prim in stage.Traverse() if prim.IsA(UsdSkel.Animation))
    assert list(animation.GetBlendShapesAttr().Get()) == list(NAMES)
    weights = animation.GetBlendShapeWeightsAttr()
    np.testing.assert_allclose(weights.GetTimeSamples(), [float(time_s * NTSC) for time_s in times])
    for time_s, pose in zip(times, moving, strict=True):
        np.testing.assert_array_equal(weights.Get(float(time_s * NTSC)), pose.weights.astype(np.float32))
    # Half way between two keys USD blends, as a player of the GLB does.
    middle = weights.Get(float((times[2] + times[3]) / 2 * NTSC))
    np.testing.assert_allclose(middle, (moving[2].weights + moving[3].weights) / 2, atol=1e-6)
    targets = [UsdSkel.BlendShape(prim) for prim in stage.Traverse() if prim.IsA(UsdSkel.BlendShape)]
    assert {target.GetPrim().GetName() for target in targets} == set(NAMES)
    # A blink moves the two vertices of its own side; the others are there because their normals turn.
    for target in targets:
        moved = np.array(target.GetOffsetsAttr().Get()).any(axis=1)
        assert moved.sum() == (2 if "Blink" in target.GetPrim().GetName() else 4)


def test_keys_are_set_in_blocks_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pxr import Sdf

    character = small()
    moving = poses(character, 10)
    write(tmp_path / "whole.usd", character, moving)
    monkeypatch.setattr("commedia.outputs.files.usd.KEYS_AT_ONCE", 4)
    write(tmp_path / "blocks.usd", character, moving)
    layers = [Sdf.Layer.FindOrOpen(str(tmp_path / f"{name}.usd")) for name in ("whole", "blocks")]
    whole, blocks = (layer.ExportToString() for layer in layers)
    assert whole == blocks
    assert "9: [" in blocks


def test_a_neutral_pose_is_the_file_at_rest(tmp_path: Path) -> None:
    from pxr import Usd, UsdGeom, UsdSkel

    character = default_head_character()
    neutral = Retargeter(character).pose_from_params(params())
    write(tmp_path / "a.usd", character, [neutral])
    stage = Usd.Stage.Open(str(tmp_path / "a.usd"))
    points = [np.array(UsdGeom.Mesh(p).GetPointsAttr().Get()) for p in stage.Traverse() if p.IsA(UsdGeom.Mesh)]
    for found, piece in zip(points, pose_character(character, neutral), strict=True):
        np.testing.assert_allclose(found, piece.positions, atol=1e-6)
    # Shapes are sparse: a blink leaves most of the face alone.
    blinks = [UsdSkel.BlendShape(p) for p in stage.Traverse() if p.GetName() == "eyeBlinkLeft"]
    assert 0 < sum(len(blink.GetPointIndicesAttr().Get()) for blink in blinks) < 0.2 * sum(map(len, points))


def test_normals_turn_with_the_face(tmp_path: Path) -> None:
    from pxr import Gf, Usd, UsdGeom, UsdSkel

    character = default_head_character()
    pose = Retargeter(character).pose_from_params(params((0.4, 0.2, 0), jawOpen=1.0))
    write(tmp_path / "a.usd", character, [pose])
    stage = Usd.Stage.Open(str(tmp_path / "a.usd"))
    assert UsdSkel.BakeSkinning(UsdSkel.Root(stage.GetDefaultPrim()), Gf.Interval(0, 0))
    skin = next(UsdGeom.Mesh(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh))
    # A rigid piece is turned by its own transform, a skinned one by its points.
    found = np.array(skin.GetNormalsAttr().Get(0)) @ np.array(skin.ComputeLocalToWorldTransform(0))[:3, :3]
    expected = pose_character(character, pose)[0].normals
    along = (found / np.linalg.norm(found, axis=1, keepdims=True) * expected).sum(axis=1)
    assert along.min() > 0.999
    # The jaw alone turns some of them by more than that, besides the head.
    turned_only = pose_character(character, replace(pose, weights=0 * pose.weights))[0].normals
    assert (turned_only * expected).sum(axis=1).min() < 0.9


def test_textures_lie_beside_the_file_and_are_found(tmp_path: Path) -> None:
    from pxr import Usd, UsdShade

    character = default_head_character()
    writer = UsdWriter(tmp_path / "person-01.usd", character, NTSC)
    writer.add(Fraction(0), poses(character, 1)[0])
    assert not list(tmp_path.iterdir())
    writer.close()
    assert [path.name for path in writer.paths] == ["person-01.usd", "person-01-0000.png"]
    assert sorted(tmp_path.iterdir()) == sorted(writer.paths)
    np.testing.assert_array_equal(np.asarray(Image.open(writer.paths[1])), character.materials[0].image)
    stage = Usd.Stage.Open(str(writer.paths[0]))
    shaders = [UsdShade.Shader(prim) for prim in stage.Traverse() if prim.IsA(UsdShade.Shader)]
    pictures = [shader for shader in shaders if shader.GetIdAttr().Get() == "UsdUVTexture"]
    assert len(pictures) == sum(material.image is not None for material in character.materials) > 0
    for picture in pictures:
        assert Path(picture.GetInput("file").Get().resolvedPath) == writer.paths[1]
        (surface,) = UsdShade.Material(picture.GetPrim().GetParent()).ComputeSurfaceSource()[:1]
        source = surface.GetInput("diffuseColor").GetConnectedSources()[0][0].source
        assert source.GetPrim() == picture.GetPrim()


def test_usd_s_own_validators_find_no_error(tmp_path: Path) -> None:
    from pxr import Usd, UsdValidation

    paths = [tmp_path / "head.usd", tmp_path / "small.usd"]
    for path, character in zip(paths, (default_head_character(), small()), strict=True):
        write(path, character, poses(character, 2))
        registry = UsdValidation.ValidationRegistry()
        validators = registry.GetOrLoadAllValidators()
        assert len(validators) > 20
        found = UsdValidation.ValidationContext(validators).Validate(Usd.Stage.Open(str(path)))
        assert [error.GetMessage() for error in found] == []


def test_without_the_package_the_extra_is_named_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "pxr" or name.startswith("pxr.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pxr", None)
    with pytest.raises(MissingExtra, match=r"writing USD needs the package 'usd-core'.*commedia\[usd\]"):
        check_formats(("usd",), is_still=False)


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    character = small()
    good, bad = poses(character, 2)
    bad.head_wxyz[1] = np.inf
    (tmp_path / "a.usd").write_bytes(b"old")
    writer = UsdWriter(tmp_path / "a.usd", character, NTSC)
    writer.add(Fraction(0), good)
    with pytest.raises(OutputFailed, match="not finite"):
        writer.add(1 / NTSC, bad)
    writer.discard()
    writer.close()
    with pytest.raises(SinkClosed):
        writer.add(1 / NTSC, good)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    character = small()
    (tmp_path / "folder").write_text("a file")
    writer = UsdWriter(tmp_path / "folder" / "a.usd", character, NTSC)
    writer.add(Fraction(0), poses(character, 1)[0])
    with pytest.raises(OutputFailed, match="cannot write"):
        writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
