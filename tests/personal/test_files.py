"""What is written of somebody: every vertex and blendshape of theirs is in the file, and outside judges accept it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from oracles import needs_validator, validated
from rigs import own_person

from commedia.characters.gltf import read_character
from commedia.conventions import EXPRESSION_INDEX
from commedia.face_model.evaluate import blendshapes_of_identity
from commedia.face_model.model import load_head
from commedia.face_model.person import Person
from commedia.personal.personalize import PersonalSummary, write

NOTHING = PersonalSummary("me", (), 0, 0, (), None, None, False, (), None, (), None, None, ())


@pytest.fixture(scope="module")
def me() -> Person:
    return own_person()


def test_the_glb_moves_as_the_person_does(me: Person, tmp_path: Path) -> None:
    write(me, {"glb": tmp_path / "me.glb"}, NOTHING)
    character = read_character(tmp_path / "me.glb")
    parts = [part for mesh in character.meshes for part in mesh.primitives]
    assert sum(len(part.triangles) for part in parts) == len(load_head().model.triangles)
    found = np.concatenate([part.positions for part in parts])
    assert me.neutral is not None
    assert me.identity is not None
    assert me.blendshapes is not None
    rows = np.array([np.argmin(np.abs(me.neutral - point).sum(1)) for point in found[::97]])
    np.testing.assert_allclose(me.neutral[rows], found[::97], atol=1e-6)
    usual = blendshapes_of_identity(load_head().model, me.identity)
    for name, wanted in (
        ("jawOpen", me.blendshapes["jawOpen"]),
        ("browInnerUp", usual[EXPRESSION_INDEX["browInnerUp"]]),
    ):
        place = character.meshes[0].target_names.index(name)
        moved = np.concatenate([part.morphs[place] for part in parts])[::97]
        np.testing.assert_allclose(moved, wanted[rows], atol=1e-5)


@needs_validator
def test_the_glb_is_valid(me: Person, tmp_path: Path) -> None:
    write(me, {"glb": tmp_path / "me.glb"}, NOTHING)
    (issues,) = validated(tmp_path / "me.glb")
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]


@pytest.mark.skipif(importlib.util.find_spec("pxr") is None, reason="needs usd-core")
def test_the_usd_has_the_blendshapes(me: Person, tmp_path: Path) -> None:
    from pxr import Usd, UsdSkel

    write(me, {"usd": tmp_path / "me.usd"}, NOTHING)
    stage = Usd.Stage.Open(str(tmp_path / "me.usd"))
    shapes = {prim.GetName() for prim in stage.Traverse() if prim.IsA(UsdSkel.BlendShape)}
    assert "jawOpen" in " ".join(shapes)
    assert (tmp_path / "me.usd").is_file()
