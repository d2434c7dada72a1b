"""YOLO's share of Eq. 4: which prediction answers for which face, and how boxes and objectness are scored.

Reference: Redmon et al. 2016 (YOLO) and Redmon and Farhadi 2017 (YOLOv2), as paper 1's sections 3.4 and 7.2 use them.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from commedia.networks.paper1.mfn import BoxOutputs


@dataclass(frozen=True)
class BoxLossConfig:
    """Weights of the box terms; the defaults are YOLO's on YOLOv2's parametrisation."""

    coordinates: Literal["squared", "ciou"] = "squared"
    """`squared`: squared error of (sigmoid tx, sigmoid ty, tw, th); `ciou`: 1 - complete IoU."""
    objectness: Literal["squared", "bce"] = "squared"
    coordinate_weight: float = 5.0
    object_weight: float = 1.0
    no_object_weight: float = 0.5
    ignore_iou: float = 0.6
    """A prediction without a face of its own that overlaps one this much is neither praised nor blamed."""
    iou_target: bool = True
    """Objectness of an assigned prediction aims at its box's IoU, else at 1."""


class BoxTargets(NamedTuple):
    """Faces of each picture, as fractions of its side; rows beyond a picture's faces are not `present`."""

    center: Float[Tensor, "b f 2"]
    size: Float[Tensor, "b f 2"]
    present: Bool[Tensor, "b f"]


class Assignment(NamedTuple):
    """Which prediction answers for which face, as indices; one row per assigned face."""

    picture: Int[Tensor, "m"]
    prediction: Int[Tensor, "m"]
    face: Int[Tensor, "m"]


class BoxLoss(NamedTuple):
    """Each term per face before its weight, and the weighted sum."""

    total: Float[Tensor, ""]
    coordinates: Float[Tensor, ""]
    objects: Float[Tensor, ""]
    no_objects: Float[Tensor, ""]


def shape_iou(first: Float[Tensor, "*#b 2"], second: Float[Tensor, "*#b 2"]) -> Float[Tensor, "*b"]:
    """Overlap of boxes laid on a common centre."""
    shared = torch.minimum(first, second).prod(-1)
    return shared / (first.prod(-1) + second.prod(-1) - shared).clamp_min(1e-12)


def box_iou(
    centers: tuple[Float[Tensor, "*#b 2"], Float[Tensor, "*#b 2"]],
    sizes: tuple[Float[Tensor, "*#b 2"], Float[Tensor, "*#b 2"]],
) -> Float[Tensor, "*b"]:
    """Overlap of boxes in place."""
    low = torch.maximum(centers[0] - sizes[0] / 2, centers[1] - sizes[1] / 2)
    high = torch.minimum(centers[0] + sizes[0] / 2, centers[1] + sizes[1] / 2)
    shared = (high - low).clamp_min(0).prod(-1)
    return shared / (sizes[0].prod(-1) + sizes[1].prod(-1) - shared).clamp_min(1e-12)


def assign(truth: BoxTargets, anchors: Float[Tensor, "a 2"], cells: int) -> Assignment:
    """Give each face the anchor of best shape in the cell of its centre.

    Largest faces choose first. A face whose best anchor is taken gets its next best: two faces of a crowd whose centres
    share a cell would otherwise overwrite each other, and the network would learn to miss one. A sixth face in one
    cell of five anchors is left out.
    """
    pictures, _ = truth.present.shape
    taken = torch.zeros(pictures, cells * cells, len(anchors), dtype=torch.bool, device=truth.center.device)
    order = torch.argsort(truth.size.prod(-1) * truth.present, dim=1, descending=True, stable=True)
    everyone = torch.arange(pictures, device=truth.center.device)
    rows: list[Tensor] = []
    for rank in range(order.shape[1]):
        face = order[:, rank]
        column, line = (truth.center[everyone, face] * cells).long().clamp(0, cells - 1).unbind(-1)
        cell = line * cells + column
        fit = shape_iou(truth.size[everyone, face][:, None] * cells, anchors)
        fit = fit.masked_fill(taken[everyone, cell], -1.0)
        best, anchor = fit.max(dim=-1)
        valid = truth.present[everyone, face] & (best >= 0)
        taken[everyone[valid], cell[valid], anchor[valid]] = True
        rows.append(torch.stack([everyone, cell * len(anchors) + anchor, face], dim=-1)[valid])
    picture, prediction, face = torch.cat(rows).unbind(-1)
    return Assignment(picture, prediction, face)


def complete_iou(
    centers: tuple[Float[Tensor, "m 2"], Float[Tensor, "m 2"]], sizes: tuple[Float[Tensor, "m 2"], Float[Tensor, "m 2"]]
) -> Float[Tensor, "m"]:
    """Overlap less centre distance and aspect difference, so also without overlap (Zheng et al. 2020, Eq. 7 to 11)."""
    overlap = box_iou(centers, sizes)
    low = torch.minimum(centers[0] - sizes[0] / 2, centers[1] - sizes[1] / 2)
    high = torch.maximum(centers[0] + sizes[0] / 2, centers[1] + sizes[1] / 2)
    distance = (centers[0] - centers[1]).square().sum(-1) / (high - low).square().sum(-1).clamp_min(1e-12)
    first, second = (torch.atan2(size[:, 0], size[:, 1]) for size in sizes)
    aspect = 4 / math.pi**2 * (first - second).square()
    balance = (aspect / (1 - overlap + aspect).clamp_min(1e-12)).detach()
    return overlap - distance - balance * aspect


def box_loss(
    grid: Float[Tensor, "b n k"],
    boxes: BoxOutputs,
    truth: BoxTargets,
    chosen: Assignment,
    anchors: Float[Tensor, "a 2"],
    config: BoxLossConfig,
) -> BoxLoss:
    """Score every prediction: boxes of assigned ones, objectness of all; summed, and divided by the number of faces."""
    row = (chosen.picture, chosen.prediction)
    center, size = truth.center[chosen.picture, chosen.face], truth.size[chosen.picture, chosen.face]
    overlap = box_iou((boxes.center[row], center), (boxes.size[row], size)).detach()
    if config.coordinates == "ciou":
        coordinates = 1 - complete_iou((boxes.center[row], center), (boxes.size[row], size))
    else:
        coordinates = _squared_coordinates(grid[row], center, size, chosen, anchors, grid.shape[1])
    assigned = torch.zeros(grid.shape[:2], dtype=torch.bool, device=grid.device)
    assigned[row] = True
    background = ~assigned & (_best_overlap(boxes, truth) <= config.ignore_iou)
    target = torch.zeros_like(boxes.objectness_logit)
    target[row] = overlap.to(target.dtype) if config.iou_target else 1.0
    score = _squared_objectness if config.objectness == "squared" else _bce
    per_prediction = score(boxes.objectness_logit, target)
    count = max(len(chosen.face), 1)
    terms = (
        coordinates.sum() / count,
        per_prediction[assigned].sum() / count,
        per_prediction[background].sum() / count,
    )
    weights = (config.coordinate_weight, config.object_weight, config.no_object_weight)
    return BoxLoss(sum((w * term for w, term in zip(weights, terms, strict=True)), start=grid.new_zeros(())), *terms)


def _squared_coordinates(
    rows: Tensor, center: Tensor, size: Tensor, chosen: Assignment, anchors: Tensor, predictions: int
) -> Tensor:
    """Squared error of YOLOv2's four numbers, in cells."""
    count = len(anchors)
    cells = round((predictions // count) ** 0.5)
    inside = (center * cells).clamp(0, cells - 1e-4) % 1
    stretch = torch.log((size * cells / anchors[chosen.prediction % count]).clamp_min(1e-6))
    error = torch.cat([torch.sigmoid(rows[:, 0:2]) - inside, rows[:, 2:4] - stretch], dim=-1)
    return error.square().sum(-1)


def _best_overlap(boxes: BoxOutputs, truth: BoxTargets) -> Tensor:
    """Largest IoU of each predicted box with any face of its picture; 0 in a picture without faces."""
    with torch.no_grad():
        overlap = box_iou(
            (boxes.center[:, :, None], truth.center[:, None]), (boxes.size[:, :, None], truth.size[:, None])
        )
        return (overlap * truth.present[:, None]).amax(-1)


def _squared_objectness(logit: Tensor, target: Tensor) -> Tensor:
    return (torch.sigmoid(logit) - target).square()


def _bce(logit: Tensor, target: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(logit, target, reduction="none")
