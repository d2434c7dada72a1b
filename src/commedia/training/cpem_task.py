"""Training of CPEM: frames of one person side by side, drawn again from what the network says of them."""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.losses.cpem import Explained, cpem_loss
from commedia.losses.exclusive import together
from commedia.losses.faces import FaceTargets, Loss
from commedia.networks.paper3.cpem import CpemOutputs
from commedia.networks.registry import spec_of
from commedia.training.batches import SfnBatch, gathered, unit_pixels
from commedia.training.config import STILL
from commedia.training.cpem_face import CpemFace
from commedia.training.crops import crops
from commedia.training.measures import active_error, angles_deg, correlations, normalised_error, rankings
from commedia.training.sfn_task import groups_of, sampling_chances
from commedia.training.sheets import faces_sheet, grid_of
from commedia.training.tasks import AT_THE_END, RunShare, TaskSetup, split_rows

VALIDATION_MOST = 600
AT_ONCE = 50


class CpemBatch(NamedTuple):
    """Rows for the network; the first `groups` times `group_size` are frames of one person each."""

    crops: SfnBatch
    groups: int
    group_size: int


class CpemValidation(NamedTuple):
    """How good it is on held-back pictures; expression and identity on drawn faces alone, whose truth is exact."""

    loss: float
    auc: float
    """Mean over blendshapes: active above resting."""
    correlation: float
    """Median over blendshapes."""
    everywhere: float
    """Mean absolute error of all blendshapes."""
    active: float
    """Mean absolute error where the truth is above 0.5."""
    contradiction: float
    """Mean weight of the weaker of two contradictory blendshapes."""
    identity: float
    """Median correlation of the identity's components with the truth."""
    pose_deg: float
    error: float
    """68 points, % of the root of the box's area."""
    photometric: float
    """Of photographs, 0 to 1; NaN without any."""


class CpemTask:
    """See `tasks.Task`."""

    def __init__(self, setup: TaskSetup):
        stage = setup.stage
        self.stage, self.seed, self.loss_config = stage, setup.seed, stage.loss
        self.size, self.mirror = spec_of(setup.network).input_size, setup.model.identity_mirror
        self.face = CpemFace(setup.model)
        pictures = setup.pictures.face_crops
        training, held = split_rows(pictures.faces.landmarks, stage.data.validation_share, VALIDATION_MOST)
        self.pictures, self.held = pictures, pictures.at(held)
        self.chances = sampling_chances(pictures, training, stage.data)
        self.groups = groups_of(pictures, self.chances, stage.data.groups)
        self.epoch_steps = stage.data.epoch_steps or max(1, len(training) // stage.optimisation.batch_size)

    def batch(self, step: int) -> CpemBatch:
        rng = np.random.default_rng((self.seed, step))
        data, count = self.stage.data, self.stage.optimisation.batch_size
        groups = int(data.grouped_share * count) // data.group_size if self.groups else 0
        grouped = [] if self.groups is None else [self._cut(self.groups.draw(rng, groups, data.group_size), rng)]
        singles = count - groups * data.group_size
        alone = [self._cut(rng.choice(len(self.pictures), singles, p=self.chances), rng)] if singles else []
        return CpemBatch(_joined([*grouped, *alone]), groups, data.group_size)

    def pixels(self, batch: CpemBatch) -> Tensor:
        return unit_pixels(batch.crops.pixels)

    def read(self, network: Any, pixels: Tensor) -> CpemOutputs:
        return network.read(pixels)

    def loss(self, outputs: CpemOutputs, batch: CpemBatch, run: RunShare) -> Loss:
        device = outputs.identity.device
        self.face.to(device)
        targets = FaceTargets(*(part.to(device) for part in batch.crops.targets))
        # What is drawn takes most of the time beside a small network: where there are groups, they alone are drawn.
        drawn = batch.groups * batch.group_size or len(outputs.identity)
        outputs = CpemOutputs(*(part.float() for part in outputs))
        explained = Explained(self.face.points(outputs), self._photometric(outputs, batch.crops, slice(drawn)))
        sizes = {"groups": batch.groups, "group_size": batch.group_size}
        return cpem_loss(outputs, explained, targets, self.loss_config, **sizes, share=run.share)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> CpemValidation:
        batch, outputs = self._read_held(network, np.arange(len(self.held)))
        targets, drawn = batch.targets, torch.from_numpy(~self.held.labelled)
        points, photographs = self.face.points(outputs), torch.from_numpy(self.held.labelled).nonzero()[:, 0]
        errors = self._photometric(outputs, batch, photographs)
        explained = Explained(points, errors)
        loss = cpem_loss(outputs, explained, targets, self.loss_config, groups=0, group_size=1, share=AT_THE_END.share)
        told, truth = outputs.expression[drawn], targets.expression[drawn]
        known = targets.pose_weight > 0
        return CpemValidation(
            loss=float(loss.total),
            auc=float(rankings(told, truth).nanmean()),
            correlation=float(correlations(told, truth).median()),
            everywhere=float((told - truth).abs().mean()),
            active=active_error(told, FaceTargets(*(part[drawn] for part in targets))),
            contradiction=float(together(outputs.expression).mean()),
            identity=float(correlations(outputs.identity[drawn], targets.identity[drawn]).median()),
            pose_deg=float(angles_deg(outputs.wxyz, targets.wxyz)[known].mean()),
            error=normalised_error(points, targets),
            photometric=float(errors.mean()),
        )

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        """Points and blendshapes, and below them what was drawn, over the pictures it should explain."""
        rows = np.linspace(0, len(self.held) - 1, min(12, len(self.held))).astype(int)
        batch, outputs = self._read_held(network, rows)
        plain = batch.pixels.permute(0, 2, 3, 1)
        above = faces_sheet(plain, self.face.points(outputs), outputs.expression, batch.targets)
        pictures = self.face.pictures(outputs, self.size)
        laid = torch.where(pictures.mask[..., None], 255 * pictures.image.clamp(0, 1), plain.float()).byte().numpy()
        below = grid_of(list(laid))
        missing = above.shape[1] - below.shape[1]
        return np.concatenate([above, np.pad(below, ((0, 0), (0, missing), (0, 0)))])

    def _photometric(self, outputs: CpemOutputs, batch: SfnBatch, rows: slice | Tensor) -> Float[Tensor, "r"]:
        some = CpemOutputs(*(part[rows] for part in outputs))
        if not self.loss_config.photometric or not len(some.identity):
            return some.identity.new_zeros(0)
        device = some.identity.device
        pixels, masks = batch.pixels[rows].to(device), None if batch.masks is None else batch.masks[rows].to(device)
        return self.face.photometric(some, pixels, masks, self.loss_config.picture_px)

    def _cut(self, rows: np.ndarray, rng: np.random.Generator) -> SfnBatch:
        return crops(self.pictures, rows, self.stage.augmentation, self.mirror, rng, size=self.size)

    def _read_held(self, network: Any, rows: np.ndarray) -> tuple[SfnBatch, CpemOutputs]:
        """Run over held-back crops in slices, results on the CPU."""
        batch = crops(self.held, rows, STILL, self.mirror, np.random.default_rng(self.seed), size=self.size)
        self.face.cpu()
        device = next(network.parameters()).device
        return batch, gathered([network.read(unit_pixels(part.to(device))) for part in batch.pixels.split(AT_ONCE)])


def _joined(parts: list[SfnBatch]) -> SfnBatch:
    """Batches one after the other."""
    targets = FaceTargets(*(torch.cat(same) for same in zip(*(part.targets for part in parts), strict=True)))
    masks = [part.masks for part in parts if part.masks is not None]
    return SfnBatch(torch.cat([part.pixels for part in parts]), targets, masks=torch.cat(masks) if masks else None)
