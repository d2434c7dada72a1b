"""What a face cannot make gives way, and nothing else does; nothing jumps."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import fake_params

from commedia.conventions import CONTRADICTORY_PAIRS, EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_MIRROR
from commedia.retarget.performance_edit import PerformanceEdit
from commedia.retarget.possible import contradiction, possible_expression


def face(**weights: float) -> np.ndarray:
    expression = np.zeros(EXPRESSION_COUNT, np.float32)
    for name, weight in weights.items():
        expression[EXPRESSION_INDEX[name]] = weight
    return expression


def test_what_a_face_can_make_stays_as_it_is() -> None:
    said = face(jawOpen=0.9, browInnerUp=0.7, browOuterUpLeft=0.2, eyeWideLeft=0.6, mouthSmileRight=1.0, mouthLeft=0.3)
    assert np.array_equal(possible_expression(said), said)
    assert contradiction(said[None]).tolist() == [0]


@pytest.mark.parametrize(("first", "second"), CONTRADICTORY_PAIRS)
def test_the_weaker_gives_way_and_the_stronger_stays(first: str, second: str) -> None:
    for strong, weak in ((first, second), (second, first)):
        shown = possible_expression(face(**{strong: 0.9, weak: 0.3}))
        np.testing.assert_allclose(shown, face(**{strong: 0.9}), atol=1e-6)
        # Two thirds of the stronger keep half of themselves.
        shown = possible_expression(face(**{strong: 0.9, weak: 0.6}))
        np.testing.assert_allclose(shown, face(**{strong: 0.9, weak: 0.3}), atol=1e-6)
    both = face(**{first: 0.5, second: 0.5})
    np.testing.assert_allclose(possible_expression(both), both, atol=1e-6)
    assert contradiction(both[None]).tolist() == pytest.approx([0.5 / len(CONTRADICTORY_PAIRS)])


def test_nothing_jumps_and_nothing_grows() -> None:
    rng = np.random.default_rng(0)
    start, end = rng.uniform(size=(2, EXPRESSION_COUNT))
    way = start + np.linspace(0, 1, 2001)[:, None] * (end - start)
    shown = possible_expression(way)
    assert np.abs(np.diff(shown, axis=0)).max() < 0.01
    assert (shown <= way).all()
    assert contradiction(shown).mean() < contradiction(way).mean()


def test_a_mirror_changes_nothing_about_it() -> None:
    said = np.random.default_rng(1).uniform(size=(5, EXPRESSION_COUNT))
    order = list(EXPRESSION_MIRROR)
    np.testing.assert_allclose(possible_expression(said[:, order]), possible_expression(said)[:, order])


def test_characters_play_it_where_that_is_asked_for() -> None:
    params = replace(fake_params(np.zeros(2), 100.0), expression=face(jawLeft=0.9, jawRight=0.2, jawOpen=0.4))
    assert np.array_equal(PerformanceEdit().applied(params).expression, params.expression)
    shown = PerformanceEdit(possible=True).applied(params).expression
    np.testing.assert_allclose(shown, face(jawLeft=0.9, jawOpen=0.4), atol=1e-6)
