"""`commedia rig map`: our own head under other names, from the command to what is played."""

import copy
import json
import random
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rigs import params, small_builder

from commedia.characters.builder import glb_header
from commedia.characters.container import parse_document
from commedia.characters.default_head import default_head_character, default_head_glb
from commedia.characters.gltf import character_from_bytes
from commedia.cli.main import main
from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, IDENTITY_COUNT
from commedia.face_model.landmarks import points
from commedia.outputs.files.packing import pack
from commedia.retarget.solve import Retargeter
from commedia.retarget.tables import load_mapping_file
from commedia.rigging.closure import Closure
from commedia.rigging.landmark_search import NoFaceSeen
from commedia.rigging.map import BY_SHAPE, SolvedBlendshape, known_blendshapes, map_rig, mapping_text
from commedia.rigging.template import load_template

pytest.importorskip("scipy")


def renamed(data: bytes, new_name: Callable[[str], str]) -> bytes:
    """The same file with other names on its morph targets."""
    packed = pack(parse_document(data, name="head"))
    tree = copy.deepcopy(packed.tree)
    for mesh in tree["meshes"]:
        mesh["extras"]["targetNames"] = [new_name(name) for name in mesh["extras"]["targetNames"]]
    return glb_header(tree, packed.length) + b"".join(packed.chunks)


def head_pairs(path: Path) -> Path:
    """The landmarks of our mean head."""
    template = load_template()
    places = points(template.landmarks, template.skin(np.zeros(IDENTITY_COUNT)))
    lines = [f"[[pair]]\nlandmark = {n}\npoint = {place.tolist()}" for n, place in enumerate(places)]
    path.write_text("\n".join(lines))
    return path


@pytest.mark.slow
def test_scrambled_names_come_back_and_play(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    numbers = list(range(52))
    random.Random(1).shuffle(numbers)
    secret = {name: f"shape_{number:02d}" for name, number in zip(EXPRESSION_NAMES, numbers, strict=True)}
    head, table = tmp_path / "head.glb", tmp_path / "head.toml"
    head.write_bytes(renamed(default_head_glb(), secret.__getitem__))
    pairs = head_pairs(tmp_path / "pairs.toml")
    assert main(["rig", "map", str(head), "-o", str(table), "--landmarks", str(pairs), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["blendshape"]: list(one["morphs"]) for one in told["blendshapes"]} == {
        n: [s] for n, s in secret.items()
    }
    # Lids that are made are kept off the eyeballs; our own shut ones lie a little into them.
    assert max(one["residual"] for one in told["blendshapes"] if "Blink" not in one["blendshape"]) < 0.05
    assert max(one["residual"] for one in told["blendshapes"]) < 0.15
    assert {one["gain"] for one in told["closures"]} == {1.0}
    character = character_from_bytes(head.read_bytes(), "head")
    face = params()
    face.expression[:] = np.random.default_rng(4).uniform(0, 1, 52)
    # Lips that would pass each other are held back, which is another law.
    face.expression[EXPRESSION_INDEX["mouthClose"]] = 0.9 * face.expression[EXPRESSION_INDEX["jawOpen"]]
    played = Retargeter(character, mapping=str(table)).pose_from_params(face).weights
    expected = Retargeter(default_head_character()).pose_from_params(face).weights
    # Same order of shapes in both files; gains are rounded and the transfer is a percent off.
    np.testing.assert_allclose(played, expected, atol=0.02)


def test_names_that_are_known_are_believed_unless_asked_not_to():
    character = character_from_bytes(small_builder(("jawOpen", "shape_7", "Fcl_EYE_Close_L")).to_bytes(), "small")
    known = known_blendshapes(character)
    reasons = dict(zip(EXPRESSION_NAMES, known.reasons, strict=True))
    assert reasons["jawOpen"] == "exact name"
    assert reasons["mouthSmileLeft"] == ""
    assert known.gains[1].sum() == 0
    assert known.bones == ("Left",)
    assert not known_blendshapes(character, names=False).gains.any()


def test_inspect_proposes_it_where_names_mean_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "odd.glb").write_bytes(small_builder(("shape_1", "shape_2", "jawOpen")).to_bytes())
    (tmp_path / "good.glb").write_bytes(small_builder(("eyeBlinkLeft", "freckles", "jawOpen")).to_bytes())
    assert main(["rig", "inspect", str(tmp_path / "odd.glb")]) == 0
    said = capsys.readouterr().out
    assert "2 of 3 effective morphs have names that no table knows; 'commedia rig map" in said
    assert main(["rig", "inspect", str(tmp_path / "good.glb")]) == 0
    assert "rig map" not in capsys.readouterr().out


def test_it_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "odd.glb"
    path.write_bytes(small_builder(("shape_1",)).to_bytes())
    assert main(["rig", "map", str(path)]) == 2
    assert "-o odd.toml" in capsys.readouterr().err
    assert main(["rig", "map", str(path), "-o", str(tmp_path / "odd.json")]) == 2
    assert "should end in .toml" in capsys.readouterr().err


def test_shapes_that_move_nothing_are_said(tmp_path: Path):
    builder = small_builder(("shape_1",))
    builder.tree["accessors"].append({"componentType": 5126, "type": "VEC3", "count": 4})
    for mesh in builder.tree["meshes"]:
        mesh["primitives"][0]["targets"][0] = {"POSITION": len(builder.tree["accessors"]) - 1}
    (tmp_path / "dead.glb").write_bytes(builder.to_bytes())
    with pytest.raises(Exception, match="has 1 blendshapes and none moves anything; 'commedia rig make'"):
        map_rig(tmp_path / "dead.glb", tmp_path / "dead.toml")


@pytest.mark.slow
def test_a_face_that_no_picture_shows_is_told_by_its_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Without eye bones, two blinks under their own names say where the eyes are."""

    def unseen(*_: object) -> None:
        raise NoFaceSeen("no face was seen")

    monkeypatch.setattr("commedia.rigging.map.find_landmarks", unseen)
    numbers = list(range(52))
    random.Random(2).shuffle(numbers)
    secret = {name: f"shape_{number:02d}" for name, number in zip(EXPRESSION_NAMES, numbers, strict=True)}
    secret |= {name: name for name in ("eyeBlinkLeft", "eyeBlinkRight")}
    head, table = tmp_path / "head.glb", tmp_path / "head.toml"
    head.write_bytes(renamed(default_head_glb(), secret.__getitem__))
    assert main(["rig", "map", str(head), "-o", str(table)]) == 0
    said = capsys.readouterr().out
    assert "our head does not lie on this face" in said
    assert "any doubt leaves a blendshape alone" in said
    found = load_mapping_file(table).morphs
    blendshapes = {secret[name].replace("_", "").lower(): name for name in EXPRESSION_NAMES}
    mapped = {morph: set(own) for morph, own in found.items() if own}
    assert mapped == {morph: {blendshapes[morph]} for morph in mapped}
    assert {"jawOpen", "mouthSmileLeft", "browInnerUp", "eyeWideRight"} <= {blendshapes[morph] for morph in mapped}
    # Nothing carries irises: a look aside is told by the lids that go along, one up or down moves them as a lid does.
    assert not any(blendshapes[morph].startswith(("eyeLookUp", "eyeLookDown")) for morph in mapped)
    monkeypatch.setattr(
        "commedia.rigging.map.known_blendshapes", lambda character, **_: known_blendshapes(character, names=False)
    )
    assert main(["rig", "map", str(head), "-o", str(table)]) == 2
    assert "nor do its shapes say where its features are" in capsys.readouterr().err


def test_a_vrm_table_names_expressions_where_they_do_the_job():
    """What the presets show goes through them; a shape that none shows alone stays, and the table says so."""
    builder = small_builder(("shut", "smile", "brow"))
    bind = {"morphTargetBinds": [{"node": 4, "index": 0, "weight": 1.0}]}
    builder.tree["extensions"] = {"VRMC_vrm": {"expressions": {"preset": {"blinkLeft": bind | {"isBinary": True}}}}}
    character = character_from_bytes(builder.to_bytes(), "small")
    solved = tuple(
        SolvedBlendshape(
            blendshape,
            {"eyeBlinkLeft": {"shut": 1.0}, "browInnerUp": {"brow": 1.0}}.get(blendshape, {}),
            None,
            BY_SHAPE,
            "",
        )
        for blendshape in EXPRESSION_NAMES
    )
    table = tomllib.loads(mapping_text(character, solved, (), Path("small.vrm"), ()))
    assert table["expressions"] == {"blinkLeft": {"eyeBlinkLeft": 1}}
    assert table["morphs"] == {"shut": {}, "smile": {}, "brow": {"browInnerUp": 1}}
    text = mapping_text(character, solved, (), Path("small.vrm"), ())
    assert "no expression moves this alone" in next(line for line in text.splitlines() if "brow" in line)
    # Lids that must go beyond 1 to close cannot be closed by an expression.
    closure = Closure("eyeBlinkLeft", 0.1, 1.2, 0.0)
    table = tomllib.loads(mapping_text(character, solved, (closure,), Path("small.vrm"), ()))
    assert "expressions" not in table
    assert table["morphs"]["shut"] == {"eyeBlinkLeft": 1.2, "clamp": [0, 1.2]}


def test_a_vrm_plays_by_its_table_as_it_does_without(tmp_path: Path):
    """Presets that are binary, that override each other, and that look by the file's own ranges."""
    binds = {"aa": (0, 0.9), "blink": (1, 1.0), "happy": (2, 1.0), "lookLeft": (3, 1.0), "lookRight": (4, 0.7)}
    preset: dict[str, dict] = {
        name: {"morphTargetBinds": [{"node": 4, "index": index, "weight": weight}]}
        for name, (index, weight) in binds.items()
    }
    preset["happy"] |= {"isBinary": True, "overrideMouth": "block", "overrideBlink": "blend"}
    look = {"type": "expression", "rangeMapHorizontalOuter": {"inputMaxValue": 10, "outputScale": 0.8}}
    builder = small_builder(("mouth", "shut", "smile", "to_left", "to_right"))
    builder.tree["extensions"] = {"VRMC_vrm": {"lookAt": look, "expressions": {"preset": preset}}}
    character = character_from_bytes(builder.to_bytes(), "small")
    known = known_blendshapes(character)
    solved = tuple(
        SolvedBlendshape(
            blendshape,
            {name: float(gain) for name, gain in zip(character.rig.morph_names, column, strict=True) if gain},
            None,
            reason,
            "",
        )
        for blendshape, column, reason in zip(EXPRESSION_NAMES, known.gains.T, known.reasons, strict=True)
    )
    table = tmp_path / "small.toml"
    table.write_text(mapping_text(character, solved, (), Path("small.vrm"), ()), encoding="utf-8")
    assert set(tomllib.loads(table.read_text())["expressions"]) == set(binds)
    by_table, without = Retargeter(character, mapping=str(table)), Retargeter(character)
    face, shown = params(), []
    for seed in range(20):
        face.expression[:] = np.random.default_rng(seed).uniform(0, 1, 52)
        shown.append(without.pose_from_params(face).weights)
        np.testing.assert_allclose(by_table.pose_from_params(face).weights, shown[-1], atol=2e-3)
    # Both a smile that blocks the mouth and a mouth that no smile blocks were among them.
    smiles = np.array(shown)[:, 2]
    assert set(smiles.tolist()) == {0.0, 1.0}
    assert np.array(shown)[smiles == 1, 0].max() == 0 < np.array(shown)[smiles == 0, 0].min()
