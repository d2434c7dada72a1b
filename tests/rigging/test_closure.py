"""Lids and lips that close on the source close on the character; what closes already is left as it is."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from commedia.characters.character import Character
from commedia.characters.default_head import default_head_character
from commedia.conventions import EXPRESSION_INDEX, EXPRESSION_NAMES, IDENTITY_COUNT
from commedia.face_model.landmarks import load_scheme, points
from commedia.face_model.model import PARTS, load_head
from commedia.geometry.similarity import Similarity
from commedia.rigging.blendshapes import Blendshapes, RegisteredHead
from commedia.rigging.closure import SEALED, Closure, closed_gains, find_closures, lip_limits
from commedia.rigging.contact import Opening, find_openings
from commedia.rigging.pieces import Kind, Piece
from commedia.rigging.registration import Fitted
from commedia.rigging.sculpt import Sculpt, assembled
from commedia.rigging.template import load_template

pytest.importorskip("scipy")
OWN = np.eye(len(EXPRESSION_NAMES))
RIMS = {"Left": (43, 47), "Right": (37, 41)}
"""Landmarks of the upper and the lower lid."""


@cache
def head() -> tuple[Sculpt, dict[str, Opening]]:
    """Our head, laid over itself without looking for it."""
    template = load_template()
    sculpt = assembled(default_head_character())
    skin = template.skin(np.zeros(IDENTITY_COUNT))
    basis = template.head.model.expression_basis[:, template.vertices].astype(np.float64)
    still = Similarity(1.0, np.eye(3), np.zeros(3))
    registered = RegisteredHead(template, Fitted(np.zeros(IDENTITY_COUNT), still), skin, basis)
    place = {name: np.unique(patch.places) for name, patch in zip(PARTS, sculpt.patches, strict=True)}
    pieces = (
        Piece(place["skin"], Kind.FACE),
        Piece(place["left_eye"], Kind.EYE, 0),
        Piece(place["right_eye"], Kind.EYE, 1),
        Piece(place["teeth"], Kind.TEETH),
        Piece(place["tongue"], Kind.TONGUE),
    )
    blendshapes = Blendshapes(np.zeros((len(EXPRESSION_NAMES), len(sculpt.vertices), 3)), pieces, registered)
    return sculpt, find_openings(sculpt.vertices, sculpt.triangles, blendshapes)


def weakened(**strength: float) -> Sculpt:
    """Our head with some shapes made smaller."""
    sculpt, _ = head()
    factors = np.array([strength.get(name, 1.0) for name in EXPRESSION_NAMES], dtype=np.float32)[:, None, None]

    def weaker(character: Character) -> Character:
        meshes = tuple(
            replace(mesh, primitives=tuple(replace(one, morphs=one.morphs * factors) for one in mesh.primitives))
            for mesh in character.meshes
        )
        return replace(character, meshes=meshes)

    return replace(sculpt, character=weaker(sculpt.character))


def closures(sculpt: Sculpt) -> dict[str, Closure]:
    return {closure.blendshape: closure for closure in find_closures(sculpt, head()[1], OWN)}


def rim_left_open(side: str, weight: float) -> float:
    """What is left of the way between the lids' rims, of its way at rest; an oracle that looks at no picture."""
    model, scheme = load_head().model, load_scheme("ibug68")
    upper, lower = points(scheme, model.mean.astype(np.float64))[list(RIMS[side])]
    blink = model.expression_basis[EXPRESSION_INDEX[f"eyeBlink{side}"]].astype(np.float64)
    closed = points(scheme, model.mean + weight * blink)[list(RIMS[side])]
    across = (upper - lower) / np.linalg.norm(upper - lower)
    return float((closed[0] - closed[1]) @ across / ((upper - lower) @ across))


def test_our_own_head_is_left_as_it_is():
    found = closures(head()[0])
    assert set(found) == {"eyeBlinkLeft", "eyeBlinkRight", "mouthClose"}
    assert {closure.gain for closure in found.values()} == {1.0}
    np.testing.assert_array_equal(closed_gains(OWN, tuple(found.values())), OWN)


@pytest.mark.parametrize("strength", [0.7, 0.45])
def test_a_weak_blink_closes_again_and_not_too_far(strength: float):
    found = closures(weakened(eyeBlinkLeft=strength))
    left, right = found["eyeBlinkLeft"], found["eyeBlinkRight"]
    assert (right.gain, found["mouthClose"].gain) == (1.0, 1.0)
    assert left.gain > 1
    assert left.open_before > SEALED >= left.open_after
    # By the rims themselves: their edges are thick, and hide the eye from a tenth of its opening on.
    assert abs(rim_left_open("Left", strength * left.gain)) < 0.12
    gains = closed_gains(OWN, tuple(found.values()))
    row = EXPRESSION_INDEX["eyeBlinkLeft"]
    assert gains[row, row] == left.gain
    assert np.count_nonzero(gains - OWN) == 1


def test_the_weaker_the_blink_the_greater_the_gain():
    gains = [closures(weakened(eyeBlinkRight=strength))["eyeBlinkRight"].gain for strength in (1.0, 0.7, 0.6, 0.5)]
    assert gains == sorted(gains)
    assert len(set(gains)) == 4


def test_what_cannot_close_is_named_and_left():
    found = closures(weakened(eyeBlinkLeft=0.2))["eyeBlinkLeft"]
    assert found.gain == 1
    assert found.open_after == found.open_before > 0.5


def test_lips_meet_again_over_an_open_jaw():
    found = closures(weakened(mouthClose=0.8))["mouthClose"]
    # Lips that just met need a quarter more of four fifths.
    assert found.gain == pytest.approx(1.25, abs=0.03)
    assert found.open_before > 0.1
    assert closures(weakened(mouthClose=0.8, jawOpen=0.8))["mouthClose"].gain == 1


def test_two_shapes_that_close_an_eye_together_share_the_gain():
    halves = OWN.copy()
    blink, down = EXPRESSION_INDEX["eyeBlinkLeft"], EXPRESSION_INDEX["eyeLookDownLeft"]
    halves[blink, blink] = 0.5
    halves[down, blink] = 0.5
    found = {one.blendshape: one for one in find_closures(head()[0], head()[1], halves)}["eyeBlinkLeft"]
    assert found.gain > 1
    corrected = closed_gains(halves, (found,))[:, blink]
    np.testing.assert_allclose(corrected[[blink, down]], found.gain / 2)


def test_lips_close_as_far_as_the_jaw_is_open():
    gains = OWN.copy()
    jaw, close = EXPRESSION_INDEX["jawOpen"], EXPRESSION_INDEX["mouthClose"]
    gains[jaw, jaw], gains[close, close] = 0.8, 1.2
    (limit,) = lip_limits(EXPRESSION_NAMES, gains, (Closure("mouthClose", 0.0, 1.0, 0.0),))
    assert limit.factors == {"mouthClose": 1.0, "jawOpen": -1.5}
    assert limit.most == 0
    assert lip_limits(EXPRESSION_NAMES, gains, ()) == ()
