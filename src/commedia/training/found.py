"""Which predictions of a grid validation counts as faces, and how they compare with the truth.

A plain torch twin of what `inference/` does on the live path; used for curves, not for published numbers.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from commedia.conventions import LANDMARK_COUNT
from commedia.losses.boxes import box_iou
from commedia.losses.faces import FaceTargets
from commedia.losses.landmark import projected
from commedia.networks.heads import FaceOutputs
from commedia.networks.paper1.mfn import BOX_NUMBERS, GridConfig, decode_boxes, decode_faces
from commedia.training.batches import MfnBatch
from commedia.training.face_model import FaceModel
from commedia.training.measures import active_error, normalised_error

FOUND_ABOVE = 0.4
"""Objectness at which a prediction counts as a face."""
OVERLAP_SAME = 0.45
"""Two predictions that overlap more are one face."""
OVERLAP_RIGHT = 0.5


class Found(NamedTuple):
    """Faces found in one picture, surest first; places as fractions of its side."""

    center: Float[Tensor, "g 2"]
    size: Float[Tensor, "g 2"]
    faces: FaceOutputs | None
    """None from a network that only detects."""
    landmarks: Float[Tensor, "p 68 2"]
    """As fractions of the picture's side; no rows where `faces` is None."""


class Outcome(NamedTuple):
    """Counts and errors over the pictures of a batch; errors are NaN where nothing was found, or boxes only."""

    claimed: int
    present: int
    found: int
    error: float
    expression: float


def faces_found(grid: Float[Tensor, "n k"], config: GridConfig, model: FaceModel) -> Found:
    """Threshold and non-maximum suppression on one picture's grid."""
    boxes = decode_boxes(grid[None], torch.tensor(config.anchors, device=grid.device))
    score, center, size = torch.sigmoid(boxes.objectness_logit[0]), boxes.center[0], boxes.size[0]
    order = torch.argsort(score, descending=True)
    kept: list[int] = []
    for row in order[score[order] > FOUND_ABOVE].tolist():
        overlap = box_iou((center[row], center[kept]), (size[row], size[kept]))
        if not (overlap > OVERLAP_SAME).any():
            kept.append(row)
    rows = torch.tensor(kept, dtype=torch.long, device=grid.device)
    if grid.shape[-1] == BOX_NUMBERS:
        return Found(center[rows], size[rows], None, grid.new_zeros(0, LANDMARK_COUNT, 2))
    faces = decode_faces(grid[rows], config.identity_count, config.expression_count)
    relative = projected(model.landmarks.to(grid.device), faces)
    side = size[rows].prod(-1).sqrt()
    return Found(center[rows], size[rows], faces, relative * side[:, None, None] + center[rows][:, None])


def compared(grids: Float[Tensor, "b n k"], batch: MfnBatch, config: GridConfig, model: FaceModel) -> Outcome:
    """Match what was found in each picture with what is there, best overlap first."""
    claimed, errors, expressions, found_count = 0, [], [], 0
    for row, grid in enumerate(grids):
        present = batch.boxes.present[row]
        center, size = batch.boxes.center[row][present], batch.boxes.size[row][present]
        found = faces_found(grid, config, model)
        mine, theirs = matched(box_iou((found.center[:, None], center), (found.size[:, None], size)))
        claimed += len(found.center)
        found_count += len(mine)
        if len(mine) == 0 or found.faces is None:
            continue
        truth = FaceTargets(*(part[row][present][theirs] for part in batch.targets))
        side = size[theirs].prod(-1).sqrt()[:, None, None]
        errors.append(normalised_error((found.landmarks[mine] - center[theirs][:, None]) / side, truth))
        expressions.append(active_error(found.faces.expression[mine], truth))
    return Outcome(claimed, int(batch.boxes.present.sum()), found_count, mean_known(errors), mean_known(expressions))


def matched(overlap: Float[Tensor, "g f"]) -> tuple[Int[Tensor, "m"], Int[Tensor, "m"]]:
    """Pair rows with columns greedily by overlap, each once, down to `OVERLAP_RIGHT`."""
    left = overlap.clone()
    mine: list[int] = []
    theirs: list[int] = []
    while left.numel() and left.max() >= OVERLAP_RIGHT:
        row, column = divmod(int(left.argmax()), left.shape[1])
        mine.append(row)
        theirs.append(column)
        left[row], left[:, column] = 0, 0
    return torch.tensor(mine, dtype=torch.long), torch.tensor(theirs, dtype=torch.long)


def mean_known(values: Sequence[float]) -> float:
    """Mean of the values that are numbers; NaN without any."""
    known = [value for value in values if value == value]
    return sum(known) / len(known) if known else float("nan")
