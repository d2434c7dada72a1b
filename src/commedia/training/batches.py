"""Batches as tensors, and the thread that prepares them while the network works.

Batch k is a function of (seed, k) alone, so a resumed run sees what an uninterrupted one would have seen.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from commedia.losses.boxes import BoxTargets
from commedia.losses.faces import FaceTargets
from commedia.training.config import GroupKind
from commedia.training.labels import FaceArrays

Batch = TypeVar("Batch")


class SfnBatch(NamedTuple):
    """Crops and the truth in crop units. The `group_size` rows of a group lie next to each other."""

    pixels: UInt8[Tensor, "b 3 h w"]
    targets: FaceTargets
    groups: GroupKind = "single"
    group_size: int = 1
    masks: UInt8[Tensor, "b h w"] | None = None
    """How much of each pixel shows skin, 0 to 255; None where no picture of the shards has a mask."""
    parse: UInt8[Tensor, "b h w"] | None = None
    """Which part of a face each pixel shows, as in `FaceCrops`; None where no picture of the shards has a parse map."""
    mirrored: Bool[Tensor, "b"] | None = None
    """Whether a crop is its picture in a mirror."""


class MfnBatch(NamedTuple):
    """Pictures, boxes as fractions of the side, and the truth of each face in the blendshapes of its box."""

    pixels: UInt8[Tensor, "b 3 h w"]
    boxes: BoxTargets
    targets: FaceTargets


def pixels_from_images(images: Sequence[UInt8[np.ndarray, "h w 3"]]) -> UInt8[Tensor, "b 3 h w"]:
    """Stack pictures; the result is channels-last in memory, which is what the CPU convolutions like best."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def unit_pixels(pixels: UInt8[Tensor, "b 3 h w"]) -> Tensor:
    """Bytes to [0, 1]."""
    return pixels.float().div_(255)


def sfn_targets(faces: FaceArrays, size: int) -> FaceTargets:
    """Crop pixels to crop units, one face per picture."""
    return _targets(faces, faces.landmarks / size - 0.5)


def mfn_targets(pictures: Sequence[FaceArrays], size: int) -> tuple[BoxTargets, FaceTargets]:
    """Pad every picture to the same number of faces and express each face in its own box."""
    most = max(1, *(len(faces.box) for faces in pictures))
    padded = [_padded(faces, most) for faces in pictures]
    faces = FaceArrays(*(np.stack(parts) for parts in zip(*padded, strict=True)))
    present = np.stack([np.arange(most) < len(picture.box) for picture in pictures])
    center = (faces.box[..., :2] + faces.box[..., 2:]) / 2
    extent = faces.box[..., 2:] - faces.box[..., :2]
    side = np.sqrt(np.maximum(extent.prod(-1), 1e-6))
    relative = (faces.landmarks - center[..., None, :]) / side[..., None, None]
    relative *= present[..., None, None]
    boxes = BoxTargets(_tensor(center / size), _tensor(extent / size), torch.from_numpy(present))
    return boxes, _targets(faces, relative)


def gathered(parts: Sequence[Any]) -> Any:
    """Join what a network said of slices of a batch, tensors or tuples of them, on the CPU."""
    if isinstance(parts[0], Tensor):
        return torch.cat([part.float().cpu() for part in parts])
    return type(parts[0])(*(gathered(same) for same in zip(*parts, strict=True)))


def prefetched(make: Callable[[int], Batch], first: int, *, workers: int = 1, ahead: int = 4) -> Generator[Batch]:
    """Yield make(first), make(first + 1), ... in order, from threads: OpenCV lets go of the interpreter."""
    with ThreadPoolExecutor(workers, thread_name_prefix="batches") as pool:
        waiting: deque[Future[Batch]] = deque()
        step = first
        try:
            while True:
                while len(waiting) < ahead:
                    waiting.append(pool.submit(make, step))
                    step += 1
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _targets(faces: FaceArrays, landmarks: np.ndarray) -> FaceTargets:
    return FaceTargets(
        **{name: _tensor(getattr(faces, name)) for name in FaceTargets._fields[1:]}, landmarks=_tensor(landmarks)
    )


def _padded(faces: FaceArrays, count: int) -> FaceArrays:
    return FaceArrays(*(np.pad(part, [(0, count - len(faces.box))] + [(0, 0)] * (part.ndim - 1)) for part in faces))


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
