"""Training of SFN: one augmented crop per face, Eq. 3; or pairs of crops, and what they must agree on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.errors import BadShard
from commedia.losses.disentangling import edit_disagreement, view_disagreement
from commedia.losses.faces import DM_PER_M, FaceLossConfig, FaceTargets, face_loss
from commedia.losses.landmark import project
from commedia.networks.heads import FaceOutputs
from commedia.networks.paper1.sfn import SFN_SIZE
from commedia.networks.registry import network_for
from commedia.training.batches import SfnBatch, unit_pixels
from commedia.training.config import DataConfig, PairKind, Recipe
from commedia.training.crops import STILL, crops, edit_pairs, view_pairs
from commedia.training.editing import editable, editor_for
from commedia.training.face_model import FaceModel
from commedia.training.measures import active_error, normalised_error
from commedia.training.pictures import Singles, load_singles, shard_paths
from commedia.training.sheets import faces_sheet
from commedia.training.tasks import Loss, Validation, split_rows

VALIDATION_MOST = 1000


class SfnTask:
    """See `tasks.Task`."""

    def __init__(self, recipe: Recipe, shards: Sequence[Path], model: FaceModel, seed: int):
        assert isinstance(recipe.loss, FaceLossConfig)
        self.recipe, self.model, self.seed = recipe, model, seed
        self.loss_config = recipe.loss
        self.network = network_for(recipe.network)
        singles = load_singles(shard_paths(shards))
        training, held = split_rows(len(singles), recipe.data.validation_share)
        # The held rows stay where they are, never drawn: a second copy of the others would be gigabytes.
        self.singles, self.held = singles, singles.at(held[:VALIDATION_MOST])
        self.chances = sampling_chances(singles, training, recipe.data)
        self.editor = editor_for(model)
        self.edit_chances = self.chances * editable(singles.faces)
        if recipe.data.pairs in ("edits", "alternating") and not self.edit_chances.any():
            raise BadShard(f"the recipe '{recipe.name}' edits expressions; no face in its shards has a known one")
        self.epoch_steps = recipe.data.epoch_steps or max(1, len(training) // recipe.optimisation.batch_size)

    def batch(self, step: int) -> SfnBatch:
        rng = np.random.default_rng((self.seed, step))
        config, mirror, size = self.recipe.augmentation, self.model.identity_mirror, self.recipe.optimisation.batch_size
        match pairs_at(self.recipe.data, step):
            case "none":
                rows = rng.choice(len(self.singles), size, p=self.chances)
                return crops(self.singles, rows, config, mirror, rng)
            case "views":
                rows = rng.choice(len(self.singles), size // 2, p=self.chances)
                return view_pairs(self.singles, rows, config, mirror, rng)
            case "edits":
                rows = rng.choice(len(self.singles), size // 2, p=self.edit_chances / self.edit_chances.sum())
                return edit_pairs(self.singles, rows, config, mirror, rng, editor=self.editor)

    def pixels(self, batch: SfnBatch) -> Tensor:
        return unit_pixels(batch.pixels)

    def read(self, network: nn.Module, pixels: Any) -> Any:
        return network(pixels)

    def loss(self, outputs: Any, batch: SfnBatch, tau: float) -> Loss:
        return self._face_loss(outputs, batch, tau)

    def _face_loss(self, outputs: FaceOutputs, batch: SfnBatch, tau: float) -> Loss:
        device = outputs.identity.device
        targets = FaceTargets(*(part.to(device) for part in batch.targets))
        loss = face_loss(outputs, targets, self.model.landmarks.to(device), self.loss_config, tau)
        named = tuple(zip(loss._fields[1:], loss[1:], strict=True))
        if batch.pairs == "none":
            return Loss(loss.total, named)
        disagreement = (view_disagreement if batch.pairs == "views" else edit_disagreement)(outputs).mean()
        total = loss.total + self.loss_config.disentangling * disagreement
        return Loss(total, (*named, ("disentangling", disagreement)))

    @torch.no_grad()
    def validate(self, network: nn.Module) -> Validation:
        batch, outputs = self._held(network)
        loss = self._face_loss(outputs, batch, tau=1.0).total
        return Validation(
            loss=float(loss),
            error=normalised_error(self._landmarks(outputs), batch.targets),
            expression=active_error(outputs.expression, batch.targets),
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

    def _faces(self, network: nn.Module, pixels: Tensor) -> FaceOutputs:
        return network(pixels)

    def _landmarks(self, outputs: FaceOutputs) -> Float[Tensor, "b 68 2"]:
        layer = self.model.landmarks.to(outputs.identity.device)
        return project(DM_PER_M * layer(outputs.identity, outputs.expression), outputs)

    def _held(self, network: nn.Module, rows: np.ndarray | None = None) -> tuple[SfnBatch, FaceOutputs]:
        """Run over validation crops in slices, results on the CPU."""
        rows = np.arange(len(self.held)) if rows is None else rows
        rng = np.random.default_rng(self.seed)
        batch = crops(self.held, rows, STILL, self.model.identity_mirror, rng)
        device = next(network.parameters()).device
        slices = [self._faces(network, unit_pixels(part.to(device))) for part in batch.pixels.split(128)]
        joined_parts = (torch.cat([part.float().cpu() for part in parts]) for parts in zip(*slices, strict=True))
        return batch, FaceOutputs(*joined_parts)


def pairs_at(config: DataConfig, step: int) -> PairKind:
    """Say what a recipe's batch number `step` is made of."""
    if config.pairs == "alternating":
        return "edits" if step % 2 else "views"
    return config.pairs


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
