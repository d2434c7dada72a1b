"""Parameters to vertices in numpy: the readable reference that `layer.py` must equal."""

import numpy as np
from jaxtyping import Float

from commedia.morphable.model import MorphableModel


def vertices_from_params(
    model: MorphableModel, identity: Float[np.ndarray, "i"], expression: Float[np.ndarray, "e"]
) -> Float[np.ndarray, "v 3"]:
    """Add weighted displacements to the mean: V = mean + sum_k identity_k B_k + sum_j expression_j E_j.

    In metres of the head frame, before head pose. Weights outside [0, 1] are taken as they are.

    Reference:
        Chaudhuri et al. 2019, Eq. 1 in its linear form.
    """
    dtype = model.mean.dtype
    moved = np.tensordot(identity.astype(dtype), model.identity_basis, axes=1)
    moved += np.tensordot(expression.astype(dtype), model.expression_basis, axes=1)
    return model.mean + moved
