"""Weights of the head model's blendshapes that come nearest to what a drawn person does, as far as they move the face.

A drawn person smiles farther than the head model or less far, and in a shape of their own: their label says how much of
their own smile it is, these say how much of the head model's, so that they may pass 1 or fall below 0.
"""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float

from commedia.conventions import EXPRESSION_COUNT
from commedia.face_model.model import HeadModel
from commedia.face_model.rest_shape import moved_mm
from commedia.synthetic.deviations import WAVES, deviation_of
from commedia.synthetic.performers import Performer

STIFF_MM = 0.55
"""What a weight changes by is worth this much distance: a thousandth of a millimetre is no reason for large weights."""


def shape_weights(performer: Performer, head: HeadModel) -> Float[np.ndarray, "52"]:
    """Weights of one frame; lids that meet early count as if they did not."""
    weights = performer.truth.expression * performer.sizes
    own = weights[:, None, None] * performer.deviations
    return (weights + own.ravel() @ _of_deviations(head)).astype(np.float32)


@lru_cache(maxsize=2)
def _of_deviations(head: HeadModel) -> Float[np.ndarray, "a 52"]:
    """Each amplitude of a deviation as the weights that come nearest."""
    shape = EXPRESSION_COUNT, 4, WAVES
    units = np.eye(int(np.prod(shape)), dtype=np.float32).reshape(-1, *shape)
    one = torch.ones(EXPRESSION_COUNT)
    moved = moved_mm(head, np.stack([deviation_of(head, one, torch.from_numpy(unit)).numpy() for unit in units]))
    basis = moved_mm(head, head.model.expression_basis)
    pull = basis @ basis.T + STIFF_MM**2 * np.eye(EXPRESSION_COUNT)
    return np.linalg.solve(pull, basis @ moved.T).T
