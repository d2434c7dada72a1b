"""Training of close-ups: patches cut by true landmarks, misplaced as SFN's own would be; expression only."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from commedia.losses.faces import FaceTargets, expression_distance
from commedia.networks.ours.close_ups import RegionPatches, region_patches
from commedia.training.batches import SfnBatch, unit_pixels
from commedia.training.crops import STILL, crops
from commedia.training.measures import active_error
from commedia.training.sfn_task import SfnTask
from commedia.training.sheets import faces_sheet
from commedia.training.tasks import Loss, Validation

MISPLACED = 0.02
"""Standard deviation of a shift common to all landmarks, in crop sides (SFN's own error is about 0.02)."""
LOOSE = 0.008
"""The same, of each landmark by itself."""


class CloseUpsTask(SfnTask):
    """See `tasks.Task`."""

    def batch(self, step: int) -> SfnBatch:
        drawn = super().batch(step)
        rng = np.random.default_rng((self.seed, step, 1))
        shape = drawn.targets.landmarks.shape
        shift = rng.normal(0, MISPLACED, (shape[0], 1, 2)) + rng.normal(0, LOOSE, shape)
        misplaced = drawn.targets.landmarks + torch.from_numpy(shift.astype(np.float32))
        return drawn._replace(targets=drawn.targets._replace(landmarks=misplaced))

    def pixels(self, batch: SfnBatch) -> Any:
        return region_patches(unit_pixels(batch.pixels), batch.targets.landmarks)

    def loss(self, outputs: Float[Tensor, "b e"], batch: SfnBatch, tau: float) -> Loss:
        targets = FaceTargets(*(part.to(outputs.device) for part in batch.targets))
        expression = expression_distance(torch.sigmoid(outputs), targets, self.loss_config).mean()
        return Loss(self.loss_config.expression * expression, (("expression", expression),))

    @torch.no_grad()
    def validate(self, network: nn.Module) -> Validation:
        batch, logits = self._held_logits(network, np.arange(len(self.held)))
        loss = self.loss(logits, batch, tau=1.0).total
        error = active_error(torch.sigmoid(logits), batch.targets)
        return Validation(loss=float(loss), error=float("nan"), expression=error, recall=1.0, precision=1.0)

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> np.ndarray:
        few = np.linspace(0, len(self.held) - 1, min(24, len(self.held))).astype(int)
        batch, logits = self._held_logits(network, few)
        points = ((batch.targets.landmarks + 0.5) * batch.pixels.shape[-1]).numpy()
        images = batch.pixels.permute(0, 2, 3, 1).numpy()
        return faces_sheet(images, points, points, torch.sigmoid(logits).numpy(), batch.targets.expression.numpy())

    def _held_logits(self, network: nn.Module, rows: np.ndarray) -> tuple[SfnBatch, Float[Tensor, "b e"]]:
        batch = crops(self.held, rows, STILL, self.model.identity_mirror, np.random.default_rng(self.seed))
        device = next(network.parameters()).device
        parts = zip(*(part.split(128) for part in self.pixels(batch)), strict=True)
        logits = [network(RegionPatches(*(patch.to(device) for patch in part))).float().cpu() for part in parts]
        return batch, torch.cat(logits)
