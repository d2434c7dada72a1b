"""What holds for every rig: onto itself nothing changes, and a mirror changes sides and nothing else."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from livelink_table import read_livelink_csv
from rigs import params, small_builder

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes, read_character
from commedia.characters.posing import pose_character
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES, mirrored_name
from commedia.formats.livelink_csv import LiveLinkCsvWriter
from commedia.pipeline import retarget
from commedia.retarget.mapping import mapping_names
from commedia.retarget.performance_edit import mirrored
from commedia.retarget.solve import Retargeter
from commedia.structures import FaceParams

SIDED = ("jawOpen", "eyeBlinkLeft", "mouthSmileRight", "jawLeft", "browInnerUp", "mouthRight")


def _rig(names: tuple[str, ...]) -> Character:
    return character_from_bytes(small_builder(names).to_bytes(), "small")


def _face(rng: np.random.Generator) -> FaceParams:
    return params((0.5, -0.2, 0.3), **dict(zip(EXPRESSION_NAMES, rng.uniform(0, 1, EXPRESSION_COUNT), strict=True)))


# FaceWarehouse calls other motions by two of ARKit's names: its dimple is a stretch, its press a dimple.
@pytest.mark.parametrize("mapping", [None, *(name for name in mapping_names() if name != "facewarehouse")])
def test_a_rig_retargeted_onto_itself_is_the_identity(mapping: str | None, rng: np.random.Generator) -> None:
    """Whatever the order of its shapes, and with each table: a blendshape that has its own shape gets just that."""
    names = tuple(rng.permutation(EXPRESSION_NAMES).tolist())
    retargeter, face = Retargeter(_rig(names), mapping=mapping), _face(rng)
    weights = retargeter.pose_from_params(face).weights
    np.testing.assert_array_equal(weights, [face.expression[EXPRESSION_INDEX[name]] for name in names])
    again = params(**dict(zip(names, weights.tolist(), strict=True)))
    np.testing.assert_array_equal(retargeter.pose_from_params(again).weights, weights)


def test_a_table_s_motion_comes_back_from_the_clip(tmp_path: Path, rng: np.random.Generator) -> None:
    """CSV in, CSV and GLB out: the rows that were read are written, and the clip's weights are the rows'."""
    rate, faces = Fraction(30), [_face(rng) for _ in range(40)]
    writer = LiveLinkCsvWriter(tmp_path / "take.csv", rate)
    for index, face in enumerate(faces):
        writer.add(index / rate, face)
    writer.close()
    (tmp_path / "rig.glb").write_bytes(small_builder(EXPRESSION_NAMES).to_bytes())
    retarget(tmp_path / "take.csv", tmp_path / "out", character=tmp_path / "rig.glb", preview=False)
    given, written = (read_livelink_csv(tmp_path / name, rate) for name in ("take.csv", "out/person-01.csv"))
    np.testing.assert_array_equal(written.milliframes, given.milliframes)
    np.testing.assert_allclose(written.expression, given.expression, atol=1e-7)
    np.testing.assert_allclose(written.angles, given.angles, atol=1e-6)
    clip = read_character(tmp_path / "out" / "person-01.glb").document
    sampler = next(
        clip.json["animations"][0]["samplers"][channel["sampler"]]
        for channel in clip.json["animations"][0]["channels"]
        if channel["target"]["path"] == "weights"
    )
    accessor = clip.json["accessors"][sampler["output"]]
    view = clip.json["bufferViews"][accessor["bufferView"]]
    found = np.frombuffer(clip.buffers[0], "<f4", accessor["count"], view.get("byteOffset", 0))
    expected = np.array([face.expression for face in faces])
    np.testing.assert_allclose(found.reshape(len(faces), EXPRESSION_COUNT), expected, atol=1e-7)


def test_mirrored_motion_on_a_mirrored_rig_is_the_mirrored_result(rng: np.random.Generator) -> None:
    face = _face(rng)
    rig, twin = _rig(SIDED), _rig(tuple(mirrored_name(name) for name in SIDED))
    posed = pose_character(rig, Retargeter(rig).pose_from_params(face))
    other = pose_character(twin, Retargeter(twin).pose_from_params(mirrored(face)))
    # The square's corners in a mirror, which is the plane between left and right.
    swapped = [1, 0, 3, 2]
    for one, mirror in zip(posed, other, strict=True):
        np.testing.assert_allclose(mirror.positions[swapped] * [-1, 1, 1], one.positions, atol=1e-6)
        assert np.abs(mirror.positions - one.positions).max() > 1e-3
