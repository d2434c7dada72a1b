"""`commedia rig inspect` as a user runs it."""

import json
from pathlib import Path

import pytest
from rigs import small_builder

from commedia.cli.main import main

NAMES = ("jawOpen", "eyeBlinkLeft", "mouthSmlieRight")


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    path = tmp_path / "rig.glb"
    path.write_bytes(small_builder(NAMES).to_bytes())
    return path


def test_it_says_what_moves_and_what_does_not(rig: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rig", "inspect", str(rig)]) == 0
    shown = capsys.readouterr().out
    assert "morphs: 3 present, 3 effective" in shown
    assert "head: Head" in shown
    assert "(exact name)" in shown
    assert "will not move: 46 of 52 blendshapes" in shown
    assert "mouthSmlieRight as mouthSmileRight" in shown


def test_json_is_all_there_is_on_standard_output(rig: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rig", "inspect", str(rig), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mapping"] == "arkit"


def test_a_table_of_one_s_own_is_looked_at_before_anybody_plays(
    rig: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "mine.toml"
    table.write_text("[morphs]\nmouthSmlieRight = { mouthSmileRight = 0.8 }\njawOpen = { jawOpen = 0.5 }\n")
    assert main(["rig", "inspect", str(rig), "--mapping", str(table), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    answers = {answer["blendshape"]: answer for answer in shown["answers"]}
    assert answers["mouthSmileRight"]["morphs"] == {"mouthSmlieRight": 0.8}
    assert answers["jawOpen"]["morphs"] == {"jawOpen": 0.5}
    assert "mouthSmileRight" not in shown["still"]
    assert shown["suggestions"] == []
    assert main(["rig", "inspect", str(rig), "--mapping", "vrod"]) == 2
    assert "vroid" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        main(["rig", "map", str(rig), "-o", str(tmp_path / "o.toml"), "--mapping", str(table)])
    assert left.value.code == 2
    assert not (tmp_path / "o.toml").exists()
    assert "--mapping (applied to commedia rig map)" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("verb", "own"), [("inspect", "--mapping"), ("make", "--landmarks"), ("map", "--no-names")])
def test_each_verb_has_its_own_help(verb: str, own: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        main(["rig", verb, "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: commedia rig {verb}" in shown
    assert own in shown
    assert ("--output" in shown) == (verb != "inspect")
    assert ("--mapping PATH" in shown or "--mapping {" in shown) == (verb == "inspect")


@pytest.mark.parametrize("kind", ["glb", "obj"])
def test_what_has_no_shapes_is_described_and_the_way_on_named(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"bare.{kind}"
    builder = small_builder(())
    for mesh in builder.tree["meshes"]:
        mesh["primitives"][0].pop("targets")
    obj = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n"
    path.write_bytes(obj if kind == "obj" else builder.to_bytes())
    assert main(["rig", "inspect", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "4 vertices, 2 triangles, 0 morphs" in shown
    assert ("head: Head" in shown) == (kind == "glb")
    # An eye that is a bone looks four ways.
    assert f"will not move: {48 if kind == 'glb' else 52} of 52 blendshapes" in shown
    assert f"'commedia rig make {path} -o bare-rig.glb' makes all 52" in shown
    if kind == "obj":
        (tmp_path / "jawOpen.obj").write_bytes(obj.replace(b"v 0 0 0", b"v 0 -1 0"))
        assert main(["rig", "inspect", str(path)]) == 0
        assert "will not move: 51 of 52 blendshapes" in capsys.readouterr().out


def test_a_bad_file_is_one_sentence_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rig.glb"
    path.write_bytes(b"hello, I am a character")
    assert main(["rig", "inspect", str(path)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("commedia: rig.glb is not a glTF file")
    assert shown.err.count("\n") == 1
