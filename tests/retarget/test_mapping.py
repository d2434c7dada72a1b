"""Names find their blendshapes in the spellings that tools use, and only then; the tables name blendshapes that
exist."""

from dataclasses import replace

import numpy as np
import pytest
from rigs import small_builder

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, plain_morph
from commedia.errors import BadCharacter, UnknownName
from commedia.retarget.mapping import load_mapping, map_morphs, mapping_names


def _rig(*names: str) -> Character:
    return character_from_bytes(small_builder(names).to_bytes(), "small")


def _blendshape_of(name: str) -> str:
    row = map_morphs(_rig(name)).morph_from_blendshape[0]
    assert np.count_nonzero(row) == 1
    return EXPRESSION_NAMES[int(row.argmax())]


@pytest.mark.parametrize(
    "spelling", ["{}", "BlendShape.{}", "blendShape1.{}", "Face_{}", "head:{}", "rig|{}", "Wolf3D_Head.{}"]
)
@pytest.mark.parametrize("name", ["eyeBlinkLeft", "mouthSmileRight", "jawOpen", "jawLeft"])
def test_prefixes_are_tolerated(spelling: str, name: str) -> None:
    assert _blendshape_of(spelling.format(name)) == name
    assert _blendshape_of(spelling.format(name[0].upper() + name[1:])) == name


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Eye_Blink_L", "eyeBlinkLeft"),
        ("eyeBlink_R", "eyeBlinkRight"),
        ("mouthSmile.L", "mouthSmileLeft"),
        ("browDown_l", "browDownLeft"),
        ("MOUTH_LOWER_DOWN_RIGHT", "mouthLowerDownRight"),
        ("jaw_open", "jawOpen"),
    ],
)
def test_other_spellings_are_understood(spelling: str, name: str) -> None:
    assert _blendshape_of(spelling) == name


def test_every_unit_has_its_own_plain_name() -> None:
    assert len({plain_morph(name) for name in EXPRESSION_NAMES}) == 52


def test_split_units_share_their_weight() -> None:
    found = map_morphs(_rig("browInnerUp_L", "browInnerUp_R", "jawOpen"))
    np.testing.assert_array_equal(found.morph_from_blendshape[:, EXPRESSION_INDEX["browInnerUp"]], [1, 1, 0])


def test_stand_ins_step_back_where_the_unit_is_there() -> None:
    assert map_morphs(_rig("mouthOpen", "jawOpen")).morph_from_blendshape[0].sum() == 0
    assert map_morphs(_rig("mouthOpen", "mouthFunnel")).morph_from_blendshape[0, EXPRESSION_INDEX["jawOpen"]] == 1


def test_stand_ins_serve_where_the_unit_is_only_a_name() -> None:
    character = _rig("jawOpen", "Fcl_MTH_A")
    empty = replace(character, rig=replace(character.rig, effective=np.array([False, True])))
    found = map_morphs(empty)
    np.testing.assert_array_equal(found.morph_from_blendshape[:, EXPRESSION_INDEX["jawOpen"]], [1, 1])
    assert "jawOpen" not in found.missing


def test_the_table_that_explains_most_is_taken() -> None:
    assert map_morphs(_rig("EyeClosedLeft", "MouthClosed", "jawOpen")).mapping == "unified"
    assert map_morphs(_rig("BrowsD_L", "BrowsU_C", "JawOpen")).mapping == "faceshift"
    assert map_morphs(_rig("jawOpen")).mapping == "arkit"


def test_missing_units_are_listed() -> None:
    missing = map_morphs(_rig("jawOpen", "eyeBlinkLeft")).missing
    assert set(EXPRESSION_NAMES) - set(missing) == {"jawOpen", "eyeBlinkLeft"}


def test_a_rig_with_other_names_is_refused_with_what_it_has() -> None:
    with pytest.raises(BadCharacter, match="found 'Smile', 'jawOpne'; the nearest is 'jawOpne'; expected"):
        map_morphs(_rig("Smile", "jawOpne"))


@pytest.mark.parametrize("name", mapping_names())
def test_tables_name_units_that_exist(name: str) -> None:
    table = load_mapping(name)
    assert table.stand_ins <= table.morphs.keys()
    assert all(0 < gain <= 1 for blendshapes in table.morphs.values() for gain in blendshapes.values())


def test_an_unknown_table_names_those_that_exist() -> None:
    with pytest.raises(UnknownName, match="did you mean 'arkit'"):
        map_morphs(_rig("jawOpen"), "arkitt")
