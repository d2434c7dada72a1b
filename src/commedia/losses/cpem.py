"""Loss of CPEM (Mo et al. 2022, Eq. 2 and 5): what draws a face explains its picture and points, agrees over the frames
of a person, and says nothing contradictory. Terms that compare with known parameters are ours; their weight is 0 there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from commedia.losses.consistent import PseudoLabel, identity_consistency
from commedia.losses.exclusive import PAIRS, Exclusion, expression_exclusion
from commedia.losses.faces import FaceTargets, Loss, mean_by_weight
from commedia.losses.landmark import landmark_weights, weighted_landmark_error
from commedia.losses.parameters import expression_entropy, expression_error, identity_error, rotation_error
from commedia.losses.picture import coefficient_energy, expression_size, light_penalty
from commedia.networks.paper3.cpem import CpemOutputs

FRONT_DEG = 15.0
"""Up to this yaw a head is seen from the front."""
GREY_LEVELS = 255.0
PAPER_PX = 224.0
PAPER_BATCH, PAPER_FRAMES = 8, 4


@dataclass(frozen=True)
class CpemLossConfig:
    """Weights; the defaults are the paper's, in our units: colours 0 to 1, points in crop sides, means over rows.

    The authors' regularisation is a sum over the batch, their constraints are sums over the frames of a group.
    """

    photometric: float = 1.9 * GREY_LEVELS
    weighted_landmarks: float = 0.1 * PAPER_PX**2
    identity_decay: float = 1e-4 * PAPER_BATCH
    texture_decay: float = 1e-4 * PAPER_BATCH * 1.7e-3
    perceptual: float = 0.0
    """Of Eq. 7, 0.2 in the paper; asks for the `recogniser`, which takes most of the time on a CPU."""
    recogniser: str = "embedding-desktop"
    """Shipped weights by name, an .onnx file or a TorchScript file (.pt)."""
    recogniser_sees: Literal["aligned", "crop"] = "aligned"
    """As `training.recogniser.Seen`."""
    recogniser_px: int = 0
    """Side of its pictures; 0 as its file says."""
    sparsity: float = 0.1
    light: float = 0.0
    """Paper 2's Eq. 8."""
    light_strength: float = 0.1
    identity_consistent: float = 1000.0 * PAPER_FRAMES
    pseudo_label: PseudoLabel = "mean"
    expression_exclusive: float = 10.0 * PAPER_FRAMES
    exclusion: Exclusion = "pairs"
    exclusive_from: float = 2 / 3
    """Share of the stage that is over before contradictions cost anything."""
    landmarks: float = 0.0
    """Of the mean absolute distance of points; ours, as are all below."""
    expression: float = 0.0
    absolute: float = 0.5
    """Share of the expression's loss that is the absolute error; the rest is cross-entropy."""
    identity: float = 0.0
    rotation: float = 0.0
    picture_px: int = 224
    """Side of the pictures drawn for the photometric term."""


class Explained(NamedTuple):
    """What the parameters make of faces."""

    points: Float[Tensor, "b 68 2"]
    """In crop units, as the truth is."""
    photometric: Float[Tensor, "r"]
    """Error of those faces that were drawn."""
    perceptual: Float[Tensor, "r"] | None = None
    """Of the same, where a recogniser was asked."""


def cpem_loss(
    outputs: CpemOutputs,
    explained: Explained,
    targets: FaceTargets,
    config: CpemLossConfig,
    *,
    groups: int,
    group_size: int,
    share: float,
    pairs: Sequence[tuple[int, int]] = PAIRS,
) -> Loss:
    """Sum the terms, each a mean over the faces that have it; parts are before their weights, none of weight 0.

    The first `groups` times `group_size` rows are frames of one person each; `share` of the stage is over; `pairs` of
    blendshapes exclude each other.
    """
    trust, grouped = targets.landmark_weight, groups * group_size
    weights = landmark_weights(seen_from_the_front(targets))
    terms = {
        "photometric": lambda: _mean(explained.photometric),
        "perceptual": lambda: _mean(
            outputs.identity.new_zeros(0) if explained.perceptual is None else explained.perceptual
        ),
        "weighted_landmarks": lambda: mean_by_weight(
            weighted_landmark_error(explained.points, targets.landmarks, weights), trust
        ),
        "identity_decay": lambda: coefficient_energy(outputs.identity).mean(),
        "texture_decay": lambda: coefficient_energy(outputs.texture).mean(),
        "sparsity": lambda: expression_size(outputs.expression).mean(),
        "light": lambda: light_penalty(outputs.light, config.light_strength).mean(),
        "identity_consistent": lambda: _mean(
            identity_consistency(outputs.identity[:grouped].unflatten(0, (groups, group_size)), config.pseudo_label)
        ),
        "expression_exclusive": lambda: expression_exclusion(outputs.expression, config.exclusion, pairs).mean(),
        "landmarks": lambda: mean_by_weight((explained.points - targets.landmarks).abs().mean((1, 2)), trust),
        "expression": lambda: _mean(
            config.absolute * expression_error(outputs.expression, targets.expression, targets.expression_weight)
            + (1 - config.absolute)
            * expression_entropy(outputs.expression, targets.expression, targets.expression_weight)
        ),
        "identity": lambda: mean_by_weight(identity_error(outputs.identity, targets.identity), targets.identity_weight),
        "rotation": lambda: mean_by_weight(rotation_error(outputs.wxyz, targets.wxyz), targets.pose_weight),
    }
    silent = set() if share >= config.exclusive_from else {"expression_exclusive"}
    asked = {name: weight for name in terms if (weight := getattr(config, name)) and name not in silent}
    values = {name: terms[name]() for name in asked}
    total = sum((asked[name] * value for name, value in values.items()), start=outputs.identity.new_zeros(()))
    return Loss(total, tuple(values.items()))


def seen_from_the_front(targets: FaceTargets) -> Tensor:
    """Say which heads are known to be turned by `FRONT_DEG` of yaw at most."""
    w, x, y, z = targets.wxyz.unbind(-1)
    yaw = torch.atan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y))
    return (torch.rad2deg(yaw).abs() <= FRONT_DEG) & (targets.pose_weight > 0)


def _mean(values: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    return values.sum() / max(len(values), 1)
