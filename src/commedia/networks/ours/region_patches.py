"""Patches of eyes and mouth, cut out where landmarks are; the right eye's is mirrored, so one network reads both."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from commedia.conventions import EXPRESSION_INDEX

EYE_REACH, MOUTH_REACH = 0.46, 0.85
"""Side of the patch over the longer side of the landmarks' tight box: brow to cheek, nose to chin with both cheeks."""
EYE_RAISE = 0.04
"""How far above the eye its patch is centred, in the same unit, so that a raised brow stays inside."""
REACHES = EYE_REACH, EYE_REACH, MOUTH_REACH
PATCH_POINTS = slice(42, 48), slice(36, 42), slice(48, 68)
"""Landmarks whose mean is the middle of the patch of the left eye, the right eye, and the mouth."""

EYE_BLENDSHAPES = (
    *("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide"),
    *("browDown", "browInnerUp", "browOuterUp", "cheekSquint", "noseSneer"),
)
"""What one eye's patch tells, of its own side."""
LEFT, RIGHT = (
    tuple(EXPRESSION_INDEX.get(name + side, EXPRESSION_INDEX.get(name, -1)) for name in EYE_BLENDSHAPES)
    for side in ("Left", "Right")
)
MOUTH = tuple(
    index for name, index in EXPRESSION_INDEX.items() if name.startswith(("jaw", "mouth", "cheek", "nose", "tongue"))
)


class RegionPatches(NamedTuple):
    """Patches of each face, RGB; -1 to 1 as they leave the crop, grey beyond it."""

    eyes: Float[Tensor, "b 2 3 s s"]
    """The left, then the right, mirrored: it looks like a left one."""
    mouth: Float[Tensor, "b 3 m m"]


def region_patches(
    pixels: Float[Tensor, "b 3 n n"], landmarks: Float[Tensor, "b 68 2"], eye_size: int, mouth_size: int
) -> RegionPatches:
    """Cut the patches out of square crops that stand upright; `landmarks` in crop units (-0.5 to 0.5, y down).

    Takes [0, 1]. Patches are upright too: cutting is then two matrix products, 0.6 of `grid_sample`'s time in
    ONNX Runtime, and what is coarser than the crop is averaged instead of skipped through.
    """
    side = (landmarks.amax(1) - landmarks.amin(1)).amax(1, keepdim=True)
    sizes, centers = (eye_size, eye_size, mouth_size), [landmarks[:, part].mean(1) for part in PATCH_POINTS]
    offsets, steps = (numbers.to(side) for numbers in _rasters(sizes))
    patch_of = torch.tensor([patch for patch, size in enumerate(sizes) for _ in range(size)], device=side.device)
    places = torch.stack(centers, dim=2).index_select(2, patch_of) + side[:, None] * offsets
    weights = _weights(places, side * steps, pixels.shape[-1])
    columns, rows = weights[:, :1], weights[:, 1:]
    # One product for all patches' rows: half the time of three. Centred here, as of the crop most pixels are in no
    # patch: weights add up to 1 inside it and 0 beyond, where the patch is then grey.
    above = (rows @ pixels - rows.sum(3, keepdim=True) / 2).split(sizes, dim=2)
    left_eye, right_eye, mouth_patch = (
        2 * (part @ across.transpose(2, 3)) for part, across in zip(above, columns.split(sizes, dim=2), strict=True)
    )
    return RegionPatches(torch.stack([left_eye, right_eye], dim=1), mouth_patch)


def _rasters(sizes: tuple[int, int, int]) -> tuple[Float[Tensor, "2 r"], Float[Tensor, "r"]]:
    """Sides of the patches to where all their columns and rows lie, from the means of their points, and their steps.

    In sides of the landmarks' box.
    """
    places, steps = [], []
    for size, reach, mirror, rise in zip(sizes, REACHES, (1, -1, 1), (EYE_RAISE, EYE_RAISE, 0.0), strict=True):
        along = reach * ((torch.arange(size) + 0.5) / size - 0.5)
        places.append(torch.stack([mirror * along, along - rise]))
        steps.append(torch.full((size,), reach / size))
    return torch.cat(places, dim=1), torch.cat(steps)


def _weights(places: Float[Tensor, "b 2 r"], steps: Float[Tensor, "b r"], count: int) -> Float[Tensor, "b 2 r n"]:
    """Say what each column and row of the patches takes of each of the crop's."""
    theirs = (torch.arange(count).to(places) + 0.5) / count - 0.5
    # A triangle as wide as the coarser of both rasters. Without the division, pixels that fall differently between two
    # of the patch's rows show as a grid.
    reach = steps.clamp_min(1 / count)[:, None, :, None]
    touched = torch.relu(reach - (places[..., None] - theirs).abs())
    return touched / touched.sum(-1, keepdim=True).clamp_min(1e-3 / count)
