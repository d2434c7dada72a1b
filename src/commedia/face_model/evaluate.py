"""Parameters to vertices in numpy: the readable reference that `layer.py` must equal."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from commedia.face_model.model import MorphableModel


def vertices_from_params(
    model: MorphableModel, identity: Float[np.ndarray, "i"], expression: Float[np.ndarray, "e"]
) -> Float[np.ndarray, "v 3"]:
    """Add weighted displacements to the mean: V = mean + sum_k p_k B_k + sum_j q_j E_j + sum_kj p_k q_j C_kj.

    In metres of the head frame, before head pose. Weights outside [0, 1] are taken as they are.

    Reference:
        Chaudhuri et al. 2019, Eq. 1, with the neutral's weight 1 - sum_j q_j substituted; linear models have no C.
    """
    dtype = model.mean.dtype
    identity, expression = identity.astype(dtype), expression.astype(dtype)
    moved = np.tensordot(identity, model.identity_basis, axes=1)
    moved += np.tensordot(expression, model.expression_basis, axes=1)
    if (crossed := model.interaction) is not None:
        changes = np.tensordot(identity, crossed.basis, axes=1)
        moved[crossed.vertices] += np.tensordot(expression[crossed.expressions], changes, axes=1)
    return model.mean + moved


def blendshapes_of_identity(model: MorphableModel, identity: Float[np.ndarray, "i"]) -> Float[np.ndarray, "e v 3"]:
    """Return the displacements of somebody's blendshapes at weight 1: in a linear model the same for everybody."""
    if (crossed := model.interaction) is None:
        return model.expression_basis
    found = model.expression_basis.copy()
    changes = np.tensordot(identity.astype(found.dtype), crossed.basis, axes=1)
    found[np.ix_(crossed.expressions, crossed.vertices)] += changes
    return found


def model_of_identity(model: MorphableModel, identity: Float[np.ndarray, "i"]) -> MorphableModel:
    """Return the linear model of one person alone, without a basis of identities: for many of their expressions."""
    shapes, at_rest = blendshapes_of_identity(model, identity), np.zeros(len(model.expression_basis))
    neutral, nobody = vertices_from_params(model, identity, at_rest), model.identity_basis[:0]
    return replace(model, mean=neutral, identity_basis=nobody, expression_basis=shapes, interaction=None)
