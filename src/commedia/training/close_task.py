"""Training of SFN with close-ups as one network: Eq. 3 and points, and each part still answers for itself."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.losses.faces import FaceTargets
from commedia.losses.parameters import expression_entropy
from commedia.networks.heads import FaceOutputs
from commedia.networks.ours.sfn_close import CloselyReadFaces
from commedia.networks.ours.sfn_points import PointedFaces
from commedia.training.batches import SfnBatch
from commedia.training.points_task import PointsTask
from commedia.training.tasks import Loss

PARTS_WEIGHT = 2.0
"""Of the cross-entropy of either part's own opinion: what one part says well, the other need not learn to correct."""
ACTIVE_WEIGHT = 3.0
"""Of units that move, in that cross-entropy."""

FAINT_TRUST = 0.03
"""In photographs: that a unit rests of which no label tells (`teacher-trust.toml` believes 0 of those)."""
RARE_TRUST = 0.3
"""The same for `RARE_UNITS`: who looks into a camera hardly ever does them."""
RARE_UNITS = ("cheekPuff", "jawForward", "jawLeft", "jawRight", "tongueOut")
HARD_UNITS = ("jawLeft", "jawRight", "noseSneerLeft", "noseSneerRight")
HARD_WEIGHT = 4.0
"""Of `HARD_UNITS`, which few pixels or small shifts tell, and the errors of all the others drown."""

_LEAST_TRUST = torch.full((EXPRESSION_COUNT,), FAINT_TRUST)
_LEAST_TRUST[[EXPRESSION_INDEX[name] for name in RARE_UNITS]] = RARE_TRUST
_WEIGHTS = torch.ones(EXPRESSION_COUNT)
_WEIGHTS[[EXPRESSION_INDEX[name] for name in HARD_UNITS]] = HARD_WEIGHT


class CloseTask(PointsTask):
    """See `tasks.Task`. Begins with a file of `scripts/join_close_ups.py`."""

    def read(self, network: Any, pixels: Tensor) -> CloselyReadFaces:
        return network.read(pixels)

    def loss(self, outputs: Any, batch: SfnBatch, tau: float) -> Loss:
        faces, points, parts, spread, _ = outputs
        batch = batch._replace(targets=weighed(faintly_resting(batch.targets)))
        loss = super().loss(PointedFaces(faces, points, parts[0], spread), batch, tau)
        targets = FaceTargets(*(part.to(points.device) for part in batch.targets))
        opinions = torch.stack([_entropy(part, targets) for part in parts]).sum()
        return Loss(loss.total + PARTS_WEIGHT * opinions, (*loss.parts, ("parts", opinions)))

    def _faces(self, network: Any, pixels: Tensor) -> FaceOutputs:
        return network.read(pixels).faces


def faintly_resting(targets: FaceTargets) -> FaceTargets:
    """Believe a little that units rest which nobody can label.

    Unasked, a network that knows puffed cheeks from drawn faces alone said 0.29 of the average photograph.
    """
    return targets._replace(expression_trust=targets.expression_trust.maximum(_LEAST_TRUST))


def weighed(targets: FaceTargets) -> FaceTargets:
    """Let hard units count for more."""
    return targets._replace(expression_trust=targets.expression_trust * _WEIGHTS)


def _entropy(logits: Float[Tensor, "b e"], targets: FaceTargets) -> Float[Tensor, ""]:
    """As the parts were trained before they met."""
    return expression_entropy(
        torch.sigmoid(logits), targets.expression, targets.expression_trust, active_weight=ACTIVE_WEIGHT
    ).mean()
