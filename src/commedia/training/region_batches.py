"""Batches for SFN with patch readers: crops of stored faces, moved, turned, mirrored and spoiled; some without a face.

Patches are cut here, at the true points with some noise, by the triangles `region_patches.py` uses in the network (a
test compares both). Bytes leave here; colour is changed on the whole batch, a tenth of the cost of doing it one by one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from commedia.conventions import EXPRESSION_MIRROR, LANDMARK_MIRROR
from commedia.faces.crop import CROP_SCALE, PADDING_GREY
from commedia.geometry.placement import warp
from commedia.geometry.rotations import mirrored_wxyz, multiply_wxyz
from commedia.losses.faces import FaceTargets
from commedia.networks.ours.region_patches import EYE_RAISE, EYE_REACH, MOUTH_REACH, RegionPatches
from commedia.networks.ours.sfn import INPUT_SIZE, POOL, RegionViews, SfnRegionsConfig
from commedia.training.augment import LUMA
from commedia.training.augment import varied as spoiled
from commedia.training.batches import sfn_targets
from commedia.training.config import Augmentation
from commedia.training.face_store import FaceStore
from commedia.training.labels import FaceArrays

PATCH_JITTER = 0.02
"""Standard deviation of a patch's centre, and of the size of all, as a share of the landmark box's longer side."""
EMPTY_SHARE, TURNED_SHARE, MISPLACED_SHARE = 0.06, 0.05, 0.05
"""Of crops that count as empty: windows of pictures without a face, faces turned by 45 degrees and more, faces half
outside or of the wrong size. So presence says whether a crop is where it should be, and which way up."""


class RegionBatch(NamedTuple):
    """Bytes and the truth in crop units."""

    crops: UInt8[Tensor, "b n n 3"]
    face: UInt8[Tensor, "b h h 3"]
    """Averaged for the trunk."""
    eyes: UInt8[Tensor, "b 2 s s 3"]
    mouth: UInt8[Tensor, "b m m 3"]
    targets: FaceTargets
    present: Float[Tensor, "b"]
    """1 where there is a face; elsewhere nothing is trusted."""
    seed: int
    """Of the colours."""
    group_size: int = 1
    """The first half of the rows are groups of so many that show one person, all mirrored or none; 1 knows none."""


class RegionCrops(NamedTuple):
    """Crops alone, and the truth in crop units."""

    crops: UInt8[Tensor, "b n n 3"]
    targets: FaceTargets
    present: Float[Tensor, "b"]
    """As in `RegionBatch`."""


def region_batch(
    store: FaceStore,
    rows: np.ndarray,
    network: SfnRegionsConfig,
    config: Augmentation,
    identity_mirror: Float[np.ndarray, "i"],
    rng: np.random.Generator,
    *,
    varied: bool = True,
    group_size: int = 1,
) -> RegionBatch:
    """Cut and label the crops of some faces; when `varied`, patches are a little off and some rows show no face."""
    cut = region_crops(store, rows, config, identity_mirror, rng, varied=varied, group_size=group_size)
    crops = cut.crops.numpy()
    face = np.stack([cv2.resize(crop, (INPUT_SIZE // POOL,) * 2, interpolation=cv2.INTER_AREA) for crop in crops])
    eyes, mouth = cut_patches(crops, cut.targets.landmarks.numpy() + 0.5, network, rng if varied else None)
    face, eyes, mouth = (torch.from_numpy(part) for part in (face, eyes, mouth))
    return RegionBatch(cut.crops, face, eyes, mouth, cut.targets, cut.present, int(rng.integers(2**31)), group_size)


def region_crops(
    store: FaceStore,
    rows: np.ndarray,
    config: Augmentation,
    identity_mirror: Float[np.ndarray, "i"],
    rng: np.random.Generator,
    *,
    varied: bool = True,
    elsewhere: bool = True,
    group_size: int = 1,
) -> RegionCrops:
    """The same without patches; unless `elsewhere`, every row shows its face as it should."""
    mirror = _mirrored(len(rows), config.flip, group_size, rng)
    faces, affines = _placed(store.faces.at(rows), mirror, config, identity_mirror, rng)
    draw = rng.random(len(rows)) if varied and elsewhere else np.full(len(rows), 0.5)
    misplaced = draw < TURNED_SHARE + MISPLACED_SHARE
    empty = (draw > 1 - EMPTY_SHARE) & bool(len(store.negatives))
    bytes_only = replace(config, colour=0.0, grey=0.0)
    crops = np.zeros((len(rows), INPUT_SIZE, INPUT_SIZE, 3), np.uint8)
    for place, row in enumerate(rows.tolist()):
        source = store.negatives[rng.integers(len(store.negatives))] if empty[place] else store.image(row)
        border = cv2.BORDER_REFLECT_101 if varied and rng.random() < 0.3 else cv2.BORDER_CONSTANT
        affine = _displaced(affines[place], draw[place], rng)
        crop = warp(source, affine, (INPUT_SIZE, INPUT_SIZE), border=border, grey=PADDING_GREY)
        crops[place] = spoiled(crop, bytes_only, rng)
    known = torch.from_numpy(1.0 - (misplaced | empty).astype(np.float32))
    return RegionCrops(torch.from_numpy(crops), _trusted_where(known, sfn_targets(faces, INPUT_SIZE)), known)


def _mirrored(count: int, chance: float, group_size: int, rng: np.random.Generator) -> Bool[np.ndarray, "b"]:
    """Draw which rows are mirrored; of a group all or none."""
    mirror = rng.random(count) < chance
    grouped = count // 2 // group_size * group_size
    mirror[:grouped] = mirror[:grouped:group_size].repeat(group_size)
    return mirror


def _trusted_where(known: Float[Tensor, "b"], targets: FaceTargets) -> FaceTargets:
    """Trust nothing of the rows whose `known` is 0."""
    weights = {name: part for name, part in targets._asdict().items() if name.endswith("weight")}
    return targets._replace(**{name: part * known.view(-1, *[1] * (part.ndim - 1)) for name, part in weights.items()})


def region_views(batch: RegionBatch, config: Augmentation) -> RegionViews:
    """Bytes to [0, 1], in the batch's own colours."""
    face, eyes, mouth = coloured([batch.face, batch.eyes, batch.mouth], config, batch.seed)
    return RegionViews(face, RegionPatches(eyes, mouth))


def coloured(parts: Sequence[UInt8[Tensor, "b *s 3"]], config: Augmentation, seed: int) -> list[Tensor]:
    """Bytes to [0, 1], planes; contrast, brightness, saturation and tint change by one matrix a face."""
    count, amount, chance = len(parts[0]), config.colour, torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> Tensor:
        return amount * (2 * torch.rand(count, *shape, generator=chance) - 1)

    saturation = 1 + uniform(1, 1)
    saturation = torch.where(torch.rand(count, 1, 1, generator=chance) < config.grey, 0.0, saturation)
    contrast = 1 + uniform(1, 1)
    matrix = saturation * torch.eye(3) + (1 - saturation) * torch.from_numpy(LUMA).float()
    matrix = (contrast * (1 + uniform(3, 1) / 2) * matrix / 255).transpose(1, 2)
    offset = (1 - contrast) / 2 + uniform(1, 1) / 2

    def changed(part: UInt8[Tensor, "b *s 3"]) -> Tensor:
        flat = part.reshape(count, -1, 3).float()
        return torch.baddbmm(offset, flat, matrix).clamp_(0, 1).view(part.shape).movedim(-1, -3)

    return [changed(part) for part in parts]


def cut_patches(
    crops: UInt8[np.ndarray, "b n n 3"],
    landmarks: Float[np.ndarray, "b 68 2"],
    network: SfnRegionsConfig,
    rng: np.random.Generator | None,
) -> tuple[UInt8[np.ndarray, "b 2 s s 3"], UInt8[np.ndarray, "b m m 3"]]:
    """Cut eyes (the right one mirrored) and mouth at landmarks, shares of the crop's side, moved a little by `rng`."""
    count, chance = len(crops), rng or np.random.default_rng(0)
    jitter = 0.0 if rng is None else PATCH_JITTER
    side = np.ptp(landmarks, axis=1).max(-1)
    centers = np.stack([landmarks[:, part].mean(1) for part in (slice(42, 48), slice(36, 42), slice(48, 68))], 1)
    centers[:, :2, 1] -= EYE_RAISE * side[:, None]
    centers = centers + jitter * side[:, None, None] * chance.normal(size=(count, 3, 2))
    side = side * (1 + 2 * jitter * chance.normal(size=count))
    eyes = np.zeros((count, 2, network.eye_size, network.eye_size, 3), np.uint8)
    mouth = np.zeros((count, network.mouth_size, network.mouth_size, 3), np.uint8)
    for face in range(count):
        left, right, middle = centers[face]
        eyes[face, 0] = _cut(crops[face], left, EYE_REACH * side[face], network.eye_size)
        eyes[face, 1] = _cut(crops[face], right, EYE_REACH * side[face], network.eye_size)[:, ::-1]
        mouth[face] = _cut(crops[face], middle, MOUTH_REACH * side[face], network.mouth_size)
    return eyes, mouth


def _cut(crop: np.ndarray, center: np.ndarray, side: float, size: int) -> UInt8[np.ndarray, "{size} {size} 3"]:
    (top, rows), (first, columns) = (_weights(at, side, size, len(crop)) for at in center[::-1])
    window = crop[top : top + rows.shape[1], first : first + columns.shape[1]].astype(np.float32) - PADDING_GREY
    above = (rows @ window.reshape(len(window), -1)).reshape(size, -1, 3)
    return np.rint(np.matmul(columns, above) + PADDING_GREY).clip(0, 255).astype(np.uint8)


def _weights(center: float, side: float, size: int, count: int) -> tuple[int, Float[np.ndarray, "s w"]]:
    """The first pixel that a patch touches along one axis, and what each of its rows takes of that and the next."""
    places = count * (center + side * ((np.arange(size, dtype=np.float32) + 0.5) / size - 0.5))
    width = max(count * side / size, 1.0)
    first = int(np.clip(np.floor(places[0] - width), 0, count - 1))
    last = int(np.clip(np.ceil(places[-1] + width), first + 1, count))
    distance = np.abs(places[:, None] - (np.arange(first, last, dtype=np.float32) + 0.5))
    touched = np.maximum(1 - distance / width, 0)
    return first, (touched / np.maximum(touched.sum(1, keepdims=True), 1e-3)).astype(np.float32)


def _placed(
    faces: FaceArrays,
    mirror: Bool[np.ndarray, "b"],
    config: Augmentation,
    identity_mirror: np.ndarray,
    rng: np.random.Generator,
) -> tuple[FaceArrays, Float[np.ndarray, "b 2 3"]]:
    """Crop faces, mirrored or not, as inference would, then jitter; labels and matrices in our pixels.

    What `labels.placed` does for one face after another, for all at once.
    """
    sign = np.where(mirror, -1.0, 1.0)[:, None, None] * np.array([1.0, 0.0]) + np.array([0.0, 1.0])
    faces = _with_mirrored(faces, mirror, sign, identity_mirror)
    linear, offset, angle = _jittered(faces.landmarks, config, rng)
    landmarks = np.einsum("bij,blj->bli", linear, faces.landmarks) + offset[:, None]
    spin = np.zeros((len(mirror), 4))
    spin[:, 0], spin[:, 3] = np.cos(angle / 2), np.sin(angle / 2)
    wxyz = multiply_wxyz(spin, faces.wxyz)
    faces = faces._replace(landmarks=landmarks.astype(np.float32), wxyz=wxyz.astype(np.float32))
    # The matrices are for the picture as it is stored.
    return faces, np.concatenate([linear * sign, offset[..., None]], axis=2)


def _with_mirrored(
    faces: FaceArrays, mirror: Bool[np.ndarray, "b"], sign: Float[np.ndarray, "b 1 2"], identity_mirror: np.ndarray
) -> FaceArrays:
    """Mirror some of the faces about x = 0, in the pixels of their pictures."""
    order, flat = list(EXPRESSION_MIRROR), mirror[:, None]
    points = np.where(mirror[:, None, None], faces.landmarks[:, list(LANDMARK_MIRROR)], faces.landmarks)
    return faces._replace(
        landmarks=points * sign,
        identity=np.where(flat, faces.identity * identity_mirror, faces.identity).astype(np.float32),
        expression=np.where(flat, faces.expression[:, order], faces.expression),
        expression_weight=np.where(flat, faces.expression_weight[:, order], faces.expression_weight),
        wxyz=np.where(flat, mirrored_wxyz(faces.wxyz), faces.wxyz),
    )


def _jittered(
    points: Float[np.ndarray, "b 68 2"], config: Augmentation, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "b 2 2"], Float[np.ndarray, "b 2"], Float[np.ndarray, "b"]]:
    """From pixels of pictures to those of jittered crops: turns with sizes, moves, and the turns' angles."""
    count, size, roll = len(points), INPUT_SIZE, _upright_roll(points)
    turn = _turns(-roll)
    upright = np.einsum("bij,blj->bli", turn, points)
    low, high = upright.min(1), upright.max(1)
    angle = np.deg2rad(rng.uniform(-config.roll_deg, config.roll_deg, count)) - roll
    scale = size / (CROP_SCALE * np.maximum((high - low).max(1), 1.0)) * rng.uniform(*config.scale, count)
    linear = scale[:, None, None] * _turns(angle)
    center = np.einsum("bji,bj->bi", turn, (low + high) / 2)
    target = size / 2 + size * rng.uniform(-config.shift, config.shift, (count, 2))
    return linear, target - np.einsum("bij,bj->bi", linear, center), angle


def _displaced(affine: Float[np.ndarray, "2 3"], draw: float, rng: np.random.Generator) -> Float[np.ndarray, "2 3"]:
    """A crop that is turned or beside its face where a draw, 0 to 1, is small; else as it is."""
    if draw < TURNED_SHARE:
        return _turned(affine, rng)
    return _misplaced(affine, rng) if draw < TURNED_SHARE + MISPLACED_SHARE else affine


def _turned(affine: Float[np.ndarray, "2 3"], rng: np.random.Generator) -> Float[np.ndarray, "2 3"]:
    """The same crop turned about its middle by 45 to 180 degrees either way."""
    return _about_middle(_turns(np.deg2rad(rng.uniform(45, 180, 1)) * rng.choice([-1, 1]))[0], np.zeros(2), affine)


def _misplaced(affine: Float[np.ndarray, "2 3"], rng: np.random.Generator) -> Float[np.ndarray, "2 3"]:
    """A crop beside the face, by 0.4 to 0.9 of its side, or with the face half or twice as large and more."""
    scale = 2 ** (rng.uniform(0.9, 1.6) * rng.choice([-1, 1])) if rng.random() < 0.4 else 2 ** rng.uniform(-0.6, 0.6)
    reach = rng.uniform(0.4, 0.9) if 0.6 < scale < 1.7 else rng.uniform(0, 0.3)
    angle = rng.uniform(-np.pi, np.pi)
    shift = INPUT_SIZE * reach * np.array([np.cos(angle), np.sin(angle)])
    return _about_middle(scale * np.eye(2), shift, affine)


def _about_middle(linear: Float[np.ndarray, "2 2"], shift: Float[np.ndarray, "2"], affine: np.ndarray) -> np.ndarray:
    moved = linear @ affine
    moved[:, 2] += INPUT_SIZE / 2 - linear @ np.full(2, INPUT_SIZE / 2) + shift
    return moved


def _turns(angle: Float[np.ndarray, "b"]) -> Float[np.ndarray, "b 2 2"]:
    """Anticlockwise in the image, whose y points down."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], 1)


def _upright_roll(points: Float[np.ndarray, "b 68 2"]) -> Float[np.ndarray, "b"]:
    """`faces/crop.py` upright_roll, for many."""
    right, left, mouth = (points[:, part].mean(1) for part in (slice(36, 42), slice(42, 48), slice(48, 60)))
    across, down = left - right, mouth - (left + right) / 2
    return np.arctan2(down[:, 0] - across[:, 1], across[:, 0] + down[:, 1])
