"""An inspection tells present from effective, gives a reason for every blendshape, and refuses no readable rig."""

import json

from rigs import small_builder

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.conventions import EXPRESSION_NAMES
from commedia.retarget.inspection import inspect_character


def _character(names: tuple[str, ...], *, still: tuple[str, ...] = ()) -> Character:
    builder = small_builder(names)
    for mesh in builder.tree["meshes"]:
        for name in still:
            # Without a view or sparse values an accessor is zeros.
            builder.tree["accessors"].append({"componentType": 5126, "type": "VEC3", "count": 4})
            mesh["primitives"][0]["targets"][names.index(name)] = {"POSITION": len(builder.tree["accessors"]) - 1}
    return character_from_bytes(builder.to_bytes(), "small")


def test_present_is_not_effective() -> None:
    found = inspect_character(_character(("jawOpen", "cheekPuff"), still=("cheekPuff",)))
    assert found.morphs == {"jawOpen": True, "cheekPuff": False}
    answers = {answer.blendshape: answer for answer in found.answers}
    assert answers["jawOpen"].morphs == {"jawOpen": 1.0}
    assert answers["jawOpen"].reason == "exact name"
    assert (answers["cheekPuff"].moves, answers["cheekPuff"].reason) == (False, "'cheekPuff' moves nothing")
    assert answers["tongueOut"].reason == "no morph of that name"


def test_every_unit_is_answered_once() -> None:
    found = inspect_character(_character(("jawOpen", "Fcl_EYE_Close_L", "CheekPuffLeft")))
    assert [answer.blendshape for answer in found.answers] == list(EXPRESSION_NAMES)
    assert len(found.still()) == sum(not answer.moves for answer in found.answers)


def test_eyes_that_turn_are_not_still() -> None:
    found = inspect_character(_character(("jawOpen",)))
    assert found.bones == {"head": "Head", "neck": "Neck", "left_eye": "LeftEye"}
    assert "eyeLookInLeft" not in found.still()
    assert "eyeLookInRight" in found.still()


def test_a_rig_that_answers_to_nothing_is_still_described() -> None:
    found = inspect_character(_character(("jawOpne", "freckles")))
    assert len(found.still()) == len(EXPRESSION_NAMES) - 4
    assert [one.morph for one in found.suggestions] == ["jawOpne"]
    assert [(mesh.name, mesh.vertices, mesh.triangles, mesh.morphs) for mesh in found.meshes] == [
        ("face", 4, 2, 2),
        ("teeth", 4, 2, 2),
    ]


def test_json_holds_everything() -> None:
    tree = json.loads(json.dumps(inspect_character(_character(("jawOpen",))).to_json()))
    assert tree["answers"][EXPRESSION_NAMES.index("jawOpen")]["moves"]
    assert len(tree["still"]) == len(EXPRESSION_NAMES) - 5
    assert tree["vrm"] is None
