"""Our own layouts, OSC and float32 and JSON: each says what its documentation says, and the same as the others."""

import json
from fractions import Fraction

import numpy as np
import pytest
from faces_to_send import any_params, face_params, tracked

from commedia.conventions import EXPRESSION_NAMES
from commedia.formats.face_messages import HEADER_COUNT, PERSON_COUNT, binary_message, greeting, json_message
from commedia.formats.osc_faces import face_messages


def test_a_binary_message_number_by_number() -> None:
    params = face_params(jawOpen=0.5, eyeLookOutLeft=1.0)
    message = np.frombuffer(binary_message(Fraction(100001, 4), [tracked(params, 7, "held")]), "<f4")
    assert message[:4].tolist() == [1, 25000, 0.25, 1]
    person = dict(zip(json.loads(greeting())["person"], message[4:].tolist(), strict=True))
    assert (person["id"], person["status"]) == (7, 1)
    assert (person["jawOpen"], person["eyeLookOutLeft"], person["eyeBlinkLeft"]) == (0.5, 1, 0)
    assert (person["head_w"], person["head_x"]) == (1, 0)
    assert person["left_eye_yaw"] == pytest.approx(np.deg2rad(35))


def test_bytes_are_little_endian_float32() -> None:
    assert binary_message(Fraction(1), []).hex() == "0000803f0000803f0000000000000000"


def test_json_says_the_same(rng: np.random.Generator) -> None:
    faces = [tracked(any_params(rng), person) for person in (1, 2)]
    numbers = np.frombuffer(binary_message(Fraction(3, 2), faces), "<f4")
    tree = json.loads(json_message(Fraction(3, 2), faces))
    assert tree["time_s"] == 1.5
    for row, person in zip(numbers[HEADER_COUNT:].reshape(-1, PERSON_COUNT), tree["people"], strict=True):
        eyes = [person[f"{side}_eye"][angle] for side in ("left", "right") for angle in ("yaw", "pitch")]
        said = [person["id"], 0, *person["expression"].values(), *person["head_wxyz"], *eyes]
        np.testing.assert_allclose(row, said, atol=1e-5)
        assert tuple(person["expression"]) == EXPRESSION_NAMES


def test_osc_says_the_same(rng: np.random.Generator) -> None:
    faces = [tracked(any_params(rng), person) for person in (1, 2)]
    said = {one.address: one.arguments for one in face_messages(2.5, faces)}
    assert len(said) == 2 + 2 * 57
    assert said["/commedia/time"] == (2.5,)
    assert said["/commedia/people"] == (2,)
    assert said["/commedia/2/status"] == ("tracked",)
    for place, name in enumerate(EXPRESSION_NAMES):
        assert said[f"/commedia/2/{name}"] == pytest.approx((faces[1].params.expression[place],))


def test_osc_angles_are_degrees_with_our_signs() -> None:
    face = tracked(face_params(30, 20, 10, eyeLookUpLeft=1))
    said = {one.address: one.arguments for one in face_messages(0.0, [face])}
    assert said["/commedia/1/head_deg"] == pytest.approx((30, 20, 10), abs=1e-4)
    assert said["/commedia/1/left_eye_deg"] == pytest.approx((0, -25), abs=1e-4)
    assert said["/commedia/1/right_eye_deg"] == pytest.approx((0, 0), abs=1e-4)
