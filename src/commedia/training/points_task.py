"""Training of the points network (`networks/ours/points.py`): SFN's crops, the head's own points."""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.losses.faces import FaceTargets, Loss
from commedia.losses.points import points_loss, surprise
from commedia.networks.ours.points import PointsRead
from commedia.training.batches import gathered, unit_pixels
from commedia.training.config import STILL, Augmentation
from commedia.training.face_store import open_store
from commedia.training.measures import correlations, normalised_error
from commedia.training.region_batches import coloured, region_crops
from commedia.training.sfn_task import sampling_chances
from commedia.training.sheets import faces_sheet
from commedia.training.tasks import RunShare, TaskSetup, split_rows

VALIDATION_MOST = 600
AT_ONCE = 50


class PointsBatch(NamedTuple):
    """Crops and the truth in crop units; trust in the points of photographs is less."""

    crops: UInt8[Tensor, "b n n 3"]
    targets: FaceTargets
    seed: int
    """Of the colours."""


class PointsValidation(NamedTuple):
    """How good it is on held-back faces; errors in % of the root of the box's area."""

    loss: float
    drawn: float
    begun: float
    """Of the trunk's points, on drawn faces."""
    first: float
    """After the first time."""
    photographs: float
    sure: float
    """Mean length of a drawn point's error as weighed by how sure it was; 2 where it is right."""
    identity: float
    """Median correlation of the identity's components, on drawn faces."""


class PointsTask:
    """See `tasks.Task`."""

    def __init__(self, setup: TaskSetup):
        stage = setup.stage
        self.stage, self.model, self.seed = stage, setup.model, setup.seed
        self.store = open_store(setup.pictures.paths)
        training, self.held = split_rows(self.store.faces.landmarks, stage.data.validation_share, VALIDATION_MOST)
        self.chances = sampling_chances(self.store, training, stage.data)
        self.epoch_steps = stage.data.epoch_steps or max(1, len(training) // stage.optimisation.batch_size)

    def batch(self, step: int) -> PointsBatch:
        rng = np.random.default_rng((self.seed, step))
        rows = rng.choice(len(self.store), self.stage.optimisation.batch_size, p=self.chances)
        return self._cut(rows, self.stage.augmentation, rng, varied=True)

    def pixels(self, batch: PointsBatch) -> Float[Tensor, "b 3 n n"]:
        return coloured([batch.crops], self.stage.augmentation, batch.seed)[0]

    def read(self, network: Any, pixels: Tensor) -> PointsRead:
        return network.read(pixels)

    def loss(self, outputs: PointsRead, batch: PointsBatch, run: RunShare) -> Loss:
        device = outputs.points.device
        return points_loss(outputs, FaceTargets(*(part.to(device) for part in batch.targets)), self.stage.loss)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> PointsValidation:
        batch, read = self._read_held(network, self.held)
        targets, labelled = batch.targets, torch.from_numpy(self.store.labelled[self.held])
        of = {
            kind: FaceTargets(*(part[rows] for part in targets))
            for kind, rows in (("drawn", ~labelled), ("photographs", labelled))
        }
        known = targets.identity_weight > 0
        weighed = surprise(read.points, read.sure, targets.landmarks) + read.sure[..., [0, 2]].log().sum(-1)
        return PointsValidation(
            loss=float(points_loss(read, targets, self.stage.loss).total),
            drawn=normalised_error(read.points[~labelled], of["drawn"]),
            begun=normalised_error(read.begun[~labelled], of["drawn"]),
            first=normalised_error(read.first[~labelled], of["drawn"]),
            photographs=normalised_error(read.points[labelled], of["photographs"]),
            sure=float(weighed[~labelled].mean()),
            identity=float(correlations(read.identity[known], targets.identity[known]).median()),
        )

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        rows = self.held[np.linspace(0, len(self.held) - 1, min(24, len(self.held))).astype(int)]
        batch, read = self._read_held(network, rows)
        return faces_sheet(batch.crops, read.points, None, batch.targets)

    def _read_held(self, network: Any, rows: np.ndarray) -> tuple[PointsBatch, PointsRead]:
        """Run over crops as inference sees them, in slices; results on the CPU."""
        device = next(network.parameters()).device
        batch = self._cut(rows, STILL, np.random.default_rng(self.seed), varied=False)
        slices = batch.crops.to(device).movedim(-1, -3).contiguous().split(AT_ONCE)
        return batch, gathered([network.read(unit_pixels(part)) for part in slices])

    def _cut(self, rows: np.ndarray, config: Augmentation, rng: np.random.Generator, *, varied: bool) -> PointsBatch:
        # No crop without a face: nobody asks this network whether there is one.
        cut = region_crops(self.store, rows, config, self.model.identity_mirror, rng, varied=varied, elsewhere=False)
        trust = np.where(self.store.labelled[rows], self.stage.loss.photographs, 1.0).astype(np.float32)
        weight = cut.targets.landmark_weight * torch.from_numpy(trust)
        return PointsBatch(cut.crops, cut.targets._replace(landmark_weight=weight), int(rng.integers(2**31)))
