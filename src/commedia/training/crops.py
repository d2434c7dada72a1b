"""SFN's crops: cut, varied and labelled; each by itself, in pairs that differ in one thing only, or in groups.

The two of a pair are rows 2k and 2k + 1 of the batch; `losses/disentangling.py` says what they must agree on.
"""

from dataclasses import replace
from typing import NamedTuple, cast

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from commedia.data.truth import PARSE_UNKNOWN
from commedia.face_model.model import PARSE_CLASSES
from commedia.faces.crop import crop_from_landmarks
from commedia.geometry.placement import warp as warp_affine
from commedia.networks.paper1.sfn import SFN_SIZE
from commedia.training.augment import varied
from commedia.training.batches import SfnBatch, pixels_from_images, sfn_targets
from commedia.training.config import Augmentation, GroupKind
from commedia.training.editing import Editor, edited
from commedia.training.labels import FaceArrays, Placement, joined, placed
from commedia.training.pictures import FaceCrops, warp


class Cut(NamedTuple):
    """One crop."""

    image: UInt8[np.ndarray, "s s 3"]
    face: FaceArrays
    mask: UInt8[np.ndarray, "s s"] | None
    parse: UInt8[np.ndarray, "s s"] | None
    mirrored: bool


PARSE_MIRROR = np.arange(256, dtype=np.uint8)
"""A class of a parse map as it is called in a mirror."""
for _name in ("brow", "eye"):
    _sides = [PARSE_CLASSES.index(f"{side}_{_name}") for side in ("left", "right")]
    PARSE_MIRROR[_sides] = _sides[::-1]


def crops(
    face_crops: FaceCrops,
    rows: np.ndarray,
    config: Augmentation,
    identity_mirror: Float[np.ndarray, "i"],
    rng: np.random.Generator,
    *,
    groups: GroupKind = "single",
    editor: Editor | None = None,
    size: int = SFN_SIZE,
) -> SfnBatch:
    """Cut, vary and label the crops of some singles; rows in two dimensions are groups of the second's length.

    Groups are mirrored as a whole or not at all: a mirrored person is another one.
    `views` cut each single twice, mirrored both times or not at all; place, turn, scale, colour and spoil each by
    itself. `edits` cut it once, and warp another expression into a copy of the crop.
    """
    cuts: list[Cut] = []
    members, side = 1 if rows.ndim == 1 else rows.shape[1], config
    for place, row in enumerate(rows.ravel().tolist()):
        own = side if place % members else config
        placements = [crop_placement(face_crops.face(row), own, identity_mirror, rng, size)]
        side = replace(config, flip=float(placements[0].mirror))
        if groups == "views":
            placements.append(crop_placement(face_crops.face(row), side, identity_mirror, rng, size))
        cuts += [_cut(face_crops, row, placement, config, identity_mirror, rng, size) for placement in placements]
        if groups == "edits":
            assert editor is not None
            image, face = edited(cuts[-1].image, cuts[-1].face, editor, rng)
            cuts.append(cuts[-1]._replace(image=image, face=face))
    images, faces, masks, parses, mirrored = zip(*cuts, strict=True)
    targets = sfn_targets(joined(faces), size)
    members = 2 if groups in ("views", "edits") else members
    maps = (None if part[0] is None else torch.from_numpy(np.stack(part)) for part in (masks, parses))
    return SfnBatch(pixels_from_images(images), targets, groups, members, *maps, torch.tensor(mirrored))


def crop_placement(
    face: FaceArrays,
    config: Augmentation,
    identity_mirror: Float[np.ndarray, "i"],
    rng: np.random.Generator,
    size: int = SFN_SIZE,
) -> Placement:
    """Crop a face, mirrored or not, as inference would crop it, then jitter the crop."""
    mirror = bool(rng.random() < config.flip)
    as_found = Placement(0.0, 1.0, mirror, np.zeros(2), np.zeros(2))
    crop = crop_from_landmarks(placed(face, as_found, identity_mirror).landmarks[0])
    jitter = np.deg2rad(rng.uniform(-config.roll_deg, config.roll_deg))
    scale = size / crop.side_px * rng.uniform(*config.scale)
    shift = size * rng.uniform(-config.shift, config.shift, size=2)
    # The linear part is its own inverse.
    source = as_found.target_from_source[:, :2] @ crop.center_px
    return Placement(jitter - crop.roll, scale, mirror, source, size / 2 + shift)


def _cut(
    face_crops: FaceCrops,
    row: int,
    placement: Placement,
    config: Augmentation,
    identity_mirror: np.ndarray,
    rng: np.random.Generator,
    size: int,
) -> Cut:
    border = cv2.BORDER_REFLECT_101 if rng.random() < 0.3 else cv2.BORDER_CONSTANT
    image = warp(face_crops.images[row], placement, (size, size), border=border)
    mask, parse = None, None
    if face_crops.masks is not None:
        mask = warp(face_crops.masks[row], placement, (size, size), border=cv2.BORDER_CONSTANT, padding=0)
    if face_crops.parse is not None:
        affine = placement.target_from_source
        parse = warp_affine(face_crops.parse[row], affine, (size, size), grey=PARSE_UNKNOWN, flags=cv2.INTER_NEAREST)
        parse = PARSE_MIRROR[parse] if placement.mirror else parse
    face = placed(face_crops.face(row), placement, identity_mirror)
    return Cut(varied(cast(np.ndarray, image), config, rng), face, mask, parse, placement.mirror)
