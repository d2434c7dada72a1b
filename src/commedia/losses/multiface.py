"""Eq. 4: Eq. 3 over every face of every picture, at the predictions that answer for them, plus the box terms."""

from dataclasses import dataclass, field
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from commedia.losses.boxes import BoxLoss, BoxLossConfig, BoxTargets, assign, box_loss
from commedia.losses.faces import FaceLoss, FaceLossConfig, FaceTargets, face_loss
from commedia.losses.landmark import LandmarkModel
from commedia.networks.paper1.mfn import BOX_NUMBERS, GridConfig, decode_boxes, decode_faces


@dataclass(frozen=True)
class MultiFaceLossConfig:
    """Both halves of Eq. 4 and their balance."""

    faces: FaceLossConfig = field(default_factory=FaceLossConfig)
    boxes: BoxLossConfig = field(default_factory=BoxLossConfig)
    box_weight: float = 1.0


class MultiFaceLoss(NamedTuple):
    total: Float[Tensor, ""]
    faces: FaceLoss
    boxes: BoxLoss


def multi_face_loss(
    grid: Float[Tensor, "b n k"],
    boxes: BoxTargets,
    faces: FaceTargets,
    anchors: Float[Tensor, "a 2"],
    model: LandmarkModel,
    network: GridConfig,
    config: MultiFaceLossConfig,
    tau: float,
) -> MultiFaceLoss:
    """Score a grid against the faces of its pictures, relative to their true boxes (Chaudhuri et al. 2019, Eq. 4, 7.2).

    Landmarks are predicted in the predicted box and compared in the true one, so they also improve the box. A grid of
    boxes without parameters is scored by its boxes alone.
    """
    cells = round((grid.shape[1] // len(anchors)) ** 0.5)
    predicted = decode_boxes(grid, anchors)
    chosen = assign(boxes, anchors, cells)
    box = box_loss(grid, predicted, boxes, chosen, anchors, config.boxes)
    if grid.shape[-1] == BOX_NUMBERS:
        nothing = FaceLoss(*[grid.new_zeros(())] * len(FaceLoss._fields))
        return MultiFaceLoss(config.box_weight * box.total, nothing, box)
    row, truth = (chosen.picture, chosen.prediction), (chosen.picture, chosen.face)
    side = boxes.size[truth].prod(-1, keepdim=True).clamp_min(1e-12).sqrt()
    offset = (predicted.center[row] - boxes.center[truth]) / side
    # The root of an area that an early box may shrink to nothing.
    factor = predicted.size[row].prod(-1, keepdim=True).clamp_min(1e-12).sqrt() / side
    targets = FaceTargets(*(part[truth] for part in faces))
    said = decode_faces(grid[row], network.identity_count, network.expression_count)
    face = face_loss(said, targets, model, config.faces, tau, truth_from_face=(offset, factor))
    return MultiFaceLoss(face.total + config.box_weight * box.total, face, box)
