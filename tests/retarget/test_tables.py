"""Users' own tables are read as written, their mistakes name the line, and shipped tables keep what they promise."""

from pathlib import Path

import numpy as np
import pytest
from rigs import SQUARE, params, small_builder

from commedia.characters.character import Character
from commedia.characters.gltf import character_from_bytes
from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, mirrored_name, plain_morph
from commedia.retarget.mapping import map_morphs, propose_map, suggestions
from commedia.retarget.solve import Retargeter
from commedia.retarget.tables import MAPPINGS, BadMapping, load_mapping, load_mapping_file, mapping_names


def _rig(*names: str) -> Character:
    return character_from_bytes(small_builder(names).to_bytes(), "small")


def _table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "my.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _blendshape(name: str) -> str:
    row = map_morphs(_rig(name)).morph_from_blendshape[0]
    assert np.count_nonzero(row) == 1
    return EXPRESSION_NAMES[int(row.argmax())]


def test_gain_bias_clamp_and_several_sources(tmp_path: Path) -> None:
    text = """
    [morphs]
    Mund = { jawOpen = 0.5, mouthFunnel = 0.25 }
    Zwinkern_L = { eyeBlinkLeft = 2.0, bias = -0.5, clamp = [0.1, 0.9] }
    """
    retargeter = Retargeter(_rig("Mund", "zwinkern.l"), mapping=load_mapping_file(_table(tmp_path, text)))

    def weights(**blendshapes: float) -> np.ndarray:
        return retargeter.pose_from_params(params(**blendshapes)).weights

    np.testing.assert_allclose(weights(jawOpen=1.0, mouthFunnel=0.4), [0.6, 0.1])
    np.testing.assert_allclose(weights(eyeBlinkLeft=0.5), [0, 0.5])
    np.testing.assert_allclose(weights(eyeBlinkLeft=1.0), [0, 0.9])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[morphs]\nMund = { jawOpne = 1.0 }",
            "line 2: 'Mund' names the unknown blendshape 'jawOpne'; did you mean 'jawOpen'?",
        ),
        ("[morphs]\n\n\nMund = 1.0", "line 4: 'Mund' is 1.0; expected blendshapes"),
        ("[morphs]\nMund = { jawOpen = 'much' }", "line 2: jawOpen of 'Mund' is 'much'; expected a finite number"),
        ("[morphs]\nMund = { jawOpen = nan }", "line 2: jawOpen of 'Mund' is nan"),
        ("[morphs]\nMund = { jawOpen = 1.0, clamp = [1.0, 0.0] }", "line 2: the clamp of 'Mund' runs from 1 down to 0"),
        ("[morphs]\nMund = { jawOpen = 1.0, clamp = 3 }", "line 2: the clamp of 'Mund' is 3"),
        ("[morhps]\nMund = { jawOpen = 1.0 }", "line 1: unknown section 'morhps'; did you mean 'morphs'?"),
        ("[morphs]\nMu_nd = { jawOpen = 1.0 }\n'mund' = { jawOpen = 1.0 }", "line 3: 'mund' is the same as"),
        ("[morphs]\nMund = { jawOpen = 1.0 }\n[stand_ins]\nnames = ['Mnud']", "line 4: the stand-in 'Mnud'.*'Mund'"),
        ("[morphs]\nMund = { jawOpen = }\n", "is not valid TOML: .*line 2"),
        ("[limits]\nsum = 3", "line 1: the limits are .*expected entries that begin with"),
        ("[[limits]]\nmost = 1", "line 1: a limit has most; expected 'sum = "),
        ("[[limits]]\nsum = { jawOpne = 1 }\nmost = 1", "line 2: .* unknown morph 'jawOpne'; did you mean 'jawOpen'"),
        ("[[limits]]\nsum = { jawOpen = 'a' }\nmost = 1", "line 2: the sum's factor of 'jawOpen' is 'a'"),
        ("[ignored]\nnames = 3", "line 1: the names of 'ignored' are 3"),
    ],
)
def test_mistakes_name_the_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadMapping, match=said) as refused:
        load_mapping_file(_table(tmp_path, text))
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path))


def test_a_path_is_a_table_of_ones_own_and_read_again_when_it_changed(tmp_path: Path) -> None:
    path = _table(tmp_path, "[morphs]\nMund = { jawOpen = 0.5 }")
    before = map_morphs(_rig("Mund"), str(path)).morph_from_blendshape.max()
    _table(tmp_path, "[morphs]\nMund = { jawOpen = 0.75 }")
    assert (before, map_morphs(_rig("Mund"), str(path)).morph_from_blendshape.max()) == (0.5, 0.75)


def test_a_table_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadMapping, match="no such file"):
        load_mapping_file(tmp_path / "none.toml")


@pytest.mark.parametrize("path", [*MAPPINGS.glob("*.toml"), *MAPPINGS.parent.glob("expressions/*.toml")], ids=str)
def test_every_table_says_whose_it_is(path: Path) -> None:
    assert "CC0" in path.read_text(encoding="utf-8").split("[morphs]")[0]
    load_mapping_file(path)


@pytest.mark.parametrize("name", [name for name in mapping_names() if name not in ("mmd", "vroid")])
def test_tables_are_their_own_mirror(name: str) -> None:
    morphs = load_mapping(name).morphs
    for morph, blendshapes in morphs.items():
        for ending, other in (("left", "right"), ("l", "r")):
            twin = morph.removesuffix(ending) + other
            if morph.endswith(ending) and twin in morphs and "look" not in morph:
                assert morphs[twin] == {mirrored_name(blendshape): gain for blendshape, gain in blendshapes.items()}


def test_each_face_warehouse_unit_is_named_once() -> None:
    assert len(load_mapping("facewarehouse").morphs) == 46


@pytest.mark.parametrize(
    ("name", "blendshape"),
    [
        ("ｳｨﾝｸ２右", "eyeBlinkRight"),
        ("頬膨らみ", "cheekPuff"),
        ("CTRL_expressions_mouthCornerPullL", "mouthSmileLeft"),
        ("head_lod0_mesh__CTRL_expressions_eyeLookLeftR", "eyeLookInRight"),
        ("browInnerUp_R", "browInnerUp"),
        ("JawOpen", "jawOpen"),
    ],
)
def test_names_of_many_tools_find_their_unit(name: str, blendshape: str) -> None:
    assert _blendshape(name) == blendshape


@pytest.mark.parametrize("viewer", [True, False])
def test_face_warehouse_sides_are_what_moves(viewer: bool) -> None:
    """The rig's builder moves x > 0, the subject's left, for names of the left; the published list means the other."""
    builder = small_builder(("Eye Close Left", "Eye Close Right", "Jaw Left"))
    if viewer:
        for mesh in builder.tree["meshes"]:
            mesh["extras"]["targetNames"] = ["Eye Close Right", "Eye Close Left", "Jaw Right"]
    matrix = map_morphs(character_from_bytes(builder.to_bytes(), "small")).morph_from_blendshape
    assert SQUARE[:, 0].max() > 0
    assert [EXPRESSION_NAMES[int(row.argmax())] for row in matrix] == ["eyeBlinkLeft", "eyeBlinkRight", "jawLeft"]


def test_jaw_left_of_other_rigs_stays_left() -> None:
    found = propose_map(_rig("Nose Wrinkle", "jawLeft", "jawRight", "jawOpen"))
    assert found.morph_from_blendshape[1, EXPRESSION_INDEX["jawLeft"]] == 1


def test_near_misses_are_suggested_and_not_used() -> None:
    character = _rig("jawOpne", "eyeBlnikLeft", "freckles", "mouthFunnel")
    found = propose_map(character)
    assert [(one.morph, one.blendshape) for one in suggestions(character, found)] == [
        ("eyeBlnikLeft", "eyeBlinkLeft"),
        ("jawOpne", "jawOpen"),
    ]
    assert not found.morph_from_blendshape[:2].any()


def test_plain_names_know_one_form_of_each_letter() -> None:
    assert plain_morph("ｳｨﾝｸ２") == plain_morph("ウィンク2")
    assert plain_morph("---") == ""
