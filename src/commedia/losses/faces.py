"""Eq. 3: the loss of one face's parameters, and the schedule that moves trust from fitted truth to the landmarks."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from commedia.losses.landmark import LandmarkModel, landmark_rms, opening_error, projected
from commedia.losses.parameters import expression_entropy, expression_error, identity_error, rotation_error
from commedia.networks.heads import FaceOutputs


class Loss(NamedTuple):
    """What is minimised, and its parts by name for the log."""

    total: Float[Tensor, ""]
    parts: tuple[tuple[str, Tensor], ...]


class FaceTargets(NamedTuple):
    """Truth about faces, in the units of `FaceOutputs`; unknown parts hold zeros and are not trusted."""

    landmarks: Float[Tensor, "*b l 2"]
    identity: Float[Tensor, "*b i"]
    identity_weight: Float[Tensor, "*b"]
    expression: Float[Tensor, "*b e"]
    expression_weight: Float[Tensor, "*b e"]
    wxyz: Float[Tensor, "*b 4"]
    pose_weight: Float[Tensor, "*b"]
    landmark_weight: Float[Tensor, "*b"]


@dataclass(frozen=True)
class TauSchedule:
    """Weight of the parameter terms against the landmark term over the training."""

    kind: Literal["epoch", "share", "constant"] = "epoch"
    """`epoch`: start / epoch, the paper's; `share`: the same with epochs counted as if the whole run had `epochs` of
    them, for runs whose epochs are not comparable; `constant`: always `start`."""
    start: float = 10.0
    epochs: float = 20.0

    def at(self, *, epoch: int, share: float) -> float:
        """Say tau in an epoch (from 1) that lies at `share` (0 to 1) of the run."""
        if self.kind == "constant":
            return self.start
        return self.start / (max(1, epoch) if self.kind == "epoch" else 1 + share * (self.epochs - 1))


@dataclass(frozen=True)
class FaceLossConfig:
    """Weights of Eq. 3's terms; the defaults are the paper's equation."""

    identity: float = 1.0
    expression: float = 1.0
    rotation: float = 1.0
    landmarks: float = 1.0
    active_weight: float = 1.0
    """Weight of blendshapes whose truth is above 0.2; 1 in the paper."""
    expression_distance: Literal["absolute", "entropy"] = "absolute"
    """`absolute`: the paper's L1; `entropy`: cross-entropy, which does not fade behind the sigmoid."""
    openings: float = 0.0
    """Weight of the lid and lip distances, on the scale of `landmarks`; not in the paper."""
    identity_decay: float = 0.0
    """Weight of the mean square of the identity, for faces whose identity nobody knows; not in the paper."""
    disentangling: float = 0.0
    """Weight of what `disentangling.py` asks of pairs, where a batch is drawn in pairs; the paper names no weight."""


class FaceLoss(NamedTuple):
    """Mean of each term over the faces that have it, before its weight, and their weighted sum."""

    total: Float[Tensor, ""]
    identity: Float[Tensor, ""]
    expression: Float[Tensor, ""]
    rotation: Float[Tensor, ""]
    landmarks: Float[Tensor, ""]
    openings: Float[Tensor, ""]


def face_loss(
    faces: FaceOutputs,
    targets: FaceTargets,
    model: LandmarkModel,
    config: FaceLossConfig,
    tau: float,
    *,
    truth_from_face: tuple[Tensor, Tensor] | None = None,
) -> FaceLoss:
    """Sum Eq. 3 (Chaudhuri et al. 2019) over its terms and average it over faces.

    `truth_from_face` = (offset (b, 2), factor (b, 1)) moves projected landmarks from the units of the prediction to
    those of the truth; MFN predicts in its own box, so that landmarks also pull on the box.
    """
    landmarks = projected(model, faces)
    if truth_from_face is not None:
        offset, factor = truth_from_face
        landmarks = landmarks * factor[:, None] + offset[:, None]
    distance = expression_error if config.expression_distance == "absolute" else expression_entropy
    expression = distance(
        faces.expression, targets.expression, targets.expression_weight, active_weight=config.active_weight
    )
    terms = FaceLoss(
        total=faces.identity.new_zeros(()),
        identity=mean_by_weight(identity_error(faces.identity, targets.identity), targets.identity_weight),
        expression=expression.sum() / max(len(expression), 1),
        rotation=mean_by_weight(rotation_error(faces.wxyz, targets.wxyz), targets.pose_weight),
        landmarks=mean_by_weight(landmark_rms(landmarks, targets.landmarks), targets.landmark_weight),
        openings=mean_by_weight(opening_error(landmarks, targets.landmarks), targets.landmark_weight),
    )
    parameters = (
        config.identity * terms.identity + config.expression * terms.expression + config.rotation * terms.rotation
    )
    decay = mean_by_weight(faces.identity.square().mean(-1), torch.ones_like(targets.identity_weight))
    total = (
        tau * parameters
        + config.landmarks * terms.landmarks
        + config.openings * terms.openings
        + config.identity_decay * decay
    )
    return terms._replace(total=total)


def mean_by_weight(per_face: Float[Tensor, "b"], weight: Float[Tensor, "b"]) -> Float[Tensor, ""]:
    """Average over faces by trust; no faces cost nothing."""
    return (per_face * weight).sum() / weight.sum().clamp_min(1.0)
