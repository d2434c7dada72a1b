"""Training of the face parser: crops, and what each pixel of them shows as far as it is known."""

from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from commedia.data.truth import COVERED, PARSE_UNKNOWN
from commedia.errors import BadShard
from commedia.face_model.model import PARSE_CLASSES
from commedia.faces.parser import painted
from commedia.geometry.placement import warp as warp_affine
from commedia.losses.faces import Loss
from commedia.losses.parse_map import confusion, intersection_over_union, parse_map_loss
from commedia.networks.registry import spec_of
from commedia.training.augment import varied
from commedia.training.batches import gathered, pixels_from_images, unit_pixels
from commedia.training.config import STILL, Augmentation
from commedia.training.crops import crop_placement
from commedia.training.pictures import FaceCrops, warp
from commedia.training.sfn_task import sampling_chances
from commedia.training.sheets import grid_of
from commedia.training.tasks import RunShare, TaskSetup, split_rows

VALIDATION_MOST = 300
AT_ONCE = 50
MAP_SIDES = 2
"""Pixels of the crop, each way, for one of the map."""


class ParserBatch(NamedTuple):
    """Crops, and what their pixels show."""

    pixels: UInt8[Tensor, "b 3 s s"]
    parse: UInt8[Tensor, "b s s"]
    """As in `PictureSample`, unknown beyond the picture."""


class ParserValidation(NamedTuple):
    """How good it is on held-back pictures; intersection over union of the pixels of all of them."""

    loss: float
    iou: float
    """Mean over the nine regions."""
    background: float
    skin: float
    brows: float
    eyes: float
    nose: float
    lips: float
    mouth: float


class ParserTask:
    """See `tasks.Task`."""

    def __init__(self, setup: TaskSetup):
        stage = setup.stage
        self.stage, self.seed, self.mirror = stage, setup.seed, setup.model.identity_mirror
        self.size = spec_of(setup.network).input_size
        pictures = setup.pictures.face_crops
        known = _rows_with_maps(pictures)
        training, held = split_rows(pictures.faces.landmarks[known], stage.data.validation_share, VALIDATION_MOST)
        self.pictures, self.held = pictures, known[held]
        self.chances = sampling_chances(pictures, known[training], stage.data)
        self.epoch_steps = stage.data.epoch_steps or max(1, len(training) // stage.optimisation.batch_size)

    def batch(self, step: int) -> ParserBatch:
        rng = np.random.default_rng((self.seed, step))
        rows = rng.choice(len(self.pictures), self.stage.optimisation.batch_size, p=self.chances)
        return self._cut(rows, self.stage.augmentation, rng)

    def pixels(self, batch: ParserBatch) -> Tensor:
        return unit_pixels(batch.pixels)

    def read(self, network: Any, pixels: Tensor) -> Float[Tensor, "b k h h"]:
        return network.read(pixels)

    def loss(self, outputs: Float[Tensor, "b k h h"], batch: ParserBatch, run: RunShare) -> Loss:
        return parse_map_loss(outputs.float(), shares(batch.parse.to(outputs.device)), self.stage.loss)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> ParserValidation:
        batch, logits = self._read_held(network, self.held)
        loss = parse_map_loss(logits, shares(batch.parse), self.stage.loss).total
        known = shares(batch.parse)
        truth = torch.where(known.sum(1) > 0.5, known.argmax(1), PARSE_UNKNOWN)
        ious = intersection_over_union(confusion(logits.argmax(1), truth, len(PARSE_CLASSES))).tolist()
        of = dict(zip(PARSE_CLASSES, ious, strict=True))
        pairs = {"brows": "brow", "eyes": "eye", "lips": "lip"}
        means = {name: _mean([of[one] for one in of if one.endswith(end)]) for name, end in pairs.items()}
        return ParserValidation(
            *(float(loss), _mean(ious[1:]), of["background"], of["skin"], means["brows"], means["eyes"]),
            *(of["nose"], means["lips"], of["inner_mouth"]),
        )

    @torch.no_grad()
    def contact_sheet(self, network: nn.Module) -> UInt8[np.ndarray, "h w 3"]:
        """Held-back crops; to the right of each what the network says, and the truth."""
        rows = self.held[np.linspace(0, len(self.held) - 1, min(24, len(self.held))).astype(int)]
        batch, logits = self._read_held(network, rows)
        said = logits.argmax(1).byte().numpy()
        images = batch.pixels.permute(0, 2, 3, 1).numpy()
        truth = batch.parse.numpy()
        tiles = [
            np.concatenate([image, painted(image, one), painted(image, other)], axis=1)
            for image, one, other in zip(images, said, truth, strict=True)
        ]
        return grid_of(tiles, columns=3)

    def _read_held(self, network: Any, rows: np.ndarray) -> tuple[ParserBatch, Float[Tensor, "n k h h"]]:
        batch, device = self._cut(rows, STILL, np.random.default_rng(self.seed)), next(network.parameters()).device
        return batch, gathered([network.read(unit_pixels(part.to(device))) for part in batch.pixels.split(AT_ONCE)])

    def _cut(self, rows: np.ndarray, config: Augmentation, rng: np.random.Generator) -> ParserBatch:
        images, maps, side = [], [], (self.size, self.size)
        assert self.pictures.parse is not None
        for row in rows.tolist():
            placement = crop_placement(self.pictures.face(row), config, self.mirror, rng, self.size)
            image = warp(self.pictures.images[row], placement, side, border=cv2.BORDER_CONSTANT)
            images.append(varied(np.asarray(image, np.uint8), config, rng))
            affine = placement.target_from_source
            parse = warp_affine(self.pictures.parse[row], affine, side, grey=PARSE_UNKNOWN, flags=cv2.INTER_NEAREST)
            maps.append(mirrored_classes(parse) if placement.mirror else parse)
        return ParserBatch(pixels_from_images(images), torch.from_numpy(np.stack(maps)))


def shares(parse: UInt8[Tensor, "b s s"]) -> Float[Tensor, "b k h h"]:
    """How much of each pixel of a map of half the size shows each class; what covers a face is background."""
    classes = parse.long()
    classes[classes == COVERED] = 0
    shown = torch.stack([classes == number for number in range(len(PARSE_CLASSES))], 1)
    return nn.functional.avg_pool2d(shown.float(), MAP_SIDES)


def mirrored_classes(parse: UInt8[np.ndarray, "*n"]) -> UInt8[np.ndarray, "*n"]:
    """Exchange the sides in a map that was mirrored."""
    return _MIRRORED[parse]


def _mirror_table() -> UInt8[np.ndarray, "256"]:
    table = np.arange(256, dtype=np.uint8)
    for number, name in enumerate(PARSE_CLASSES):
        side = {"left": "right", "right": "left"}.get(name.partition("_")[0])
        if side is not None:
            table[number] = PARSE_CLASSES.index(f"{side}_{name.partition('_')[2]}")
    return table


_MIRRORED = _mirror_table()


def _mean(values: list[float]) -> float:
    """Of those that are numbers: a class may be in no picture."""
    known = [value for value in values if not np.isnan(value)]
    return sum(known) / len(known) if known else float("nan")


def _rows_with_maps(pictures: FaceCrops) -> np.ndarray:
    if pictures.parse is None:
        raise BadShard(
            "no picture of the shards says what its pixels show; scripts/make_synthetic.py --truth draws some"
        )
    return np.flatnonzero((pictures.parse != PARSE_UNKNOWN).any((1, 2)))
