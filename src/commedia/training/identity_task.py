"""Training of the identity network (`networks/ours/identity.py`): SFN's crops, people whose identity is known."""

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from commedia.conventions import EXPRESSION_COUNT
from commedia.errors import BadShard
from commedia.face_model.model import head_or_default
from commedia.face_model.rest_shape import frame_shape_mm, rest_shape
from commedia.losses.faces import Loss
from commedia.losses.identity import Millimetres, identity_loss, length
from commedia.networks.ours.identity import IdentityRead
from commedia.training.crop_task import CropBatch, CropTask
from commedia.training.face_store import FaceStore, open_store
from commedia.training.measures import normalised_error
from commedia.training.tasks import RunShare, TaskSetup, split_rows

VALIDATION_MOST = 1000


class IdentityValidation(NamedTuple):
    """How good it is on people it never saw, one crop each."""

    loss: float
    rest: float
    """Root mean square over the vertices at rest, millimetres; mean over people."""
    frame: float
    """The same of the face as it is in the picture, ..."""
    acts: float
    """... and if it knew who it is."""
    mean_face: float
    """At rest, of the mean face, which knows nothing."""
    strongest: float
    """Correlation of the three strongest directions, least of them."""
    sure: float
    """Square of errors over what they were said to be, mean; 1 where that is right."""
    points: float
    """% of the root of the box's area."""


class IdentityTask(CropTask):
    """See `tasks.Task`. Expressions are those of `scripts/shape_weights.py` where shards have them.

    Photographs are left out: who they show is fitted, which would teach the mean.
    """

    def __init__(self, setup: TaskSetup):
        paths = setup.pictures.paths
        store = with_shape_weights(open_store(paths), paths)
        self.files_beside = [file for path in paths if (file := weights_beside(path)).exists()]
        head = head_or_default(setup.model.head)
        measures = rest_shape(head).mm_from_identity, frame_shape_mm(head)
        self.millimetres = Millimetres(*(torch.from_numpy(one).float() for one in measures))
        training, held = split_rows(store.faces.identity, setup.stage.data.validation_share, VALIDATION_MOST)
        known = ~store.labelled & (store.faces.identity_weight > 0)
        training, held = training[known[training]], held[known[held]]
        if not len(training) or not len(held):
            raise BadShard("the shards have too few drawn people to learn who somebody is")
        super().__init__(setup, store, training, held)

    def loss(self, outputs: IdentityRead, batch: CropBatch, run: RunShare) -> Loss:
        device = outputs.identity.device
        millimetres = Millimetres(*(one.to(device) for one in self.millimetres))
        return identity_loss(outputs, batch.targets_on(device), millimetres, self.stage.loss)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> IdentityValidation:
        batch, read = self.read_held(network, self.held)
        rest, frame = self.millimetres
        known = batch.targets.identity
        truth, off, moved = known @ rest, (read.identity - known) @ rest, (read.identity - known) @ frame[: len(rest)]
        acts = (read.expression - batch.targets.expression) @ frame[len(rest) :]
        first = np.corrcoef((read.identity @ rest)[:, :3].T, truth[:, :3].T)[:3, 3:].diagonal()
        return IdentityValidation(
            loss=float(identity_loss(read, batch.targets, self.millimetres, self.stage.loss).total),
            rest=float(length(off).mean()),
            frame=float(length(moved + acts).mean()),
            acts=float(length(acts).mean()),
            mean_face=float(length(truth).mean()),
            strongest=float(first.min()),
            sure=float((off / read.sure.exp()).square().mean()),
            points=normalised_error(read.points, batch.targets),
        )


def with_shape_weights(store: FaceStore, shards: Sequence[Path]) -> FaceStore:
    """Replace expressions by those that lie beside the shards, NAME.shape.npz, as `scripts/shape_weights.py` says.

    Raises BadShard where some shards of drawn faces have them and others not: labels would mean two things.
    """
    expression, start, bare, replaced = store.faces.expression.copy(), 0, [], []
    for path, part in zip(shards, store.parts, strict=True):
        rows, start = slice(start, start + len(part)), start + len(part)
        if (beside := weights_beside(path)).exists():
            expression[rows] = _weights_of(beside, len(part))
            replaced.append(path.name)
        elif not store.labelled[rows].all():
            bare.append(path.name)
    if bare and replaced:
        raise BadShard(f"'{replaced[0]}' has a .shape.npz beside it and '{bare[0]}' has none; all or no shard may")
    return replace(store, faces=store.faces._replace(expression=expression))


def weights_beside(shard: Path) -> Path:
    return shard.with_suffix(".shape.npz")


def _weights_of(file: Path, faces: int) -> Float[np.ndarray, "n 52"]:
    try:
        weights = np.load(file)["weights"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadShard(f"cannot read weights from '{file}': {error}") from None
    if weights.shape != (faces, EXPRESSION_COUNT):
        raise BadShard(f"'{file.name}' has weights of shape {weights.shape}, the shard beside it {faces} faces")
    return weights
