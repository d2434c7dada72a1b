"""Training of the points network (`networks/ours/points.py`): SFN's crops, the head's own points."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from commedia.losses.faces import FaceTargets, Loss
from commedia.losses.points import points_loss, surprise
from commedia.networks.ours.points import PointsRead
from commedia.training.crop_task import CropBatch, CropTask
from commedia.training.face_store import open_store
from commedia.training.measures import correlations, normalised_error
from commedia.training.tasks import RunShare, TaskSetup, split_rows

VALIDATION_MOST = 600


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


class PointsTask(CropTask):
    """See `tasks.Task`. Photographs' points are fitted, and are trusted less than those of drawn faces."""

    mirrored_borders = True

    def __init__(self, setup: TaskSetup):
        store = open_store(setup.pictures.paths)
        share = setup.stage.data.validation_share
        super().__init__(setup, store, *split_rows(store.faces.landmarks, share, VALIDATION_MOST))

    def trusted(self, targets: FaceTargets, rows: np.ndarray) -> FaceTargets:
        trust = np.where(self.store.labelled[rows], self.stage.loss.photographs, 1.0).astype(np.float32)
        return targets._replace(landmark_weight=targets.landmark_weight * torch.from_numpy(trust))

    def loss(self, outputs: PointsRead, batch: CropBatch, run: RunShare) -> Loss:
        return points_loss(outputs, batch.targets_on(outputs.points.device), self.stage.loss)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> PointsValidation:
        batch, read = self.read_held(network, self.held)
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
