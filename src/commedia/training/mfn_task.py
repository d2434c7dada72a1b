"""Training of MFN: mosaics of single faces and scenes, Eq. 4."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.losses.boxes import BoxTargets
from commedia.losses.faces import FaceTargets, Loss
from commedia.losses.multiface import multi_face_loss
from commedia.networks.paper1.mfn import MFN_SIZE
from commedia.training.anchors import anchors_from_sizes
from commedia.training.augment import varied
from commedia.training.batches import MfnBatch, mfn_targets, pixels_from_images, unit_pixels
from commedia.training.config import STILL
from commedia.training.found import compared, faces_found, mean_known
from commedia.training.labels import FaceArrays
from commedia.training.mosaics import letterboxed, mosaic, scene_view
from commedia.training.pictures import FaceCrops, Picture
from commedia.training.relabel import relabelled_face_crops, relabelled_pictures
from commedia.training.sheets import pictures_sheet
from commedia.training.tasks import AT_THE_END, RunShare, TaskSetup, Validation, split_rows

VALIDATION_MOST = 160
ANCHOR_PICTURES = 200


class MfnTask:
    """See `tasks.Task`. Faces that fill pictures go into mosaics, pictures without faces also serve as backgrounds.

    Validation uses both: held scenes as inference sees them, and mosaics of held faces.
    """

    def __init__(self, setup: TaskSetup):
        stage, teacher, model = setup.stage, setup.teacher, setup.model
        self.stage, self.model, self.seed = stage, model, setup.seed
        self.loss_config, self.config = stage.loss, setup.network.config
        pictures, face_crops = setup.pictures.pictures_and_face_crops
        if stage.data.relabel:
            assert teacher is not None, "a recipe that relabels needs an SFN"
            pictures = relabelled_pictures(pictures, teacher, model)
            face_crops = None if face_crops is None else relabelled_face_crops(face_crops, teacher, model)
        share = stage.data.validation_share
        training, held = split_rows([picture.image for picture in pictures], share, VALIDATION_MOST)
        self.pictures, held_pictures = [pictures[row] for row in training], [pictures[row] for row in held]
        self.empty = [picture for picture in self.pictures if len(picture.faces.box) == 0]
        self.face_crops, held_face_crops = (None, None)
        if face_crops is not None:
            training_rows, held_rows = split_rows(face_crops.faces.landmarks, share, len(face_crops))
            self.face_crops, held_face_crops = face_crops.at(training_rows), face_crops.at(held_rows)
        self.held = self._held(held_pictures, held_face_crops)
        if stage.data.measure_anchors:
            # Anchors are no weights: the network holds them for whoever decodes its grid.
            self.config = replace(self.config, anchors=self._measured_anchors(len(self.config.anchors)))
            setup.network.config = self.config
        count = len(self.pictures) + (0 if self.face_crops is None else len(self.face_crops))
        self.epoch_steps = stage.data.epoch_steps or max(1, count // stage.optimisation.batch_size)

    def batch(self, step: int) -> MfnBatch:
        rng = np.random.default_rng((self.seed, step))
        drawn = [self._picture(rng) for _ in range(self.stage.optimisation.batch_size)]
        images = [varied(image, self.stage.augmentation, rng) for image, _ in drawn]
        return MfnBatch(pixels_from_images(images), *mfn_targets([faces for _, faces in drawn], MFN_SIZE))

    def read(self, network: nn.Module, pixels: Any) -> Any:
        return network(pixels)

    def pixels(self, batch: MfnBatch) -> Tensor:
        return unit_pixels(batch.pixels)

    def loss(self, outputs: Float[Tensor, "b n k"], batch: MfnBatch, run: RunShare) -> Loss:
        device = outputs.device
        boxes = BoxTargets(*(part.to(device) for part in batch.boxes))
        faces = FaceTargets(*(part.to(device) for part in batch.targets))
        anchors = torch.tensor(self.config.anchors, device=device)
        layer = self.model.landmarks.to(device)
        loss = multi_face_loss(outputs, boxes, faces, anchors, layer, self.config, self.loss_config, run.tau)
        named = (
            *zip(loss.faces._fields[1:], loss.faces[1:], strict=True),
            *zip(loss.boxes._fields[1:], loss.boxes[1:], strict=True),
        )
        return Loss(loss.total, named)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> Validation:
        losses, outcomes = [], []
        for start in range(0, len(self.held), 16):
            batch = self._held_batch(range(start, min(start + 16, len(self.held))))
            grid = self._grid(network, batch)
            losses.append(float(self.loss(grid, batch, AT_THE_END).total))
            outcomes.append(compared(grid, batch, self.config, self.model))
        claimed, present, found = (sum(outcome[part] for outcome in outcomes) for part in range(3))
        errors, expressions = ([outcome[part] for outcome in outcomes if outcome.found] for part in (3, 4))
        return Validation(
            loss=float(np.mean(losses)),
            error=mean_known(errors),
            expression=mean_known(expressions),
            recall=found / max(1, present),
            precision=found / max(1, claimed),
        )

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        few = np.linspace(0, len(self.held) - 1, min(12, len(self.held))).astype(int).tolist()
        batch = self._held_batch(few)
        found = [faces_found(grid, self.config, self.model) for grid in self._grid(network, batch)]
        corners = [torch.cat([one.center - one.size / 2, one.center + one.size / 2], dim=1) for one in found]
        return pictures_sheet(
            batch.pixels.permute(0, 2, 3, 1).numpy(),
            [self.held[row][1].box for row in few],
            [(box * MFN_SIZE).numpy() for box in corners],
            [(one.landmarks * MFN_SIZE).numpy() for one in found],
        )

    def _measured_anchors(self, count: int) -> tuple[tuple[float, float], ...]:
        """Cluster the boxes of pictures as training draws them, in grid cells."""
        rng = np.random.default_rng(self.seed)
        boxes = np.concatenate([self._picture(rng)[1].box for _ in range(ANCHOR_PICTURES)])
        cells = (boxes[:, 2:] - boxes[:, :2]) * (self.config.cells / MFN_SIZE)
        found = anchors_from_sizes(cells.astype(float), count=count)
        return tuple((round(float(width), 3), round(float(height), 3)) for width, height in found)

    def _picture(self, rng: np.random.Generator) -> tuple[np.ndarray, FaceArrays]:
        augmentation, mirror = self.stage.augmentation, self.model.identity_mirror
        if self.face_crops is not None and (not self.pictures or rng.random() < self.stage.data.mosaic_share):
            return mosaic(self.face_crops, self.empty, augmentation, mirror, rng)
        return scene_view(self.pictures[int(rng.integers(len(self.pictures)))], augmentation, mirror, rng)

    def _held(self, pictures: Sequence[Picture], face_crops: FaceCrops | None) -> list[tuple[np.ndarray, FaceArrays]]:
        mirror = self.model.identity_mirror
        held = [letterboxed(picture, mirror) for picture in pictures]
        if face_crops is not None:
            rng = np.random.default_rng(self.seed)
            still = replace(STILL, scale=(0.8, 1.2))
            held += [
                mosaic(face_crops, [], still, mirror, rng) for _ in range(min(len(face_crops), VALIDATION_MOST // 2))
            ]
        return held

    def _held_batch(self, rows: Sequence[int]) -> MfnBatch:
        images, faces = zip(*(self.held[row] for row in rows), strict=True)
        return MfnBatch(pixels_from_images(images), *mfn_targets(faces, MFN_SIZE))

    def _grid(self, network: nn.Module, batch: MfnBatch) -> Float[Tensor, "b n k"]:
        device = next(network.parameters()).device
        return network(self.pixels(batch._replace(pixels=batch.pixels.to(device)))).float().cpu()
