"""Teach a trained sfn-close to say whether there is a face at all, and leave everything else as it is.

    python scripts/teach_presence.py weights.safetensors --shards alone/*.tar scenes/*.tar -o taught.safetensors

SFN reads a face into every crop. Where there is none, its points could be anywhere and their heat spreads: a logistic
regression over the 164 spreads tells both apart. Faces come as training sees them, moved, turned, covered; what is no
face are squares of pictures without people, squares beside the face in pictures with one, and whatever MFN takes for a
face in either. Every fifth picture is held back and measured.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from commedia.data.sample import PictureSample
from commedia.data.shards import read_encoded
from commedia.errors import CommediaError, WeightsMismatch
from commedia.faces.crop import CROP_SCALE, Crop, crop_from_landmarks, crop_image
from commedia.faces.mfn import MfnPredictor, open_mfn
from commedia.geometry.boxes import intersection_over_union
from commedia.networks.ours.sfn_close import SfnClose
from commedia.networks.paper1.sfn import SFN_SIZE
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights
from commedia.structures import Box
from commedia.training.augment import varied
from commedia.training.recipes import SFN_CLOSE

HELD_EACH = 5
MFN_THRESHOLD = 0.15
"""Doubtful faces are what the judgement is for."""
APART_IOU = 0.15
"""Of a square beside the face and the face's own."""
SQUARES = 3
"""Per picture, at random."""
DECAY = 1e-3
"""Of the regression's weights, on standardised spreads."""


class Examples(NamedTuple):
    """Crops, and whether each shows a face."""

    crops: list[UInt8[np.ndarray, "128 128 3"]]
    is_face: list[bool]
    is_held: list[bool]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="weights of sfn-close")
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="pictures of one face or none")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--most", type=int, default=700, help="pictures of each shard")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    try:
        network = network_from_weights(given.weights)
        if not isinstance(network, SfnClose):
            raise WeightsMismatch(f"'{given.weights}' holds a {type(network).__name__}; expected weights of sfn-close")
        found = examples(given.shards, given.most, np.random.default_rng(given.seed))
        teach(network, found)
        save_weights(given.output, network, facts_of_weights(given.weights))
    except CommediaError as error:
        print(f"teach_presence: {error}", file=sys.stderr)
        return 2
    return 0


def examples(shards: list[Path], most: int, rng: np.random.Generator) -> Examples:
    """Collect what to judge from the first pictures of each shard."""
    mfn, found = open_mfn(threshold=MFN_THRESHOLD), Examples([], [], [])
    for shard in shards:
        for number, encoded in zip(range(most), read_encoded(shard), strict=False):
            if len(encoded.faces) > 1:
                continue
            picture = encoded.decoded()
            for crop, is_face in (*faces_of(picture, rng), *others_of(picture, mfn, rng)):
                image = varied(crop_image(picture.image, crop, SFN_SIZE), SFN_CLOSE.augmentation, rng)
                found.crops.append(image)
                found.is_face.append(is_face)
                found.is_held.append(number % HELD_EACH == 0)
    return found


def faces_of(picture: PictureSample, rng: np.random.Generator) -> Iterator[tuple[Crop, bool]]:
    """Place the crop as detectors and earlier frames do: not quite."""
    config = SFN_CLOSE.augmentation
    for face in picture.faces:
        crop = crop_from_landmarks(face.landmarks_px)
        shift = rng.uniform(-config.shift, config.shift, 2) * crop.side_px
        side = crop.side_px / rng.uniform(*config.scale)
        roll = crop.roll + np.radians(rng.uniform(-1, 1) * config.roll_deg)
        yield Crop((crop.center_px + shift).astype(np.float32), side, float(roll)), True


def others_of(picture: PictureSample, mfn: MfnPredictor, rng: np.random.Generator) -> Iterator[tuple[Crop, bool]]:
    """Find squares without a face: at random, and where MFN sees one."""
    height, width = picture.image.shape[:2]
    taken = [square(crop_from_landmarks(face.landmarks_px)) for face in picture.faces]
    doubtful = [crop_from_landmarks(face.landmarks_px) for face in mfn.detect(picture.image)]
    largest = min(height, width) if not taken else taken[0].width_px
    for _ in range(SQUARES):
        center = rng.uniform(0, 1, 2) * (width, height)
        side = largest * np.exp(rng.uniform(np.log(0.25), 0))
        doubtful.append(Crop(center.astype(np.float32), float(side), float(rng.normal(0, 0.4))))
    for crop in doubtful:
        if all(intersection_over_union(square(crop), other) < APART_IOU for other in taken):
            yield crop, False


def square(crop: Crop) -> Box:
    """What a crop covers, roughly: where the face would be."""
    x, y = crop.center_px.tolist()
    half = crop.side_px / CROP_SCALE / 2
    return Box(x - half, y - half, x + half, y + half)


def teach(network: SfnClose, found: Examples) -> None:
    """Fit the regression on the pictures that are not held back, say how the held ones are judged, and keep it."""
    spreads = spreads_of(network, found.crops)
    is_face, is_held = torch.tensor(found.is_face), torch.tensor(found.is_held)
    weight, bias = fitted(spreads[~is_held], is_face[~is_held])
    logits = spreads @ weight + bias
    for name, rows in (("trained on", ~is_held), ("held back", is_held)):
        kept, refused = (logits[rows & is_face] > 0).float(), (logits[rows & ~is_face] < 0).float()
        print(f"{name}: {kept.mean():.4f} of {len(kept)} faces kept, {refused.mean():.4f} of {len(refused)} refused")
    with torch.no_grad():
        network.presence.weight.copy_(weight[None])
        network.presence.bias.fill_(float(bias))


@torch.no_grad()
def spreads_of(network: SfnClose, crops: list[UInt8[np.ndarray, "128 128 3"]]) -> Float[Tensor, "n k"]:
    """Read the spread of every point in every crop."""
    network.eval()
    parts = (torch.from_numpy(np.stack(crops[k : k + 64])) for k in range(0, len(crops), 64))
    return torch.cat([network.base(part.permute(0, 3, 1, 2).float() / 255).spread for part in parts])


def fitted(spreads: Float[Tensor, "n k"], is_face: Bool[Tensor, "n"]) -> tuple[Float[Tensor, "k"], Float[Tensor, ""]]:
    """Fit a balanced logistic regression, in the units of the spreads."""
    mean, scale = spreads.mean(0), spreads.std(0).clamp_min(1e-6)
    features, truth = (spreads - mean) / scale, is_face.float()
    share = truth.mean()
    balance = torch.where(is_face, 0.5 / share, 0.5 / (1 - share))
    weight, bias = torch.zeros(features.shape[1], requires_grad=True), torch.zeros((), requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        logits = features @ weight + bias
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth, balance)
        total = entropy + DECAY * weight.square().sum()
        total.backward()
        return total

    optimiser.step(loss)
    raw = (weight / scale).detach()
    return raw, (bias - raw @ mean).detach()


if __name__ == "__main__":
    sys.exit(main())
