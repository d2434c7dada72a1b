"""Where the 68 points of predicted parameters fall (paper 1, Eq. 2, in crop units), and how far that is from the truth.

The projection's numpy twin on pixels is `geometry/cameras.py`.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from commedia.networks.heads import FaceOutputs
from commedia.render.project import rotate

DM_PER_M = 10.0

LandmarkModel = Callable[[Tensor, Tensor], Tensor]
"""(identity, expression) -> points in metres: `face_model/layer.py` reduced to the 68 points."""

LID_AND_LIP_PAIRS = (*((37, 41), (38, 40), (43, 47), (44, 46)), *((61, 67), (62, 66), (63, 65), (51, 57), (48, 54)))
"""Points whose distance says how open an eye or the mouth is, and how wide the mouth."""


def project(points_dm: Float[Tensor, "b l 3"], faces: FaceOutputs) -> Float[Tensor, "b l 2"]:
    """Place head-frame points, in decimetres, in crop or box units, y down (Chaudhuri et al. 2019, Eq. 2)."""
    moved = (rotate(points_dm, faces.wxyz) + faces.translation[:, None])[..., :2] * faces.scale[:, None]
    return moved * moved.new_tensor([1.0, -1.0])


def projected(model: LandmarkModel, faces: FaceOutputs) -> Float[Tensor, "b l 2"]:
    """Predicted parameters to their points, in crop or box units (y down)."""
    return project(DM_PER_M * model(faces.identity, faces.expression), faces)


CONTOUR, EYES = slice(0, 17), slice(36, 48)
INNER_WEIGHT = 10.0


def landmark_weights(from_the_front: Bool[Tensor, "b"]) -> Float[Tensor, "b 68"]:
    """Say how much points count: 10 inside a face, 1 on its contour and, where a head is turned, around the eyes.

    Reference: Mo et al. 2022, Eq. 8, and their supplement, where a head turned beyond 15 degrees is not from the front.
    """
    weights = torch.full((len(from_the_front), 68), INNER_WEIGHT, device=from_the_front.device)
    weights[:, CONTOUR] = 1.0
    weights[~from_the_front, EYES] = 1.0
    return weights


def weighted_landmark_error(
    predicted: Float[Tensor, "b l 2"], truth: Float[Tensor, "b l 2"], weights: Float[Tensor, "b l"]
) -> Float[Tensor, "b"]:
    """Mean over points of the weighted squared distance. Reference: Mo et al. 2022, Eq. 8, which sums instead."""
    return (weights * (predicted - truth).square().sum(-1)).mean(-1)


def landmark_rms(predicted: Float[Tensor, "b l 2"], truth: Float[Tensor, "b l 2"]) -> Float[Tensor, "b"]:
    """Root of the mean squared distance over the points of each face (Chaudhuri et al. 2019, last term of Eq. 3).

    In Eq. 4 one root spans all faces of a picture, where one bad face would hide the others; here it is taken per face.
    """
    # The root has no gradient at zero; 1e-12 is a distance of a millionth of the crop.
    return ((predicted - truth).square().sum(-1).mean(-1) + 1e-12).sqrt()


def opening_error(predicted: Float[Tensor, "b l 2"], truth: Float[Tensor, "b l 2"]) -> Float[Tensor, "b"]:
    """Mean absolute error of the vectors between lid pairs and lip pairs.

    Ours, not the paper's: a closed eye moves few of 68 points by a few pixels, which their common root hardly sees.
    """
    first, second = torch.tensor(LID_AND_LIP_PAIRS, device=predicted.device).unbind(-1)
    gap = (predicted[:, first] - predicted[:, second]) - (truth[:, first] - truth[:, second])
    return gap.abs().sum(-1).mean(-1)
