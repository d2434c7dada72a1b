"""What tasks share whose networks read nothing but SFN's crops of stored faces: batches, and those held back, read."""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.losses.faces import FaceTargets
from commedia.training.batches import gathered, unit_pixels
from commedia.training.config import STILL, Augmentation
from commedia.training.face_store import FaceStore
from commedia.training.region_batches import coloured, region_crops
from commedia.training.sfn_task import sampling_chances
from commedia.training.sheets import faces_sheet
from commedia.training.tasks import TaskSetup

AT_ONCE = 50


class CropBatch(NamedTuple):
    """Crops and the truth in crop units."""

    crops: UInt8[Tensor, "b n n 3"]
    targets: FaceTargets
    seed: int
    """Of the colours."""

    def targets_on(self, device: torch.device) -> FaceTargets:
        return FaceTargets(*(part.to(device) for part in self.targets))


class CropTask:
    """See `tasks.Task`; what is missing is the loss and `validate`."""

    mirrored_borders = False
    """Whether beyond a picture's edge some of training's crops show it mirrored, not grey."""

    def __init__(self, setup: TaskSetup, store: FaceStore, training: np.ndarray, held: np.ndarray):
        """Rows of the store are trained on or held back."""
        stage = setup.stage
        self.stage, self.model, self.seed, self.store, self.held = stage, setup.model, setup.seed, store, held
        self.chances = sampling_chances(store, training, stage.data)
        self.epoch_steps = stage.data.epoch_steps or max(1, len(training) // stage.optimisation.batch_size)

    def batch(self, step: int) -> CropBatch:
        rng = np.random.default_rng((self.seed, step))
        rows = rng.choice(len(self.store), self.stage.optimisation.batch_size, p=self.chances)
        return self._cut(rows, self.stage.augmentation, rng, varied=self.mirrored_borders)

    def pixels(self, batch: CropBatch) -> Float[Tensor, "b 3 n n"]:
        return coloured([batch.crops], self.stage.augmentation, batch.seed)[0]

    def read(self, network: Any, pixels: Tensor) -> Any:
        return network.read(pixels)

    def trusted(self, targets: FaceTargets, rows: np.ndarray) -> FaceTargets:
        """Say how far the truth about some rows counts; as it came, unless a task knows better."""
        return targets

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        few = np.linspace(0, len(self.held) - 1, min(24, len(self.held))).astype(int)
        batch, read = self.read_held(network, self.held[few])
        return faces_sheet(batch.crops, read.points, getattr(read, "expression", None), batch.targets)

    def read_held(self, network: Any, rows: np.ndarray) -> tuple[CropBatch, Any]:
        """Run over crops as inference sees them, in slices; results on the CPU."""
        device = next(network.parameters()).device
        batch = self._cut(rows, STILL, np.random.default_rng(self.seed), varied=False)
        slices = batch.crops.to(device).movedim(-1, -3).contiguous().split(AT_ONCE)
        return batch, gathered([network.read(unit_pixels(part)) for part in slices])

    def _cut(self, rows: np.ndarray, config: Augmentation, rng: np.random.Generator, *, varied: bool) -> CropBatch:
        # No crop without a face: nobody asks these networks whether there is one.
        cut = region_crops(self.store, rows, config, self.model.identity_mirror, rng, varied=varied, elsewhere=False)
        return CropBatch(cut.crops, self.trusted(cut.targets, rows), int(rng.integers(2**31)))
