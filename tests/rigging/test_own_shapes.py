"""A character's own shapes: kept or taken off as asked, what is missing made, the user's file never touched."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from rigs import SQUARE, small_builder

from commedia.characters.builder import GlbBuilder
from commedia.characters.character import Character
from commedia.characters.container import parse_document
from commedia.characters.face_frame import KEY, FaceFrame, face_frame_of
from commedia.characters.gltf import character_from_bytes
from commedia.cli.main import main
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.errors import BadCharacter
from commedia.geometry.similarity import Similarity
from commedia.rigging.glb import rigged_glb
from commedia.rigging.own_shapes import Own, plan_shapes, without_shapes
from commedia.rigging.sculpt import assembled


def small(*names: str) -> Character:
    return character_from_bytes(small_builder(names).to_bytes(), "small")


def rigged(character: Character, own: Own) -> tuple[Character, np.ndarray]:
    """As `make_rig` does, with blendshapes that are drawn instead of laid over."""
    plan = plan_shapes(character, own)
    sculpt = assembled(plan.character)
    moved = 0.05 * np.random.default_rng(5).standard_normal((EXPRESSION_COUNT, len(sculpt.vertices), 3))
    rows = [EXPRESSION_INDEX[name] for name in plan.made]
    made = character_from_bytes(rigged_glb(sculpt, moved[rows], tuple(plan.made.values())), "made")
    return made, moved[:, sculpt.patches[-1].places]


def test_without_being_told_nothing_is_made_and_both_ways_are_named() -> None:
    with pytest.raises(BadCharacter, match=r"2 blendshapes already, such as 'jawOpen'; --add .*--replace"):
        plan_shapes(small("jawOpen", "grin"), "refuse")


def test_replaced_shapes_are_gone_and_all_52_are_made() -> None:
    before = small("jawOpen", "grin")
    untouched = copy.deepcopy(before.document.json)
    made, wanted = rigged(before, "replace")
    assert made.rig.morph_names == EXPRESSION_NAMES
    np.testing.assert_allclose(made.meshes[1].primitives[0].morphs, wanted, atol=1e-6)
    assert before.document.json == untouched
    assert plan_shapes(before, "replace").taken_off == ("jawOpen", "grin")


def test_added_shapes_come_after_the_own_ones_which_stay_as_they_were() -> None:
    before = small("grin", "Jaw_Open", "eyeBlink_L")
    made, wanted = rigged(before, "add")
    names = made.rig.morph_names
    assert names[:3] == ("grin", "Jaw_Open", "eyeBlink_L")
    assert set(names[3:]) == set(EXPRESSION_NAMES) - {"jawOpen", "eyeBlinkLeft"}
    found = made.meshes[1].primitives[0].morphs
    np.testing.assert_allclose(found[:3], before.meshes[1].primitives[0].morphs)
    row = names.index("mouthPucker")
    np.testing.assert_allclose(found[row], wanted[EXPRESSION_INDEX["mouthPucker"]], atol=1e-6)
    assert made.rig.effective.all()


def test_a_name_over_a_shape_that_moves_nothing_gets_one() -> None:
    """Some exporters write all the names over empty targets."""
    builder = small_builder(("jawOpen", "Mouth_Pucker"))
    still = builder.sparse_accessor(np.zeros_like(SQUARE), bounds=True)
    for mesh in builder.tree["meshes"]:
        mesh["primitives"][0]["targets"][1] = {"POSITION": still}
    before = character_from_bytes(builder.to_bytes(), "half")
    plan = plan_shapes(before, "add")
    assert (plan.kept, plan.made["mouthPucker"]) == (("jawOpen",), "Mouth_Pucker")
    made, wanted = rigged(before, "add")
    assert len(made.rig.morph_names) == EXPRESSION_COUNT
    row = made.rig.morph_names.index("Mouth_Pucker")
    np.testing.assert_allclose(
        made.meshes[1].primitives[0].morphs[row], wanted[EXPRESSION_INDEX["mouthPucker"]], atol=1e-6
    )


def test_where_nothing_is_missing_nothing_is_added() -> None:
    with pytest.raises(BadCharacter, match="none is missing; --replace"):
        plan_shapes(small(*EXPRESSION_NAMES), "add")


def with_tracks(builder: GlbBuilder) -> bytes:
    """A file whose animation turns the head and plays a shape, with a VRM expression of that shape."""
    times = builder.accessor(np.array([0, 1], dtype=np.float32), bounds=True)
    turn = builder.accessor(np.tile(np.array([0, 0, 0, 1], dtype=np.float32), (2, 1)))
    weights = builder.accessor(np.zeros(2, dtype=np.float32))
    channels = [
        {"sampler": 0, "target": {"node": 2, "path": "rotation"}},
        {"sampler": 1, "target": {"node": 4, "path": "weights"}},
    ]
    builder.tree["animations"] = [
        {"samplers": [{"input": times, "output": turn}, {"input": times, "output": weights}], "channels": channels}
    ]
    bind = {"node": 4, "index": 0, "weight": 1.0}
    builder.tree["extensions"] = {"VRMC_vrm": {"expressions": {"preset": {"aa": {"morphTargetBinds": [bind]}}}}}
    builder.tree["nodes"][4]["weights"] = [0.5]
    return builder.to_bytes()


def test_what_only_moves_shapes_goes_with_them() -> None:
    document = parse_document(with_tracks(small_builder(("aa",))), name="played")
    bare = without_shapes(document).json
    assert [one["target"]["path"] for one in bare["animations"][0]["channels"]] == ["rotation"]
    assert bare["extensions"]["VRMC_vrm"]["expressions"]["preset"]["aa"] == {}
    assert "weights" not in bare["nodes"][4]
    assert "morphTargetBinds" in json.dumps(document.json)


def test_the_user_s_file_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "hero.glb"
    path.write_bytes(small_builder(("jawOpen",)).to_bytes())
    before = path.read_bytes()
    (tmp_path / "link.glb").symlink_to(path)
    for output in (path, tmp_path / "link.glb"):
        assert main(["rig", "make", str(path), "--replace", "-o", str(output)]) != 0
        assert "would lose it" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_one_of_the_two_ways_is_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "hero.glb"
    path.write_bytes(small_builder(("jawOpen",)).to_bytes())
    assert main(["rig", "make", str(path), "--replace", "--add", "-o", str(tmp_path / "out.glb")]) != 0
    assert "give one of the two" in capsys.readouterr().err
    assert not (tmp_path / "out.glb").exists()


def test_a_face_frame_comes_back_and_a_broken_one_is_refused() -> None:
    sculpt = assembled(small("jawOpen"))
    turned = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], dtype=np.float64)
    frame = FaceFrame(
        Similarity(2.0, turned, np.array([0.1, 0.2, 0.3])), np.arange(204).reshape(68, 3) % 8, np.full((68, 3), 1 / 3)
    )
    made = character_from_bytes(rigged_glb(sculpt, np.ones((1, 8, 3)), ("grin",), frame), "framed")
    found = face_frame_of(made.document)
    assert found is not None
    np.testing.assert_allclose(found.head_from_scene.points(SQUARE), frame.head_from_scene.points(SQUARE))
    np.testing.assert_array_equal(found.vertices, frame.vertices)
    made.document.json["asset"]["extras"][KEY]["weights"] = [[1, 0]]
    with pytest.raises(BadCharacter, match=r"commediaFace"):
        face_frame_of(made.document)
    assert face_frame_of(small("jawOpen").document) is None
