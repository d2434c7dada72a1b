"""Still faces on heads that turn: jitter by hand, and the expression that keeps points in place once it is known who
it is."""

from dataclasses import replace

import numpy as np
import pytest

from commedia.evaluation.paper3_still import Clips, given_identity, jitter, spread
from commedia.face_model.evaluate import vertices_from_params
from commedia.face_model.landmarks import load_scheme, reduced_model
from commedia.face_model.model import MorphableModel, load_head


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return reduced_model(load_head().model, load_scheme("ibug68"))


def test_jitter_and_spread_by_hand() -> None:
    values = np.array([[[0.0], [0.3], [0.0]], [[1.0], [1.0], [1.0]]])
    assert jitter(values) == pytest.approx(np.sqrt((0.09 + 0.09) / 4))
    assert spread(values) == pytest.approx(np.sqrt((0.01 + 0.04 + 0.01) / 6))


def test_who_is_always_the_same_keeps_every_expression(model: MorphableModel) -> None:
    rng = np.random.default_rng(0)
    clips = Clips(rng.normal(size=(2, 1, 50)).repeat(5, axis=1), rng.uniform(size=(2, 5, 52)))
    np.testing.assert_allclose(given_identity(clips, model, 0.1), clips.expression, atol=1e-9)


def test_an_identity_that_makes_up_for_the_expression_gives_it_back(model: MorphableModel) -> None:
    """A face that stays, read with an identity that trembles and the expression that hides it: both are calm again."""
    rng = np.random.default_rng(1)
    linear = replace(model, interaction=None)
    face = rng.uniform(0.3, 0.5, size=52)
    wrong = 0.02 * rng.normal(size=(1, 6, 52))
    wrong -= wrong.mean(1, keepdims=True)
    # A basis whose first components look like blendshapes.
    alike = replace(linear, identity_basis=linear.expression_basis[:50].copy())
    hidden = np.zeros((1, 6, 50))
    hidden[..., :50] = wrong[..., :50]
    wrong[..., 50:] = 0
    clips = Clips(hidden, face - wrong)
    points = [
        vertices_from_params(alike, identity, expression)
        for identity, expression in zip(clips.identity[0], clips.expression[0], strict=True)
    ]
    assert np.ptp(points, axis=0).max() < 1e-6
    given = given_identity(clips, alike, 1e-6)
    moved = [vertices_from_params(alike, 0 * clips.identity[0, 0], expression) for expression in given[0]]
    assert np.ptp(moved, axis=0).max() < 2e-5
    assert jitter(given) < 0.7 * jitter(clips.expression)
