"""One identity for every person: what several pictures of somebody say together of who they are.

A fit to one picture cannot tell a long chin from an open jaw. Each picture says, to second order, how its cost grows as
identity leaves what it found alone; those costs are added up over a person's pictures, the ridge counted once:

    (sum_i S_i + ridge I) z = sum_i (S_i + ridge I) z_i        S_i the information, z_i the identity of picture i
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from commedia.labelling.fit import FittedFaces


def shared_identities(
    names: Sequence[str | None], fitted: FittedFaces, usable: Bool[np.ndarray, "f"], ridge: float
) -> Float[np.ndarray, "f i"]:
    """Give every face of a person with several usable faces that person's identity; NaN for all others."""
    people: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name is not None:
            people.setdefault(name, []).append(row)
    shared = np.full_like(fitted.identity, np.nan)
    for rows in people.values():
        known = [row for row in rows if usable[row]]
        if len(known) > 1:
            shared[rows] = _together(fitted.identity[known], fitted.information[known], ridge)
    return shared


def _together(
    identity: Float[np.ndarray, "n i"], information: Float[np.ndarray, "n i i"], ridge: float
) -> Float[np.ndarray, "i"]:
    # Errors of one teacher on one person repeat themselves: n pictures are worth about the root of n.
    worth = len(identity) ** -0.5
    information = information.astype(np.float64) * worth
    prior = ridge * np.eye(identity.shape[1])
    found = np.einsum("nij,nj->i", information + prior * worth, identity.astype(np.float64))
    return np.linalg.solve(information.sum(axis=0) + prior, found)
