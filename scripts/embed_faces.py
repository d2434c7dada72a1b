"""Describe the faces of shards by a face recogniser: what `commedia train embedding-desktop` learns to say.

    npm pack @vladmandic/face-api && tar xzf vladmandic-face-api-*.tgz        # MIT; version 1.7.15
    python scripts/embed_faces.py shards/{lfw,ytf-train,helen-train,web-faces}-*.tar --model package/model \\
        --trunk trunk.safetensors

The package holds dlib's `face_recognition_resnet_model_v1` (Davis King; public domain, CC0), a residual network of 29
layers that reads chips of 150 pixels. It is rebuilt here in torch from the package's numbers. Beside each shard
NAME.tar comes NAME.embeddings.npz: `embedding` (n x 128), one row per face in the order of `open_store`. `--trunk` gets
its first layers, as `commedia train embedding-desktop --init-from` reads them.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as torch_functions

from commedia.faces.crop import crop_image
from commedia.faces.embedding import chip_crop
from commedia.files import named_aside
from commedia.networks.ours.embedding import CHIP_SIZE, MEAN_RGB, Trunk
from commedia.training.face_store import FaceStore, open_store

MODEL = "face_recognition_model"
AT_ONCE = 32
RESIDUALS = (
    *("conv32_1", "conv32_2", "conv32_3"),
    *("conv64_down", "conv64_1", "conv64_2", "conv64_3"),
    *("conv128_down", "conv128_1", "conv128_2"),
    *("conv256_down", "conv256_1", "conv256_2", "conv256_down_out"),
)


def read_numbers(folder: Path) -> dict[str, Tensor]:
    """Decode the model of a package: tensors by name; kernels as torch wants them."""
    manifest = json.loads((folder / f"{MODEL}-weights_manifest.json").read_text())
    content, tensors = (folder / f"{MODEL}.bin").read_bytes(), {}
    place = 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        packed = entry.get("quantization")
        kind, count = np.dtype(packed["dtype"] if packed else entry["dtype"]), int(np.prod(entry["shape"]))
        numbers = np.frombuffer(content, kind, count, place).astype(np.float32).reshape(entry["shape"])
        place += count * kind.itemsize
        if packed:
            numbers = numbers * np.float32(packed["scale"]) + np.float32(packed["min"])
        if numbers.ndim == 4:
            numbers = numbers.transpose(3, 2, 0, 1)
        tensors[entry["name"]] = torch.from_numpy(np.ascontiguousarray(numbers))
    assert place == len(content), f"the manifest speaks of {place} bytes, the file has {len(content)}"
    return tensors


class Recogniser:
    """dlib's network: chips of 150 pixels to 128 numbers."""

    def __init__(self, numbers: dict[str, Tensor]):
        self.numbers = numbers

    @torch.inference_mode()
    def embed(self, chips: UInt8[np.ndarray, "b 150 150 3"]) -> Float[np.ndarray, "b 128"]:
        pixels = torch.from_numpy(chips).float() / 255 - torch.tensor(MEAN_RGB)
        features = torch.relu(self._convolved(pixels.permute(0, 3, 1, 2), "conv32_down", stride=2))
        features = torch_functions.max_pool2d(features, 3, 2)
        for name in RESIDUALS:
            features = self._residual(features, name)
        return (features.mean((2, 3)) @ self.numbers["fc"]).numpy()

    def _convolved(self, features: Tensor, name: str, *, stride: int = 1) -> Tensor:
        """Convolve, then scale each channel; strided convolutions do not pad."""
        kernel, bias, weight, shift = (
            self.numbers[f"{name}/{part}"] for part in ("conv/filters", "conv/bias", "scale/weights", "scale/biases")
        )
        padding = 0 if stride == 2 else kernel.shape[-1] // 2
        found = torch_functions.conv2d(features, kernel, bias, stride, padding)
        return found * weight[:, None, None] + shift[:, None, None]

    def _residual(self, features: Tensor, name: str) -> Tensor:
        halved = "down" in name
        found = torch.relu(self._convolved(features, f"{name}/conv1", stride=2 if halved else 1))
        found = self._convolved(found, f"{name}/conv2")
        if halved:
            features = torch_functions.avg_pool2d(features, 2)
            wide, high = (features.shape[axis] - found.shape[axis] for axis in (3, 2))
            found = torch_functions.pad(found, (0, wide, 0, high))
            # What has fewer channels counts as zero in the others.
            features = torch_functions.pad(features, (0, 0, 0, 0, 0, found.shape[1] - features.shape[1]))
        return torch.relu(features + found)


def trunk_of(numbers: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take the tensors of the student's trunk, under its names; each channel's scale goes into its convolution."""
    named: dict[str, Tensor] = {}
    convolutions = [name for name, part in Trunk().named_modules() if isinstance(part, torch.nn.Conv2d)]
    originals = ["conv32_down", *(f"{name}/conv{n}" for name in RESIDUALS for n in (1, 2))]
    for ours, theirs in zip(convolutions, originals, strict=False):
        weight = numbers[f"{theirs}/scale/weights"]
        named[f"trunk.{ours}.weight"] = numbers[f"{theirs}/conv/filters"] * weight[:, None, None, None]
        named[f"trunk.{ours}.bias"] = numbers[f"{theirs}/conv/bias"] * weight + numbers[f"{theirs}/scale/biases"]
    return named


def embedded(store: FaceStore, recogniser: Recogniser) -> Float[np.ndarray, "n 128"]:
    """Describe every face of a store."""
    found: list[np.ndarray] = []
    for start in range(0, len(store), AT_ONCE):
        rows = range(start, min(start + AT_ONCE, len(store)))
        chips = np.stack(
            [crop_image(store.image(row), chip_crop(store.faces.landmarks[row]), CHIP_SIZE) for row in rows]
        )
        found.append(recogniser.embed(chips))
    return np.concatenate(found)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path, nargs="*")
    parser.add_argument("--model", type=Path, required=True, help="folder 'model' of the unpacked package")
    parser.add_argument("--trunk", type=Path, help="write the first layers here")
    options = parser.parse_args(arguments)
    recogniser = Recogniser(read_numbers(options.model))
    if options.trunk:
        save_file(trunk_of(recogniser.numbers), options.trunk)
    for path in options.shards:
        with named_aside(path.with_suffix(".embeddings.npz"), ".npz") as aside:
            np.savez(aside, embedding=embedded(open_store([path]), recogniser).astype(np.float16))
        print(path.with_suffix(".embeddings.npz"))


if __name__ == "__main__":
    main()
