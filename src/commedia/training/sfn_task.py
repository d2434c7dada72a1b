"""Training of SFN: one augmented crop per face, Eq. 3; or groups of crops, and what they must agree on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from commedia.conventions import EXPRESSION_INDEX
from commedia.errors import BadShard
from commedia.losses.disentangling import edit_disagreement, identity_disagreement, view_disagreement
from commedia.losses.faces import FaceTargets, Loss, face_loss
from commedia.losses.landmark import projected
from commedia.networks.heads import FaceOutputs, face_outputs
from commedia.training.batches import SfnBatch, gathered, unit_pixels
from commedia.training.config import STILL, DataConfig, GroupKind
from commedia.training.crops import crops
from commedia.training.editing import editable, editor_for
from commedia.training.face_store import FaceStore
from commedia.training.groups import Groups
from commedia.training.measures import active_error, normalised_error
from commedia.training.pictures import FaceCrops
from commedia.training.sheets import faces_sheet
from commedia.training.tasks import AT_THE_END, RunShare, TaskSetup, Validation, split_rows

VALIDATION_MOST = 1000
_RARE = ("eyeBlinkLeft", "eyeBlinkRight", "mouthPucker", "jawOpen")


class SfnTask:
    """See `tasks.Task`."""

    def __init__(self, setup: TaskSetup):
        stage = setup.stage
        self.stage, self.model, self.seed, self.loss_config = stage, setup.model, setup.seed, stage.loss
        face_crops = setup.pictures.face_crops
        training, held = split_rows(face_crops.faces.landmarks, stage.data.validation_share, VALIDATION_MOST)
        # The held rows stay where they are, never drawn: a second copy of the others would be gigabytes.
        self.face_crops, self.held = face_crops, face_crops.at(held)
        self.chances = sampling_chances(face_crops, training, stage.data)
        self.editor = editor_for(self.model)
        self.edit_chances = self.chances * editable(face_crops.faces)
        self.groups = groups_of(face_crops, self.chances, stage.data.groups)
        if stage.data.groups in ("edits", "alternating") and not self.edit_chances.any():
            raise BadShard(f"the stage '{stage.name}' edits expressions; no face in its shards has a known one")
        self.epoch_steps = stage.data.epoch_steps or max(1, len(training) // stage.optimisation.batch_size)

    def batch(self, step: int) -> SfnBatch:
        rng = np.random.default_rng((self.seed, step))
        config, mirror, size = self.stage.augmentation, self.model.identity_mirror, self.stage.optimisation.batch_size
        kind, n = groups_at(self.stage.data, step), self.stage.data.group_size
        if kind in ("person", "clip"):
            assert self.groups is not None
            rows = self.groups.draw(rng, max(1, size // n), n)
        else:
            chances = self.edit_chances / self.edit_chances.sum() if kind == "edits" else self.chances
            rows = rng.choice(len(self.face_crops), size if kind == "single" else size // 2, p=chances)
        return crops(self.face_crops, rows, config, mirror, rng, groups=kind, editor=self.editor)

    def pixels(self, batch: SfnBatch) -> Tensor:
        return unit_pixels(batch.pixels)

    def read(self, network: nn.Module, pixels: Any) -> Any:
        return network(pixels)

    def loss(self, outputs: Any, batch: SfnBatch, run: RunShare) -> Loss:
        return self.face_loss(face_outputs(outputs), batch, run)

    def face_loss(self, outputs: FaceOutputs, batch: SfnBatch, run: RunShare) -> Loss:
        """Eq. 3, and what the faces of a group must agree on."""
        device = outputs.identity.device
        targets = FaceTargets(*(part.to(device) for part in batch.targets))
        loss = face_loss(outputs, targets, self.model.landmarks.to(device), self.loss_config, run.tau)
        named = tuple(zip(loss._fields[1:], loss[1:], strict=True))
        if batch.groups == "single":
            return Loss(loss.total, named)
        disagreement = _DISAGREEMENTS[batch.groups](outputs, batch.group_size).mean()
        total = loss.total + self.loss_config.disentangling * disagreement
        return Loss(total, (*named, ("disentangling", disagreement)))

    @torch.no_grad()
    def validate(self, network: nn.Module) -> Validation:
        batch, outputs = self._held(network)
        loss = self.face_loss(outputs, batch, AT_THE_END).total
        return Validation(
            loss=float(loss),
            error=normalised_error(projected(self.model.landmarks.cpu(), outputs), batch.targets),
            expression=active_error(outputs.expression, batch.targets),
            recall=1.0,
            precision=1.0,
        )

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        few = np.linspace(0, len(self.held) - 1, min(24, len(self.held))).astype(int)
        batch, outputs = self._held(network, few)
        points = projected(self.model.landmarks.cpu(), outputs)
        return faces_sheet(batch.pixels.permute(0, 2, 3, 1), points, outputs.expression, batch.targets)

    def _held(self, network: nn.Module, rows: np.ndarray | None = None) -> tuple[SfnBatch, FaceOutputs]:
        """Run over validation crops in slices, results on the CPU."""
        rows = np.arange(len(self.held)) if rows is None else rows
        batch = crops(self.held, rows, STILL, self.model.identity_mirror, np.random.default_rng(self.seed))
        device = next(network.parameters()).device
        slices = [face_outputs(network(unit_pixels(part.to(device)))) for part in batch.pixels.split(128)]
        return batch, gathered(slices)


_DISAGREEMENTS: dict[GroupKind, Callable[[FaceOutputs, int], Tensor]] = {
    "views": view_disagreement,
    "edits": edit_disagreement,
    "person": identity_disagreement,
    "clip": identity_disagreement,
}


def groups_at(config: DataConfig, step: int) -> GroupKind:
    """Say what batch number `step` is made of."""
    if config.groups == "alternating":
        return "edits" if step % 2 else "views"
    return config.groups


def groups_of(face_crops: FaceCrops | FaceStore, chances: Float[np.ndarray, "n"], kind: str) -> Groups | None:
    """Group singles by person or clip, where that is asked for."""
    if kind not in ("person", "clip"):
        return None
    return Groups(face_crops.person if kind == "person" else face_crops.clip, chances, kind)


def sampling_chances(face_crops: FaceCrops | FaceStore, rows: np.ndarray, config: DataConfig) -> Float[np.ndarray, "n"]:
    """Turn the recipe's wishes into a probability per picture; those not in `rows` are never drawn."""
    chances = np.zeros(len(face_crops))
    gold = np.where(face_crops.gold, config.gold_weight, 1.0)
    rare = np.where(face_crops.labelled & _is_rare(face_crops.faces.expression), config.rare_weight, 1.0)
    chances[rows] = (gold * rare)[rows]
    for group, share in (
        (face_crops.labelled, config.labelled_share),
        (~face_crops.labelled, 1 - (config.labelled_share or 0)),
    ):
        if config.labelled_share is not None and group.any() and not group.all():
            chances[group] *= share / max(chances[group].sum(), 1e-12)
    return chances / chances.sum()


def _is_rare(expression: Float[np.ndarray, "n e"]) -> Bool[np.ndarray, "n"]:
    """Say which faces show what photographs show seldom."""
    left, right, pucker, jaw = (expression[:, EXPRESSION_INDEX[name]] for name in _RARE)
    return (np.minimum(left, right) > 0.85) | (pucker > 0.6) | (jaw > 0.4)
