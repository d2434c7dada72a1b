"""Photographs that do something else: nothing changes where nothing is asked, and what is asked is what is seen.

A drawn face stands in for the photograph, because of it we know how it looks with the other expression.
"""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from commedia.conventions import CONTRADICTORY_PAIRS, EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES
from commedia.data.sample import FaceSample, PictureSample
from commedia.synthetic.heads import draw_heads
from commedia.synthetic.performers import Performer, Truth, sample_performers, stream_rng
from commedia.synthetic.reenactments import RESTING_TRUST, added_expression, reenactable, reenacted, reenactments
from commedia.synthetic.shards import paste

SIZE = 176
REST = np.zeros(EXPRESSION_COUNT, np.float32)


def expression(**weights: float) -> np.ndarray:
    result = REST.copy()
    for name, weight in weights.items():
        for side in ("", "Left", "Right"):
            if name + side in EXPRESSION_INDEX:
                result[EXPRESSION_INDEX[name + side]] = weight
    return result


@pytest.fixture(scope="module")
def performer() -> Performer:
    """Someone frontal and far away, bare-headed."""
    someone = sample_performers(stream_rng("train", 7), 1, name="someone")[0]
    truth = Truth("someone", someone.truth.identity, REST, np.array([1, 0, 0, 0], np.float32))
    return replace(someone, truth=truth, distance_m=float("inf"), hair=None, glasses=None)


def pictured(performer: Performer, expressed: np.ndarray) -> tuple[np.ndarray, FaceSample]:
    acting = replace(performer, truth=replace(performer.truth, expression=expressed))
    head = draw_heads([acting], SIZE, np.array([SIZE / 2]), np.zeros((1, 2)))[0]
    background = np.full((SIZE, SIZE, 3), 120, np.uint8)
    return paste(head.rgba, background), replace(head.face, landmark_kind="fit")


def photograph(performer: Performer, **changes: object) -> PictureSample:
    image, face = pictured(performer, REST)
    return PictureSample(image, (replace(face, **changes),), "someone", "CC0", "labelled")


def off(first: np.ndarray, second: np.ndarray) -> float:
    """Mean difference of two pictures in grey levels, where the face is."""
    middle = slice(SIZE // 4, 3 * SIZE // 4)
    return float(np.abs(first[middle, middle].astype(float) - second[middle, middle]).mean())


def test_nothing_asked_nothing_changed(performer: Performer):
    image, face = pictured(performer, REST)
    same, told = reenacted(image, face, REST, np.random.default_rng(0))
    assert off(same, image) < 1.0
    np.testing.assert_allclose(told.landmarks_px, face.landmarks_px, atol=0.02)
    np.testing.assert_array_equal(told.expression, REST)


@pytest.mark.parametrize(
    "asked",
    [
        {"mouthSmile": 0.9},
        {"browInnerUp": 1.0, "browOuterUp": 1.0},
        {"jawLeft": 1.0},
        {"mouthPucker": 1.0},
        {"eyeBlink": 1.0},
        {"noseSneer": 1.0},
    ],
    ids=lambda asked: "+".join(asked),
)
def test_it_looks_as_if_drawn_with_the_expression(performer: Performer, asked: dict[str, float]):
    image, face = pictured(performer, REST)
    wanted, truth = pictured(performer, expression(**asked))
    # `draw_heads` centres landmarks: look at both where the head itself stands still.
    scale = truth.pose.px_per_m / face.pose.px_per_m
    shift = truth.pose.origin_px - scale * face.pose.origin_px + (scale - 1) / 2
    rng = np.random.default_rng(0)
    made, told = reenacted(image, face, expression(**asked), rng, look=performer.look, light=performer.light)
    moved = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    aligned = cv2.warpAffine(wanted, moved, (SIZE, SIZE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    assert off(made, aligned) < 2 / 3 * off(image, aligned)
    landmarks = (truth.landmarks_px - truth.pose.origin_px) / scale + face.pose.origin_px
    np.testing.assert_allclose(told.landmarks_px, landmarks, atol=0.05)


def test_an_open_mouth_shows_what_the_photograph_could_not(performer: Performer):
    image, face = pictured(performer, REST)
    made, told = reenacted(image, face, expression(jawOpen=1.0), np.random.default_rng(0))
    upper, lower = told.landmarks_px[62], told.landmarks_px[66]
    assert lower[1] - upper[1] > 8
    column = made[int(upper[1]) + 1 : int(lower[1]), int(upper[0])].mean(-1)
    cheek = made[int(upper[1]), int(told.landmarks_px[3][0]) + 12].mean()
    assert column.min() < 0.6 * cheek


def test_what_is_far_from_the_face_stays(performer: Performer):
    image, face = pictured(performer, REST)
    made, _ = reenacted(image, face, expression(jawOpen=1.0, cheekPuff=1.0), np.random.default_rng(0))
    np.testing.assert_array_equal(made[:20, :20], image[:20, :20])


def test_added_expressions_obey_the_rules_and_leave_the_gaze_alone(performer: Performer):
    _, face = pictured(performer, REST)
    base = expression(eyeLookInLeft=0.7, mouthSmile=0.3)
    face = replace(face, expression=base)
    rng = np.random.default_rng(3)
    for _ in range(50):
        drawn = added_expression(face, rng)
        gaze = [name.startswith("eyeLook") for name in EXPRESSION_NAMES]
        np.testing.assert_array_equal(drawn[gaze], base[gaze])
        assert all(min(drawn[EXPRESSION_INDEX[a]], drawn[EXPRESSION_INDEX[b]]) == 0 for a, b in CONTRADICTORY_PAIRS)
        assert drawn[EXPRESSION_INDEX["mouthClose"]] <= drawn[EXPRESSION_INDEX["jawOpen"]]


def test_what_was_asked_is_exact_and_the_rest_is_believed_as_labelled(performer: Performer):
    trust = np.where(np.arange(EXPRESSION_COUNT) % 2, 0.6, 0.0).astype(np.float32)
    sample = photograph(performer, expression_trust=trust)
    _, face = reenacted(sample.image, sample.faces[0], expression(tongueOut=1.0), np.random.default_rng(0))
    assert face.expression_trust[EXPRESSION_INDEX["tongueOut"]] == 1
    others = np.arange(EXPRESSION_COUNT) != EXPRESSION_INDEX["tongueOut"]
    np.testing.assert_allclose(face.expression_trust[others], np.maximum(trust, RESTING_TRUST)[others])


@pytest.mark.parametrize(
    "changes",
    [
        {"landmark_kind": "gold"},
        {"identity": None},
        {"expression": None},
        {"expression": expression(jawOpen=0.8)},
        {"landmarks_px": np.zeros((68, 2), np.float32)},
    ],
)
def test_faces_that_are_not_known_or_not_silent_are_passed_over(performer: Performer, changes: dict[str, object]):
    assert reenactable(photograph(performer).faces[0])
    assert not reenactable(photograph(performer, **changes).faces[0])
    assert list(reenactments([photograph(performer, **changes)], seed=0)) == []


def test_the_same_seed_makes_the_same_pictures(performer: Performer):
    first, second = (list(reenactments([photograph(performer)], seed=5, each=2)) for _ in range(2))
    assert len(first) == 2
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
    assert off(first[0].image, first[1].image) > 0.5
