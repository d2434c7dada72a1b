"""Lay the faces that networks of paper 3 draw over real pictures, to look at. Example:

python scripts/paper3_overlays.py runs/cpem/weights.safetensors --pictures clips/*.mp4 photos/*.jpg --out overlays.png

Each tile: the crop, and the drawn face over it. A network that says no texture and light draws the mean skin in even
light.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from commedia.errors import CommediaError
from commedia.faces.crop import crop_image, crop_of_face
from commedia.faces.mfn import open_mfn
from commedia.networks.heads import face_outputs
from commedia.networks.paper3.cpem import CpemOutputs, through_pinhole
from commedia.networks.registry import spec_of
from commedia.networks.weights import network_from_weights
from commedia.sources.open import open_frames
from commedia.training.batches import pixels_from_images, unit_pixels
from commedia.training.cpem_face import CpemFace
from commedia.training.face_model import default_face_model
from commedia.training.sheets import grid_of, write_picture

COLUMNS = 8


def middle_frames(paths: list[Path]) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """One picture of each file: the middle one of a video, the first that is longer than it says."""
    for path in paths:
        with open_frames(path) as source:
            count = source.info.frame_count or 1
            frame = next(islice(source, count // 2, None), None)
        if frame is not None:
            yield frame.image


def crops_of(images: Iterator[UInt8[np.ndarray, "h w 3"]], size: int) -> list[UInt8[np.ndarray, "s s 3"]]:
    """The largest face of each picture that has one, cut as SFN's crops are."""
    finder, cut = open_mfn("mfn-desktop", threads=1), []
    for image in images:
        faces = finder.detect(image)
        if faces:
            largest = max(faces, key=lambda face: face.box.width_px * face.box.height_px)
            cut.append(crop_image(image, crop_of_face(largest), size))
    return cut


def explained(network: Any, pixels: torch.Tensor) -> CpemOutputs:
    """What draws the faces; a network of ours that says no colours gets the mean ones in even light."""
    said = network.read(pixels) if hasattr(network, "texture") else network(pixels)
    if isinstance(said, CpemOutputs):
        return said
    count = len(pixels)
    return through_pinhole(face_outputs(said), torch.zeros(count, 40), torch.zeros(count, 3, 9))


@torch.no_grad()
def overlays(weights: Path, pictures: list[Path]) -> UInt8[np.ndarray, "h w 3"]:
    """Crop and drawn face side by side, for every picture with a face."""
    network = network_from_weights(weights).eval()
    size = spec_of(network).input_size
    cut = crops_of(middle_frames(pictures), size)
    if not cut:
        raise CommediaError("no face was found in any of the pictures")
    outputs = explained(network, unit_pixels(pixels_from_images(cut)))
    drawn = CpemFace(default_face_model()).pictures(outputs, size)
    images = torch.from_numpy(np.stack(cut))
    laid = torch.where(drawn.mask[..., None], 255 * drawn.image.clamp(0, 1), images.float()).byte()
    tiles = [np.concatenate(pair, axis=1) for pair in zip(images.numpy(), laid.numpy(), strict=True)]
    return grid_of(tiles, columns=COLUMNS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, help="weights.safetensors of a training, or shipped ones")
    parser.add_argument("--pictures", type=Path, nargs="+", required=True, help="photographs and videos")
    parser.add_argument("--out", type=Path, required=True, help="the picture to write")
    given = parser.parse_args()
    try:
        write_picture(given.out, overlays(given.weights, given.pictures))
    except CommediaError as error:
        print(f"paper3_overlays: {error}", file=sys.stderr)
        return 2
    print(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
