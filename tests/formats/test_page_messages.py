"""What a page is told, taken apart by the published layout alone."""

import struct
from fractions import Fraction

import numpy as np
from faces_to_send import any_params, tracked

from commedia.conventions import EXPRESSION_COUNT
from commedia.formats.page_messages import PagePerson, page_message

FACE = 2 + EXPRESSION_COUNT + 8


def test_a_message_is_read_back_by_its_layout(rng: np.random.Generator) -> None:
    people = [
        PagePerson(
            *(tracked(any_params(rng), place), person, (0.1, 0.2, 0.3, 0.4), 2),
            *(rng.uniform(0, 1, morphs), rng.normal(size=(turned, 4))),
        )
        for place, person, morphs, turned in ((1, 7, 5, 3), (2, 0, 0, 0), (3, 9, 52, 4))
    ]
    message = page_message(2**32 + 41, Fraction(61, 4), people, b"jpeg!")
    version, number, floats, picture = struct.unpack_from("<4I", message)
    assert (version, number, picture) == (1, 41, 5)
    assert message[16 + 4 * floats :] == b"jpeg!"
    numbers = np.frombuffer(message, "<f4", floats, 16)
    assert numbers[:4].tolist() == [15, 0.25, 3, 0]
    at = 4
    for one in people:
        face, more = numbers[at : at + FACE], numbers[at + FACE : at + FACE + 8]
        assert face[0] == one.face.id
        assert np.array_equal(face[2 : 2 + EXPRESSION_COUNT], one.face.params.expression)
        assert more[0] == one.person
        assert np.allclose(more[1:5], one.box)
        assert more[5:].tolist() == [2, len(one.weights), len(one.rotations)]
        at += FACE + 8
        assert np.allclose(numbers[at : at + len(one.weights)], one.weights)
        at += len(one.weights)
        assert np.allclose(numbers[at : at + 4 * len(one.rotations)].reshape(-1, 4), one.rotations)
        at += 4 * len(one.rotations)
    assert at == floats


def test_nobody_is_a_message_too() -> None:
    message = page_message(1, Fraction(0), [])
    assert struct.unpack_from("<4I", message) == (1, 1, 4, 0)
    assert len(message) == 32
