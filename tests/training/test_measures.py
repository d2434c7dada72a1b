"""Measures of training against those that tables publish."""

import numpy as np
import pytest
import torch

from commedia.evaluation.metrics import blendshape_scores, correlation, geodesic_deg
from commedia.training.measures import angles_deg, correlations, rankings


def test_they_are_what_evaluation_publishes(rng: np.random.Generator) -> None:
    truth = np.clip(rng.normal(size=(300, 52)), 0, 1).astype(np.float32)
    told = np.clip(0.5 * truth + rng.uniform(0, 0.5, truth.shape), 0, 1).astype(np.float32)
    truth[:, 3] = 0  # never active
    both = torch.from_numpy(told), torch.from_numpy(truth)
    wanted = [score.ranking for score in blendshape_scores(told, truth)]
    np.testing.assert_allclose(rankings(*both), wanted, atol=1e-6)
    np.testing.assert_allclose(
        correlations(*both), [correlation(a, b) for a, b in zip(told.T, truth.T, strict=True)], atol=1e-5
    )


def test_a_perfect_order_is_one_and_the_reverse_nothing() -> None:
    truth = torch.tensor([[0.0], [0.0], [0.8], [0.9], [0.3]])
    assert rankings(truth, truth).item() == pytest.approx(1)
    assert rankings(-truth, truth).item() == pytest.approx(0)


def test_angles(rng: np.random.Generator) -> None:
    first, second = rng.normal(size=(2, 50, 4))
    first, second = (q / np.linalg.norm(q, axis=1, keepdims=True) for q in (first, second))
    told = angles_deg(torch.from_numpy(first), torch.from_numpy(second))
    np.testing.assert_allclose(told, geodesic_deg(first, second), atol=1e-4)
