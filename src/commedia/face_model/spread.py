"""Points spread over a face where expressions move it: dense where much happens, none where nothing does."""

import numpy as np
from jaxtyping import Int

from commedia.face_model.model import HeadModel, face_vertices

LEAST_MOVE_M = 1.5e-3
"""A vertex that no unit moves farther than this says nothing about expression."""
MOVE_SHARE = 0.7
"""Distances count places fully and every unit's displacement by this share, so that both lips of a seam are chosen."""


def spread_vertices(head: HeadModel, count: int) -> Int[np.ndarray, "count"]:
    """Choose vertices of the face far apart in place and in how they move; the same ones every time.

    Reference:
        Gonzalez 1985, farthest-first traversal.
    """
    model = head.model
    moves = np.linalg.norm(model.expression_basis, axis=-1).max(0)
    candidates = np.array([vertex for vertex in face_vertices(head) if moves[vertex] > LEAST_MOVE_M])
    displaced = np.moveaxis(model.expression_basis[:, candidates], 0, 1).reshape(len(candidates), -1)
    places = np.concatenate([model.mean[candidates], MOVE_SHARE * displaced], axis=1)
    chosen = [0]
    distance = np.linalg.norm(places - places[0], axis=1)
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(places - places[chosen[-1]], axis=1))
    return candidates[chosen]
