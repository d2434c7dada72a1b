"""Training of SFN: one augmented crop per face, Eq. 3."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.detect.crop import crop_from_landmarks
from commedia.losses.faces import DM_PER_M, FaceLossConfig, FaceTargets, face_loss
from commedia.losses.landmark import project
from commedia.networks.heads import FaceOutputs
from commedia.networks.networks import SfnNetworkConfig, network_for
from commedia.networks.sfn import SFN_SIZE
from commedia.training.augment import varied
from commedia.training.batches import SfnBatch, pixels_from_images, sfn_targets, unit_pixels
from commedia.training.config import Augmentation, DataConfig, Recipe
from commedia.training.face_model import FaceModel
from commedia.training.labels import FaceArrays, Placement, joined, placed
from commedia.training.measures import active_error, normalised_error
from commedia.training.pictures import Singles, load_singles, shard_paths, warp
from commedia.training.sheets import faces_sheet
from commedia.training.tasks import Loss, Validation, split_rows

STILL = Augmentation(scale=(1.0, 1.0), shift=0.0, roll_deg=0.0, colour=0.0)
"""No variation: the crop that inference sees."""

VALIDATION_MOST = 1000


class SfnTask:
    """See `tasks.Task`."""

    def __init__(self, recipe: Recipe, shards: Sequence[Path], model: FaceModel, seed: int):
        assert isinstance(recipe.network, SfnNetworkConfig)
        assert isinstance(recipe.loss, FaceLossConfig)
        self.recipe, self.model, self.seed = recipe, model, seed
        self.loss_config = recipe.loss
        self.network = network_for(recipe.network)
        singles = load_singles(shard_paths(shards))
        training, held = split_rows(len(singles), recipe.data.validation_share)
        # The held rows stay where they are, never drawn: a second copy of the others would be gigabytes.
        self.singles, self.held = singles, singles.at(held[:VALIDATION_MOST])
        self.chances = sampling_chances(singles, training, recipe.data)
        self.epoch_steps = recipe.data.epoch_steps or max(1, len(training) // recipe.optimisation.batch_size)

    def batch(self, step: int) -> SfnBatch:
        rng = np.random.default_rng((self.seed, step))
        rows = rng.choice(len(self.singles), self.recipe.optimisation.batch_size, p=self.chances)
        return crops(self.singles, rows, self.recipe.augmentation, self.model.identity_mirror, rng)

    def pixels(self, batch: SfnBatch) -> Tensor:
        return unit_pixels(batch.pixels)

    def loss(self, outputs: FaceOutputs, batch: SfnBatch, tau: float) -> Loss:
        device = outputs.identity.device
        targets = FaceTargets(*(part.to(device) for part in batch.targets))
        loss = face_loss(outputs, targets, self.model.landmarks.to(device), self.loss_config, tau)
        return Loss(loss.total, tuple(zip(loss._fields[1:], loss[1:], strict=True)))

    @torch.no_grad()
    def validate(self, network: nn.Module) -> Validation:
        batch, outputs = self._held(network)
        loss = self.loss(outputs, batch, tau=1.0).total
        return Validation(
            loss=float(loss),
            error=normalised_error(self._landmarks(outputs), batch.targets),
            expression=active_error(outputs, batch.targets),
            recall=1.0,
            precision=1.0,
        )

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        few = np.linspace(0, len(self.held) - 1, min(24, len(self.held))).astype(int)
        batch, outputs = self._held(network, few)
        points = (self._landmarks(outputs) + 0.5) * SFN_SIZE
        truth = (batch.targets.landmarks + 0.5) * SFN_SIZE
        images = batch.pixels.permute(0, 2, 3, 1).numpy()
        return faces_sheet(
            images, points.numpy(), truth.numpy(), outputs.expression.numpy(), batch.targets.expression.numpy()
        )

    def _landmarks(self, outputs: FaceOutputs) -> Float[Tensor, "b 68 2"]:
        layer = self.model.landmarks.to(outputs.identity.device)
        return project(DM_PER_M * layer(outputs.identity, outputs.expression), outputs)

    def _held(self, network: nn.Module, rows: np.ndarray | None = None) -> tuple[SfnBatch, FaceOutputs]:
        """Run over validation crops in slices, results on the CPU."""
        rows = np.arange(len(self.held)) if rows is None else rows
        rng = np.random.default_rng(self.seed)
        batch = crops(self.held, rows, STILL, self.model.identity_mirror, rng)
        device = next(network.parameters()).device
        slices = [network(unit_pixels(part.to(device))) for part in batch.pixels.split(128)]
        joined_parts = (torch.cat([part.float().cpu() for part in parts]) for parts in zip(*slices, strict=True))
        return batch, FaceOutputs(*joined_parts)


def sampling_chances(singles: Singles, rows: np.ndarray, config: DataConfig) -> Float[np.ndarray, "n"]:
    """Turn the recipe's wishes into a probability per picture; those not in `rows` are never drawn."""
    chances = np.zeros(len(singles))
    chances[rows] = np.where(singles.gold, config.gold_weight, 1.0)[rows]
    for group, share in (
        (singles.labelled, config.labelled_share),
        (~singles.labelled, 1 - (config.labelled_share or 0)),
    ):
        if config.labelled_share is not None and group.any() and not group.all():
            chances[group] *= share / max(chances[group].sum(), 1e-12)
    return chances / chances.sum()


def crops(
    singles: Singles,
    rows: np.ndarray,
    config: Augmentation,
    identity_mirror: Float[np.ndarray, "i"],
    rng: np.random.Generator,
) -> SfnBatch:
    """Cut, vary and label the crops of some singles."""
    images: list[np.ndarray] = []
    labels: list[FaceArrays] = []
    for row in rows:
        face = singles.faces.at(slice(row, row + 1))
        placement = crop_placement(face, config, identity_mirror, rng)
        border = cv2.BORDER_REFLECT_101 if rng.random() < 0.3 else cv2.BORDER_CONSTANT
        image = warp(singles.images[row], placement, (SFN_SIZE, SFN_SIZE), border=border)
        images.append(varied(cast(np.ndarray, image), config, rng))
        labels.append(placed(face, placement, identity_mirror))
    return SfnBatch(pixels_from_images(images), sfn_targets(joined(labels), SFN_SIZE))


def crop_placement(
    face: FaceArrays, config: Augmentation, identity_mirror: Float[np.ndarray, "i"], rng: np.random.Generator
) -> Placement:
    """Crop a face, mirrored or not, as inference would crop it, then jitter the crop."""
    mirror = bool(rng.random() < config.flip)
    as_found = Placement(0.0, 1.0, mirror, np.zeros(2), np.zeros(2))
    crop = crop_from_landmarks(placed(face, as_found, identity_mirror).landmarks[0])
    jitter = np.deg2rad(rng.uniform(-config.roll_deg, config.roll_deg))
    scale = SFN_SIZE / crop.side_px * rng.uniform(*config.scale)
    shift = SFN_SIZE * rng.uniform(-config.shift, config.shift, size=2)
    # The linear part is its own inverse.
    source = as_found.target_from_source[:, :2] @ crop.center_px
    return Placement(jitter - crop.roll, scale, mirror, source, SFN_SIZE / 2 + shift)
