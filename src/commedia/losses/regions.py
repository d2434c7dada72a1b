"""Loss of SFN with patch readers: points, parameters and landmarks of faces, and whether there is one."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from commedia.losses.consistent import identity_consistency
from commedia.losses.exclusive import expression_exclusion
from commedia.losses.faces import FaceTargets, Loss, mean_by_weight
from commedia.losses.landmark import LandmarkModel, projected
from commedia.losses.parameters import identity_error, mixed_expression_error, rotation_error
from commedia.networks.ours.sfn import RegionFaces


@dataclass(frozen=True)
class RegionLossConfig:
    """Weights of the terms; lengths are in crop sides."""

    expression: float = 8.0
    regions: float = 4.0
    """Of what the patches alone say, so that they learn what the trunk could have guessed."""
    absolute: float = 0.5
    """Share of the expression's loss that is the absolute error; the rest is cross-entropy. The first asks for the
    median, which rests, the second for the mean, which pulls harder."""
    points: float = 30.0
    landmarks: float = 30.0
    rotation: float = 10.0
    identity: float = 0.5
    presence: float = 0.5
    identity_consistent: float = 0.0
    """Of paper 3's Eq. 3, where a batch has groups of one person each."""
    expression_exclusive: float = 0.0
    """Of paper 3's Eq. 4. It asks from the first step on: these networks begin from ones that can read."""


def region_loss(
    read: RegionFaces,
    targets: FaceTargets,
    present: Float[Tensor, "b"],
    model: LandmarkModel,
    config: RegionLossConfig,
    group_size: int = 1,
) -> Loss:
    """Sum the terms, each averaged over the faces that have it; parts are before their weights.

    The last two terms are options (Mo et al. 2022, Eq. 3 and 4). With a `group_size` above 1 the first half of the rows
    are groups of one person each.
    """
    faces = read.faces
    landmarks = projected(model, faces)
    known = targets.expression, targets.expression_weight
    terms = {
        "expression": mixed_expression_error(read.logits, *known, absolute=config.absolute),
        "regions": mixed_expression_error(read.regions, *known, absolute=config.absolute),
        "points": mean_by_weight((read.points - targets.landmarks).abs().mean((1, 2)), targets.landmark_weight),
        "landmarks": mean_by_weight((landmarks - targets.landmarks).abs().mean((1, 2)), targets.landmark_weight),
        "rotation": mean_by_weight(rotation_error(faces.wxyz, targets.wxyz), targets.pose_weight),
        "identity": mean_by_weight(identity_error(faces.identity, targets.identity), targets.identity_weight),
        "presence": binary_cross_entropy_with_logits(read.presence[:, 0], present),
    }
    if config.identity_consistent and group_size > 1:
        terms["identity_consistent"] = _inconsistency(faces.identity, present, group_size)
    if config.expression_exclusive:
        excluded = expression_exclusion(faces.expression)
        terms["expression_exclusive"] = mean_by_weight(excluded, present)
    total = sum((getattr(config, name) * term for name, term in terms.items()), start=read.points.new_zeros(()))
    return Loss(total, tuple(terms.items()))


def _inconsistency(identity: Float[Tensor, "b i"], present: Float[Tensor, "b"], size: int) -> Float[Tensor, ""]:
    """Eq. 3 over the groups in which every face can be seen."""
    groups = len(present) // 2 // size
    whole = present[: groups * size].unflatten(0, (groups, size)).amin(1)
    return mean_by_weight(identity_consistency(identity[: groups * size].unflatten(0, (groups, size))), whole)
