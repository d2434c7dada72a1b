"""Shapes told by lids, brows and lips: our own head as the face whose blendshapes are known, and a drawn one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rigs import avatar

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES, plain_morph
from commedia.face_model.model import load_head
from commedia.retarget.tables import load_mapping
from commedia.rigging.assignment import Assignment
from commedia.rigging.blendshapes import part_vertices
from commedia.rigging.feature_matching import Doubt, liken
from commedia.rigging.features import FEATURES, Features, NoFeatures, find_features
from commedia.rigging.pieces import connected
from commedia.rigging.sculpt import assembled
from commedia.rigging.skin import SIDES, Skin, skin_of
from commedia.rigging.template import load_template

pytest.importorskip("scipy")
EVERYTHING = np.ones(EXPRESSION_COUNT, dtype=bool)


@pytest.fixture(scope="module")
def head() -> Skin:
    """Our mean head; its eyeballs are what bones would carry."""
    own = load_head()
    vertices = own.model.mean.astype(np.float64)
    irises = {side: np.isin(np.arange(len(vertices)), part_vertices(own, f"{side}_eye")) for side in SIDES}
    return Skin(
        vertices,
        own.model.expression_basis.astype(np.float64),
        connected(vertices, own.model.triangles),
        {side: vertices[rows].mean(axis=0) for side, rows in irises.items()},
        irises,
    )


def told(
    skin: Skin, names: tuple[str, ...] = EXPRESSION_NAMES
) -> tuple[dict[str, dict[str, float]], tuple[Doubt, ...]]:
    """What each mapped blendshape plays."""
    found, doubts = liken(
        skin, find_features(skin), np.ones(len(names), dtype=bool), EVERYTHING, names, load_template()
    )
    return played(found, names), doubts


def played(found: Assignment, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    return {
        blendshape: {names[row]: float(weights[row]) for row in weights.nonzero()[0]}
        for blendshape, weights in zip(EXPRESSION_NAMES, found.weights, strict=True)
        if weights.any()
    }


def mixed(skin: Skin, **shapes: dict[str, float]) -> tuple[Skin, tuple[str, ...]]:
    """The same face with other shapes: sums of its blendshapes."""
    rows = [
        sum(gain * skin.shapes[EXPRESSION_INDEX[blendshape]] for blendshape, gain in own.items())
        for own in shapes.values()
    ]
    return replace(skin, shapes=np.array(rows)), tuple(shapes)


def test_features_are_where_they_are(head: Skin):
    found = find_features(head)
    assert set(found.rows) == set(FEATURES)
    middle = {name: head.vertices[rows].mean(axis=0) for name, rows in found.rows.items()}
    for left in (name for name in FEATURES if name.startswith("left")):
        np.testing.assert_allclose(middle[left] * [-1, 1, 1], middle[left.replace("left", "right")], atol=2e-4)
    assert middle["left upper lid"][1] > middle["left iris"][1] > middle["left lower lid"][1]
    assert middle["left inner brow"][1] > middle["left upper lid"][1]
    assert middle["left outer brow"][0] > middle["left inner brow"][0] > 0.005
    assert middle["left corner"][0] > middle["left upper lip"][0] > 0.005
    assert found.size["left corner"] == pytest.approx(0.04, abs=0.01)


def test_our_own_units_are_themselves_or_left_alone(head: Skin):
    found, doubts = told(head)
    assert {blendshape: set(shapes) for blendshape, shapes in found.items()} == {
        blendshape: {blendshape} for blendshape in found
    }
    assert len(found) == 34
    assert {"eyeBlinkLeft", "jawOpen", "mouthSmileRight", "browInnerUp", "eyeLookInLeft", "mouthPucker"} <= set(found)
    assert not any(blendshape.startswith(("cheek", "nose", "tongue")) for blendshape in found)
    assert doubts == ()


@pytest.mark.parametrize("proportions", [(2, 1, 1), (1, 1.6, 1), (1, 1, 0.4), (1.5, 1, 0.5)])
def test_size_place_and_proportions_do_not_make_it_wrong(proportions: tuple[float, ...], head: Skin):
    """A face twice as wide, or flat as drawn ones are, in centimetres and elsewhere."""
    stretch = 100 * np.array(proportions)
    other = replace(
        head,
        vertices=head.vertices * stretch + 7,
        shapes=head.shapes * stretch,
        eyes={side: place * stretch + 7 for side, place in head.eyes.items()},
    )
    found, _ = told(other)
    assert {blendshape: set(shapes) for blendshape, shapes in found.items()} == {
        blendshape: {blendshape} for blendshape in found
    }
    # A mouth that is 1.6 times as high opens so far that it is taken for none.
    assert len(found) == (19 if proportions[1] > 1 else 34)


def test_a_shape_of_both_sides_is_half_of_each(head: Skin):
    both = {
        "shut": {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
        "happy": {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0},
        "up": {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0},
        "open": {"jawOpen": 1.0},
    }
    found, _ = told(*mixed(head, **both))
    assert found == {
        "eyeBlinkLeft": {"shut": 0.5},
        "eyeBlinkRight": {"shut": 0.5},
        "mouthSmileLeft": {"happy": 0.5},
        "mouthSmileRight": {"happy": 0.5},
        "jawOpen": {"open": 1.0},
        "browInnerUp": {"up": 0.5},
        "browOuterUpLeft": {"up": 0.25},
        "browOuterUpRight": {"up": 0.25},
    }


def test_the_full_one_of_the_same_in_two_sizes(head: Skin):
    found, _ = told(*mixed(head, half={"jawOpen": 0.5}, full={"jawOpen": 1.0}, shut={"eyeBlinkLeft": 1.0}))
    assert found["jawOpen"] == {"full": 1.0}


def test_two_that_differ_and_fit_are_left_alone_and_named(head: Skin):
    wide = {"jawOpen": 0.8, "mouthStretchLeft": 0.6, "mouthStretchRight": 0.6}
    round_ = {"jawOpen": 0.8, "mouthPucker": 0.6}
    found, doubts = told(*mixed(head, wide=wide, round=round_))
    assert "jawOpen" not in found
    assert doubts == (Doubt("jawOpen", ("wide", "round")),)


def test_a_whole_face_is_no_unit(head: Skin):
    """As VRoid's Fcl_ALL_Joy: eyes shut, a smile, brows up."""
    joy = dict.fromkeys(("eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight", "browInnerUp"), 1.0)
    skin, names = mixed(head, joy=joy | {"jawOpen": 0.5}, shut={"eyeBlinkLeft": 1.0})
    found, _ = told(skin, names)
    assert found == {"eyeBlinkLeft": {"shut": 1.0}}


def test_what_is_about_something_else_is_left_alone(head: Skin):
    """A nose that wrinkles takes brows along, and hides nobody's brow."""
    skin, names = mixed(
        head, sneer={"noseSneerLeft": 1.0}, puff={"cheekPuff": 1.0}, out={"tongueOut": 1.0}, a={"eyeBlinkLeft": 1.0}
    )
    assert told(skin, names)[0] == {"eyeBlinkLeft": {"a": 1.0}}


def test_without_eyes_or_anything_that_closes_it_is_said(head: Skin):
    with pytest.raises(NoFeatures, match="no eye bones"):
        find_features(replace(head, eyes={}))
    with pytest.raises(NoFeatures, match="no shape takes anything down across"):
        find_features(mixed(head, only={"cheekPuff": 1.0})[0])


@pytest.mark.slow
def test_a_drawn_face_is_told_by_motion_alone(shared_data: Path):
    """VRoid's own shapes, nameless: what a table knows of them, against what is told; see docs/characters.md."""
    character = avatar(shared_data / "characters/vroid-meshopt-webp.glb")
    names, table = character.rig.morph_names, load_mapping("vroid").morphs
    skin = skin_of(assembled(character), np.zeros((len(names), EXPRESSION_COUNT)))
    features = find_features(skin)
    assert set(features.rows) == set(FEATURES)
    own = np.array([name.startswith("Fcl_") for name in names])
    found, doubts = liken(skin, features, own, EVERYTHING, names, load_template())
    blendshapes: dict[str, set[str]] = {name: set() for name, is_own in zip(names, own, strict=True) if is_own}
    for blendshape, shapes in played(found, names).items():
        for name in shapes:
            blendshapes[name].add(blendshape)
    known = {name: set(table[plain_morph(name)]) for name in blendshapes if table.get(plain_morph(name))}
    assert len(known) == 18
    right = {name for name, truth in known.items() if blendshapes[name] == truth}
    assert right == {f"Fcl_{name}" for name in ("EYE_Close_L", "EYE_Close_R", "EYE_Spread", "MTH_U", "BRW_Angry")}
    # Our inner brows take the outer ones along; the table keeps them for sorrow, and calls a closed smile dimples.
    other = {name: blendshapes[name] for name in known if blendshapes[name] and name not in right}
    assert other == {
        "Fcl_BRW_Surprised": {"browInnerUp"},
        "Fcl_MTH_Fun": {"mouthSmileLeft", "mouthSmileRight"},
    }
    # Three of its mouths are open ones.
    assert doubts == (Doubt("jawOpen", ("Fcl_MTH_Joy", "Fcl_MTH_A", "Fcl_MTH_E")),)


@pytest.mark.slow
def test_units_added_to_a_drawn_face_are_told_by_motion_alone(shared_data: Path):
    """The same character's shapes under ARKit's names; it calls the right `mouthLeft`, and the left `mouthRight`."""
    character = avatar(shared_data / "characters/vroid-meshopt-webp.glb")
    names, rig = character.rig.morph_names, character.rig
    skin = skin_of(assembled(character), np.zeros((len(names), EXPRESSION_COUNT)))
    own = np.array([name in EXPRESSION_INDEX for name in names])
    found = played(liken(skin, find_features(skin), own, EVERYTHING, names, load_template())[0], names)
    right = {blendshape for blendshape, shapes in found.items() if set(shapes) == {blendshape}}
    assert (int((own & rig.effective).sum()), len(found), len(right)) == (38, 23, 20)
    assert {blendshape: set(shapes) for blendshape, shapes in found.items() if blendshape not in right} == {
        # One shape under two names.
        "mouthPucker": {"mouthFunnel"},
        "mouthLeft": {"mouthRight"},
        "mouthRight": {"mouthLeft"},
    }


@pytest.mark.slow
def test_a_stranger_s_rig_has_no_wrong_unit(shared_data: Path):
    """A realistic avatar with the 52 and visemes beside them: not what this is for, and nobody's of ours."""
    character = avatar(shared_data / "characters/brunette-t.glb")
    names = character.rig.morph_names
    skin = skin_of(assembled(character), np.zeros((len(names), EXPRESSION_COUNT)))
    found, doubts = told(skin, names)
    assert {blendshape: set(shapes) for blendshape, shapes in found.items()} == {
        blendshape: {blendshape} for blendshape in found
    }
    assert len(found) == 32
    assert doubts == ()


def test_features_that_lack_are_not_compared(head: Skin):
    found = find_features(head)
    only_eyes = Features({name: rows for name, rows in found.rows.items() if "lid" in name}, found.size)
    assigned, _ = liken(head, only_eyes, EVERYTHING, EVERYTHING, EXPRESSION_NAMES, load_template())
    assert {blendshape: set(own) for blendshape, own in played(assigned, EXPRESSION_NAMES).items()} == {
        blendshape: {blendshape}
        for side in ("Left", "Right")
        # Lids follow the gaze: up as when eyes widen, down as in a blink.
        for blendshape in (f"eye{name}{side}" for name in ("Blink", "Squint", "Wide", "LookIn", "LookOut"))
    }
