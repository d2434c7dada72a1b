"""Training of what joins SFN and close-ups: the two stay as they are, expression only."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from commedia.losses.faces import FaceTargets
from commedia.losses.parameters import expression_entropy
from commedia.networks.heads import FaceOutputs
from commedia.networks.sfn_close import SfnClose
from commedia.training.batches import SfnBatch
from commedia.training.config import Recipe
from commedia.training.face_model import FaceModel
from commedia.training.sfn_task import SfnTask
from commedia.training.tasks import Loss


class TogetherTask(SfnTask):
    """See `tasks.Task`. Begins with a file of `scripts/join_close_ups.py`."""

    def __init__(self, recipe: Recipe, shards: Sequence[Path], model: FaceModel, seed: int):
        super().__init__(recipe, shards, model, seed)
        assert isinstance(self.network, SfnClose)
        for part in (self.network.base, self.network.close_ups):
            freeze(part)

    def loss(self, outputs: FaceOutputs, batch: SfnBatch, tau: float) -> Loss:
        targets = FaceTargets(*(part.to(outputs.expression.device) for part in batch.targets))
        expression = expression_entropy(
            outputs.expression,
            targets.expression,
            targets.expression_trust,
            active_weight=self.loss_config.active_weight,
        ).mean()
        return Loss(self.loss_config.expression * expression, (("expression", expression),))


def freeze(part: nn.Module) -> None:
    """Keep weights and, since the loop never calls train() on a network, running statistics too."""
    part.eval().requires_grad_(False)
