"""Spread points: on the face, where it moves, all different."""

import numpy as np

from commedia.face_model.model import face_vertices, load_head
from commedia.face_model.spread import LEAST_MOVE_M, spread_vertices


def test_they_are_different_moving_vertices_of_the_face_and_always_the_same() -> None:
    head = load_head()
    chosen = spread_vertices(head, 96)
    assert len(set(chosen.tolist())) == 96
    assert set(chosen.tolist()) <= set(face_vertices(head).tolist())
    moves = np.linalg.norm(head.model.expression_basis[:, chosen], axis=-1).max(0)
    assert moves.min() > LEAST_MOVE_M
    np.testing.assert_array_equal(chosen[:20], spread_vertices(head, 20))
