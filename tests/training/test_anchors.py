"""K-means anchors: clusters that are there are found, whatever the order of the boxes."""

import numpy as np
import pytest

from commedia.training.anchors import anchors_from_sizes, overlaps


def test_clusters_are_found(rng: np.random.Generator) -> None:
    centers = np.array([[0.4, 0.5], [1.0, 1.2], [2.0, 2.5], [4.0, 3.5], [6.0, 7.0]])
    sizes = np.concatenate([center * rng.uniform(0.95, 1.05, (40, 2)) for center in centers])
    rng.shuffle(sizes)
    np.testing.assert_allclose(anchors_from_sizes(sizes), centers, rtol=0.02)


def test_overlap_on_a_common_centre() -> None:
    assert overlaps(np.array([[2.0, 1.0]]), np.array([[1.0, 2.0]]))[0, 0] == pytest.approx(1 / 3)


def test_too_few_boxes() -> None:
    with pytest.raises(ValueError, match="at least 5"):
        anchors_from_sizes(np.ones((3, 2)))
