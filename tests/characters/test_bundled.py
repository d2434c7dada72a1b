"""The four bundled characters: their 52 shapes move what they are named after, and anybody's tool can read them."""

import json
import struct
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Bool, Float
from oracles import needs_validator, validated

from commedia.characters.bundled import CHARACTER_FOLDER, TROUPE, find_character
from commedia.characters.character import Character, Mesh, Primitive
from commedia.characters.face_frame import face_frame_of
from commedia.characters.open import open_character
from commedia.characters.posing import Poser
from commedia.conventions import EXPRESSION_NAMES, mirrored_name
from commedia.errors import UnknownName
from commedia.geometry.rotations import wxyz_from_yaw_pitch_roll
from commedia.retarget.inspection import inspect_character
from commedia.structures import RigPose

MOST_BYTES = 1_200_000
STRAIGHT = np.array([1.0, 0.0, 0.0, 0.0])
CHIN, RIGHT_LID, LEFT_LID = 8, (37, 38), (43, 44)
"""iBUG-68; the subject's left is +x."""
SIDED = [name for name in EXPRESSION_NAMES if mirrored_name(name) != name]
everyone = pytest.mark.parametrize("name", TROUPE)


@cache
def bundled(name: str) -> Character:
    return open_character(Path(name))


@cache
def surfaces(name: str) -> list[tuple[Mesh, Primitive]]:
    """In the order of the landmarks' vertices; at rest a mesh lies where the scene has it."""
    character = bundled(name)
    shown = [(character.meshes[piece.mesh], piece.primitive) for piece in Poser(character).pieces]
    return [(mesh, mesh.primitives[number]) for mesh, number in shown]


@cache
def rest(name: str) -> Float[np.ndarray, "n 3"]:
    return np.concatenate([own.positions for _, own in surfaces(name)])


@cache
def shape(name: str, blendshape: str) -> Float[np.ndarray, "n 3"]:
    """How far a blendshape at 1 takes each vertex, metres."""
    return np.concatenate(
        [
            own.morphs[mesh.target_names.index(blendshape)] if blendshape in mesh.target_names else 0 * own.positions
            for mesh, own in surfaces(name)
        ]
    )


def at_landmarks(name: str, moved: Float[np.ndarray, "n 3"], *numbers: int) -> Float[np.ndarray, "3"]:
    frame = face_frame_of(bundled(name).document)
    rows = list(numbers)
    return (moved[frame.vertices[rows]] * frame.weights[rows][..., None]).sum(axis=1).mean(axis=0)


def of_material(name: str, material: str) -> Bool[np.ndarray, "n"]:
    materials = bundled(name).materials
    return np.concatenate(
        [np.full(len(own.positions), materials[own.material].name == material) for _, own in surfaces(name)]
    )


@everyone
def test_a_file_is_small_plain_gltf_and_says_whose_it_is(name: str) -> None:
    data = (CHARACTER_FOLDER / f"{name}.glb").read_bytes()
    tree = json.loads(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])
    assert len(data) <= MOST_BYTES
    assert not tree.get("extensionsUsed")
    assert {image["mimeType"] for image in tree["images"]} <= {"image/jpeg", "image/png"}
    assert "Tiffany Do" in tree["asset"]["copyright"]
    notice = (CHARACTER_FOLDER / "LICENCE.md").read_text(encoding="utf-8")
    assert f"`{name}.glb`" in notice
    assert "Copyright (c) 2022 Tiffany Do" in notice


@everyone
def test_each_of_the_52_moves_its_own_shape(name: str) -> None:
    found = inspect_character(bundled(name))
    assert found.still() == ()
    assert [answer.morphs for answer in found.answers] == [{blendshape: 1.0} for blendshape in EXPRESSION_NAMES]
    assert set(found.bones) == {"head", "neck", "left_eye", "right_eye"}


@everyone
def test_shapes_go_where_their_names_say(name: str) -> None:
    size = float(np.linalg.norm(at_landmarks(name, rest(name), 36) - at_landmarks(name, rest(name), 45)))

    def moved(blendshape: str, *numbers: int) -> Float[np.ndarray, "3"]:
        return at_landmarks(name, shape(name, blendshape), *numbers) / size

    assert moved("jawOpen", CHIN)[1] < -0.2
    assert abs(moved("jawOpen", 51)[1]) < 0.05
    assert moved("jawLeft", CHIN)[0] > 0.05
    assert moved("jawRight", CHIN)[0] < -0.05
    assert moved("jawForward", CHIN)[2] > 0.05
    assert moved("eyeBlinkLeft", *LEFT_LID)[1] < -0.05
    assert moved("eyeBlinkRight", *RIGHT_LID)[1] < -0.05
    assert moved("eyeWideLeft", *LEFT_LID)[1] > 0.005
    assert moved("mouthSmileLeft", 54) @ [1, 1, 0] > 0.05
    assert moved("mouthFrownRight", 48)[1] < -0.02
    assert moved("browInnerUp", 21, 22)[1] > 0.04
    assert moved("browDownLeft", 22, 23)[1] < -0.02
    assert moved("mouthPucker", 54)[0] < -0.02
    assert moved("mouthPucker", 48)[0] > 0.02


@everyone
def test_a_sided_shape_moves_its_own_side_as_its_mirror_moves_the_other(name: str) -> None:
    place = rest(name)[:, 0]
    for blendshape in SIDED:
        size = np.linalg.norm(shape(name, blendshape), axis=1)
        other = np.linalg.norm(shape(name, mirrored_name(blendshape)), axis=1)
        own = 1.0 if blendshape.endswith("Left") else -1.0
        if blendshape not in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
            assert own * (size @ place) / size.sum() > 0.005, blendshape
        assert 0.7 < np.square(size).sum() / np.square(other).sum() < 1.4, blendshape
        middle, mirrored = (size @ rest(name)) / size.sum(), (other @ rest(name)) / other.sum()
        assert np.abs(middle - mirrored * [-1, 1, 1]).max() < 0.008, blendshape


@everyone
def test_what_shows_an_eye_and_a_tongue_moves_them(name: str) -> None:
    tongue, eye = of_material(name, "tongue"), of_material(name, "eye")
    assert shape(name, "tongueOut")[tongue][:, 2].max() > 0.015
    left = eye & (rest(name)[:, 0] > 0)
    front = left & (rest(name)[:, 2] > np.quantile(rest(name)[left, 2], 0.9))
    assert shape(name, "eyeLookOutLeft")[front][:, 0].mean() > 0.003
    assert shape(name, "eyeLookUpLeft")[front][:, 1].mean() > 0.003
    assert not shape(name, "eyeLookOutRight")[left].any()


@everyone
def test_the_head_turns_and_the_chest_stays(name: str) -> None:
    poser, weights = Poser(bundled(name)), bundled(name).rig.rest_weights
    turned = RigPose(weights, wxyz_from_yaw_pitch_roll(np.radians([40.0, 0, 0])), STRAIGHT, STRAIGHT)
    moved = np.concatenate([piece.positions for piece in poser.pose(turned)]) - rest(name)
    nose = at_landmarks(name, moved, 30)
    lowest = rest(name)[:, 1] < rest(name)[:, 1].min() + 0.03
    assert nose[0] > 0.04
    assert np.abs(moved[lowest]).max() < 0.002


@everyone
def test_the_bust_is_closed(name: str) -> None:
    """No edge at the cut has a triangle on one side only: nobody looks into a hollow."""
    materials = bundled(name).materials
    pieces = [own for _, own in surfaces(name) if materials[own.material].name in ("skin", "base")]
    assert len(pieces) == 2
    corners = np.concatenate([piece.positions[piece.triangles] for piece in pieces])
    places = np.unique(np.round(corners.reshape(-1, 3), 5), axis=0, return_inverse=True)[1].reshape(-1, 3)
    edges = np.concatenate([np.stack([places[:, a], places[:, b]], axis=1) for a, b in ((0, 1), (1, 2), (2, 0))])
    ends = np.concatenate([corners[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    _, first, count = np.unique(np.sort(edges, axis=1), axis=0, return_index=True, return_counts=True)
    ends = ends[first[count == 1]]
    # Eye sockets and the throat are open, far above.
    assert not len(ends) or ends[..., 1].min() > rest(name)[:, 1].min() + 0.15


@needs_validator
def test_the_validator_has_nothing_to_say() -> None:
    for issues in validated(*(CHARACTER_FOLDER / f"{name}.glb" for name in TROUPE)):
        assert issues["numErrors"] == issues["numWarnings"] == 0, issues["messages"]


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one() -> None:
    with pytest.raises(UnknownName, match="unknown character 'isabela'; did you mean 'isabella'"):
        find_character(Path("isabela"))


def test_files_are_taken_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_character(Path("hero.glb")) == Path("hero.glb")
    assert find_character(Path("folder/isabella")) == Path("folder/isabella")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orazio").write_bytes(b"")
    assert find_character(Path("orazio")) == Path("orazio")
