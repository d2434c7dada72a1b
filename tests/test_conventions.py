"""The tables of names agree with each other."""

import numpy as np

from commedia import conventions as conv
from commedia.errors import UnknownName


def test_mirroring_twice_is_nothing() -> None:
    for table in (conv.EXPRESSION_MIRROR, conv.LANDMARK_MIRROR):
        twice = np.array(table)[list(table)]
        np.testing.assert_array_equal(twice, np.arange(len(table)))


def test_every_sided_unit_has_its_other_side() -> None:
    for name, mirror in zip(conv.EXPRESSION_NAMES, conv.EXPRESSION_MIRROR, strict=True):
        other = conv.EXPRESSION_NAMES[mirror]
        assert (other == name) == (not name.endswith(("Left", "Right")))


def test_contradictory_pairs_name_two_known_units() -> None:
    for first, second in conv.CONTRADICTORY_PAIRS:
        assert first != second
        assert {first, second} <= set(conv.EXPRESSION_NAMES)


def test_unknown_name_says_what_was_meant() -> None:
    message = str(UnknownName("blendshape", "jawopen", conv.EXPRESSION_NAMES))
    assert "did you mean 'jawOpen'?" in message
    assert "tongueOut" in message
