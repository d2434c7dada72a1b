"""Training of the embedding: crops of faces, what a teacher says of each, and who is one person.

Beside each shard NAME.tar lies NAME.embeddings.npz, as `scripts/embed_faces.py` writes it.

The network's trunk does not move, and takes four fifths of the time. So what it says of a crop is kept, and each step
learns from a few new crops and thrice as many remembered ones. A resumed run begins with an empty memory.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor, nn

from commedia.data.held_people import is_held
from commedia.errors import BadShard
from commedia.faces.crop import PADDING_GREY
from commedia.faces.embedding import chip_crop
from commedia.geometry.placement import warp
from commedia.losses.embedding import EmbeddingTargets, embedding_loss
from commedia.losses.faces import Loss
from commedia.networks.ours.embedding import CHIP_SIZE, TRUNK_CELLS, TRUNK_CHANNELS
from commedia.training.augment import varied
from commedia.training.batches import pixels_from_images, unit_pixels
from commedia.training.config import STILL, Augmentation
from commedia.training.face_store import FaceStore, open_store
from commedia.training.groups import Groups
from commedia.training.labels import Placement
from commedia.training.measures import verification
from commedia.training.sheets import grid_of
from commedia.training.tasks import RunShare, TaskSetup

VALIDATION_MOST = 1000
AT_ONCE = 100


REMEMBERED = 3
"""Remembered crops in a step for each new one."""


class EmbeddingBatch(NamedTuple):
    """New crops, and whose they are."""

    pixels: UInt8[Tensor, "b 3 h w"]
    rows: Int64[np.ndarray, "b"]
    """In the store."""


class Told(NamedTuple):
    """What the network says of new crops and remembered ones, and the truth about them."""

    found: Float[Tensor, "n e"]
    targets: EmbeddingTargets


class EmbeddingValidation(NamedTuple):
    """How good it is on people it never saw."""

    loss: float
    same: float
    """Share of pairs of one person's pictures that are nearer than all but 1 % of the pairs of two people's."""
    equal_error: float
    """At the distance where as many pairs of one person lie above as pairs of two below."""


class EmbeddingTask:
    """See `tasks.Task`."""

    def __init__(self, setup: TaskSetup):
        stage = setup.stage
        self.stage, self.seed = stage, setup.seed
        self.store = open_store(setup.pictures.paths)
        self.targets = centred(read_embeddings(setup.pictures.paths, self.store), self.store.labelled)
        # The same people are in several data sets, so a person is held back by name.
        names = np.array([person.rpartition("/")[2] for person in self.store.person])
        _, numbers = np.unique(names, return_inverse=True)
        self.person = np.where(names == "", -1, numbers)
        held = is_held(names, stage.data.validation_share)
        self.training = np.flatnonzero(~held)
        chances = (~held) / max(1, (~held).sum())
        self.groups = Groups(names, chances, "person")
        # A character held back has hundreds of pictures, whose pairs would outnumber those of all photographs.
        judged = np.flatnonzero(held & self.store.labelled) if self.store.labelled.any() else np.flatnonzero(held)
        self.held = np.random.default_rng(self.seed).permutation(judged)[:VALIDATION_MOST]
        self.memory = FeatureMemory(len(self.store), self.seed)
        self.epoch_steps = stage.data.epoch_steps or max(1, len(self.training) // stage.optimisation.batch_size)

    def batch(self, step: int) -> EmbeddingBatch:
        """Half of the rows are groups of one person each, the others are drawn one by one."""
        rng = np.random.default_rng((self.seed, step))
        size, n = self.stage.optimisation.batch_size, self.stage.data.group_size
        grouped = self.groups.draw(rng, size // 2 // n, n).ravel()
        rows = np.concatenate([grouped, rng.choice(self.training, size - len(grouped))])
        return self._cut(rows, self.stage.augmentation, rng)

    def pixels(self, batch: EmbeddingBatch) -> EmbeddingBatch:
        return batch._replace(pixels=unit_pixels(batch.pixels))

    def read(self, network: Any, pixels: EmbeddingBatch) -> Told:
        with torch.no_grad():
            new = network.features(pixels.pixels)
        rows = self.memory.draw(REMEMBERED * len(pixels.rows))
        features = torch.cat([new, self.memory.at(rows).to(new)])
        self.memory.keep(pixels.rows, new)
        return Told(network.read(features), self._truth(np.concatenate([pixels.rows, rows])))

    def loss(self, outputs: Told, batch: EmbeddingBatch, run: RunShare) -> Loss:
        targets = EmbeddingTargets(*(part.to(outputs.found.device) for part in outputs.targets))
        return embedding_loss(outputs.found.float(), targets, self.stage.loss)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> EmbeddingValidation:
        batch, found = self._read_held(network)
        truth = self._truth(batch.rows)
        loss = embedding_loss(found, truth, self.stage.loss).total
        return EmbeddingValidation(float(loss), *verification(found, truth.person))

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        """Draw held-back people, and to the right of each the other face that looks nearest."""
        batch, found = self._read_held(network)
        nearest = (found @ found.T - 2 * torch.eye(len(found))).argmax(1)
        images = batch.pixels.permute(0, 2, 3, 1).numpy()
        few = range(0, len(found), max(1, len(found) // 24))
        return grid_of([np.concatenate([images[row], images[nearest[row]]], axis=1) for row in few])

    def _read_held(self, network: nn.Module) -> tuple[EmbeddingBatch, Tensor]:
        batch, device = self._cut(self.held, STILL, np.random.default_rng(0)), next(network.parameters()).device
        found = [network(unit_pixels(part.to(device))).cpu() for part in batch.pixels.split(AT_ONCE)]
        return batch, torch.cat(found)

    def _cut(self, rows: np.ndarray, config: Augmentation, rng: np.random.Generator) -> EmbeddingBatch:
        images = [varied(cut_chip(self.store, row, config, rng), config, rng) for row in rows.tolist()]
        return EmbeddingBatch(pixels_from_images(images), rows)

    def _truth(self, rows: np.ndarray) -> EmbeddingTargets:
        return EmbeddingTargets(torch.from_numpy(self.targets[rows]), torch.from_numpy(self.person[rows]))


class FeatureMemory:
    """What the trunk said last of each face, in 16 bit: 16 kB a face, taken from the system when it is needed."""

    def __init__(self, faces: int, seed: int):
        self._features = np.zeros((faces, TRUNK_CHANNELS, TRUNK_CELLS, TRUNK_CELLS), np.float16)
        self._kept = np.zeros(faces, dtype=bool)
        self._rng = np.random.default_rng(seed)

    def keep(self, rows: Int64[np.ndarray, "b"], features: Float[Tensor, "b 128 8 8"]) -> None:
        self._features[rows], self._kept[rows] = features.cpu().numpy(), True

    def draw(self, count: int) -> Int64[np.ndarray, "_"]:
        """Draw faces that are kept; none before any is."""
        kept = np.flatnonzero(self._kept)
        return self._rng.choice(kept, count) if len(kept) else kept

    def at(self, rows: Int64[np.ndarray, "b"]) -> Float[Tensor, "b 128 8 8"]:
        return torch.from_numpy(self._features[rows].astype(np.float32))


def cut_chip(
    store: FaceStore, row: int, config: Augmentation, rng: np.random.Generator
) -> UInt8[np.ndarray, "150 150 3"]:
    """Cut a face as inference would, moved, turned, scaled and mirrored by chance."""
    crop = chip_crop(store.faces.landmarks[row])
    mirror = bool(rng.random() < config.flip)
    jitter = np.deg2rad(rng.uniform(-config.roll_deg, config.roll_deg))
    scale = CHIP_SIZE / crop.side_px * rng.uniform(*config.scale)
    target = CHIP_SIZE / 2 + CHIP_SIZE * rng.uniform(-config.shift, config.shift, size=2)
    placement = Placement(jitter + (crop.roll if mirror else -crop.roll), scale, mirror, crop.center_px, target)
    size = (CHIP_SIZE, CHIP_SIZE)
    cut = warp(store.image(row), placement.target_from_source, size, border=cv2.BORDER_CONSTANT, grey=PADDING_GREY)
    return np.asarray(cut, dtype=np.uint8)


def read_embeddings(shards: Sequence[Path], store: FaceStore) -> Float[np.ndarray, "n e"]:
    """Read what the teacher says of every face of a store; raises BadShard where that is missing."""
    parts: list[np.ndarray] = []
    for shard, faces in zip(shards, store.parts, strict=True):
        path = shard.with_suffix(".embeddings.npz")
        if not path.is_file():
            raise BadShard(f"'{path}' is missing: scripts/embed_faces.py writes it")
        parts.append(np.load(path)["embedding"].astype(np.float32))
        if len(parts[-1]) != len(faces):
            raise BadShard(f"'{path}' describes {len(parts[-1])} faces, its shard has {len(faces)}")
    return np.concatenate(parts)


def centred(embeddings: Float[np.ndarray, "n e"], photographs: Bool[np.ndarray, " n"]) -> Float[np.ndarray, "n e"]:
    """Take away what all photographs share, and what all drawn faces do, and scale to unit length.

    dlib's mean is 2.3 times as long as what differs: with it, a network learns for long to say the mean. Without it
    cosines verify a little worse than distances do with it (LFW, 6,000 pairs: 97.5 % against 97.9 %).
    """
    away = embeddings.copy()
    for kind in (photographs, ~photographs):
        away[kind] -= embeddings[kind].mean(axis=0) if kind.any() else 0
    return away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
