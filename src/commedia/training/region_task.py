"""Training of SFN with patch readers (`networks/ours/sfn.py`): crops and patches, some without a face."""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.geometry.rotations import yaw_pitch_roll_from_wxyz
from commedia.losses.faces import Loss
from commedia.losses.landmark import projected
from commedia.losses.regions import region_loss
from commedia.networks.ours.sfn import RegionFaces, RegionViews
from commedia.training.batches import gathered
from commedia.training.config import STILL
from commedia.training.face_store import open_store
from commedia.training.measures import active_error, angles_deg, correlations, normalised_error, rankings
from commedia.training.region_batches import RegionBatch, region_batch, region_views
from commedia.training.sfn_task import groups_of, sampling_chances
from commedia.training.sheets import faces_sheet
from commedia.training.tasks import RunShare, TaskSetup, split_rows

VALIDATION_MOST = 600
AT_ONCE = 50
TURNED_DEG = 60.0


class RegionValidation(NamedTuple):
    """How good it is on held-back faces, patches placed by its own points; expression on drawn faces alone.

    Neither loudness nor silence improves all of `auc`, `correlation`, `everywhere` and `resting` together.
    """

    loss: float
    auc: float
    """Mean over blendshapes: active above resting."""
    correlation: float
    """Median over blendshapes."""
    everywhere: float
    """Mean absolute error of all blendshapes."""
    resting: float
    """Mean answer where the truth is 0."""
    active: float
    """Mean absolute error where the truth is above 0.5."""
    pose_deg: float
    pose_turned_deg: float
    """Beyond 60 degrees of yaw."""
    error: float
    """68 points of the head model, % of the root of the box's area."""
    points: float
    """The same of the points that place the patches."""


class RegionTask:
    """See `tasks.Task`."""

    def __init__(self, setup: TaskSetup):
        stage = setup.stage
        self.stage, self.model, self.seed, self.config = stage, setup.model, setup.seed, setup.network.config
        self.store = open_store(setup.pictures.paths)
        training, self.held = split_rows(self.store.faces.landmarks, stage.data.validation_share, VALIDATION_MOST)
        self.chances = sampling_chances(self.store, training, stage.data)
        self.groups = groups_of(self.store, self.chances, stage.data.groups)
        self.epoch_steps = stage.data.epoch_steps or max(1, len(training) // stage.optimisation.batch_size)
        if not setup.network.points.bias.any():
            with torch.no_grad():  # the mean face: reaching it at the optimiser's rate takes 7,000 faces
                setup.network.points.bias.copy_(self._still(self.held).targets.landmarks.mean(0).flatten())

    def batch(self, step: int) -> RegionBatch:
        rng = np.random.default_rng((self.seed, step))
        size = self.stage.data.group_size if self.groups else 1
        rows = rng.choice(len(self.store), self.stage.optimisation.batch_size, p=self.chances)
        if self.groups:
            drawn = self.groups.draw(rng, len(rows) // 2 // size, size).flatten()
            rows[: len(drawn)] = drawn
        augmentation, mirror = self.stage.augmentation, self.model.identity_mirror
        return region_batch(self.store, rows, self.config, augmentation, mirror, rng, group_size=size)

    def pixels(self, batch: RegionBatch) -> RegionViews:
        return region_views(batch, self.stage.augmentation)

    def read(self, network: Any, pixels: RegionViews) -> RegionFaces:
        return network.read(pixels)

    def loss(self, outputs: RegionFaces, batch: RegionBatch, run: RunShare) -> Loss:
        device = outputs.points.device
        targets = type(batch.targets)(*(part.to(device) for part in batch.targets))
        present, model = batch.present.to(device), self.model.landmarks.to(device)
        return region_loss(outputs, targets, present, model, self.stage.loss, batch.group_size)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> RegionValidation:
        batch, read = self._read_held(network, self.held)
        faces, targets = read.faces, batch.targets
        drawn = torch.from_numpy(~self.store.labelled[self.held])
        told, truth = faces.expression[drawn], targets.expression[drawn]
        aside, known = angles_deg(faces.wxyz, targets.wxyz), targets.pose_weight > 0
        yaw = torch.from_numpy(np.degrees(np.abs(yaw_pitch_roll_from_wxyz(targets.wxyz.numpy())[:, 0])))
        return RegionValidation(
            loss=float(region_loss(read, targets, batch.present, self.model.landmarks.cpu(), self.stage.loss).total),
            auc=float(rankings(told, truth).nanmean()),
            correlation=float(correlations(told, truth).median()),
            everywhere=float((told - truth).abs().mean()),
            resting=float(told[truth == 0].mean()),
            active=active_error(faces.expression, targets),
            pose_deg=float(aside[known & (yaw <= TURNED_DEG)].mean()),
            pose_turned_deg=float(aside[known & (yaw > TURNED_DEG)].mean()),
            error=normalised_error(projected(self.model.landmarks.cpu(), faces), targets),
            points=normalised_error(read.points, targets),
        )

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        rows = self.held[np.linspace(0, len(self.held) - 1, min(24, len(self.held))).astype(int)]
        batch, read = self._read_held(network, rows)
        points = projected(self.model.landmarks.cpu(), read.faces)
        return faces_sheet(batch.crops, points, read.faces.expression, batch.targets)

    def _still(self, rows: np.ndarray) -> RegionBatch:
        chance = np.random.default_rng(self.seed)
        return region_batch(self.store, rows, self.config, STILL, self.model.identity_mirror, chance, varied=False)

    def _read_held(self, network: Any, rows: np.ndarray) -> tuple[RegionBatch, RegionFaces]:
        """Run over whole crops in slices, as inference does; results on the CPU."""
        batch, device = self._still(rows), next(network.parameters()).device
        return batch, gathered([network.read_crops(_unit(part.to(device))) for part in batch.crops.split(AT_ONCE)])


def _unit(crops: UInt8[Tensor, "b h w 3"]) -> Float[Tensor, "b 3 h w"]:
    return crops.movedim(-1, -3).contiguous().float() / 255
