"""What training needs of the head model: its 68 points as a torch layer, and how identities mirror."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import nn

from commedia.face_model.model import HeadModel, head_or_default


class FaceModel(NamedTuple):
    """A face model reduced to the points the losses look at."""

    landmarks: nn.Module
    """(identity, expression) -> (b, 68, 3) in metres."""
    identity_mirror: Float[np.ndarray, "i"]
    """+1 for a symmetric identity component, -1 for an antisymmetric one."""
    sha256: str = ""
    """Of the head's file: weights are of use only with the head they were trained for."""
    head: HeadModel | None = None
    """All of it, for losses that look at other points too; None is the default head."""


def default_face_model(head: HeadModel | None = None) -> FaceModel:
    """Reduce a head, None for the one that ships with the package."""
    from commedia.face_model.landmarks import load_scheme
    from commedia.face_model.layer import MorphableLayer

    head = head_or_default(head)
    return FaceModel(MorphableLayer(head.model).reduced(load_scheme("ibug68")), head.identity_mirror, head.sha256, head)
