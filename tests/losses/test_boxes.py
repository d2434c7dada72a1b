"""Boxes and objectness: assignment, each term by hand, gradients, and the grid's round trip."""

import pytest
import torch
from torch import Tensor

from commedia.losses.boxes import (
    Assignment,
    BoxLossConfig,
    BoxTargets,
    assign,
    box_iou,
    box_loss,
    complete_iou,
    shape_iou,
)
from commedia.networks.paper1.mfn import decode_boxes

ANCHORS = torch.tensor([[0.5, 0.5], [1.0, 1.0], [3.0, 3.0]])


def truth_of(*pictures: list[tuple[float, float, float, float]]) -> BoxTargets:
    """Pictures of (x, y, width, height) in cells of a 9 x 9 grid."""
    most = max(map(len, pictures))
    rows = torch.zeros(len(pictures), max(most, 1), 4)
    present = torch.zeros(len(pictures), max(most, 1), dtype=torch.bool)
    for index, faces in enumerate(pictures):
        for face, numbers in enumerate(faces):
            rows[index, face], present[index, face] = torch.tensor(numbers) / 9, True
    return BoxTargets(rows[..., :2], rows[..., 2:], present)


def grid_saying(truth: BoxTargets, chosen: Assignment, anchors: Tensor = ANCHORS) -> Tensor:
    """The grid whose boxes are the truth's: the inverse of `decode_boxes`."""
    grid = torch.zeros(len(truth.center), 81 * len(anchors), 5, dtype=torch.float64)
    grid[..., 4] = -20
    inside = (truth.center[chosen.picture, chosen.face].double() * 9) % 1
    stretch = truth.size[chosen.picture, chosen.face].double() * 9 / anchors[chosen.prediction % len(anchors)]
    sure = torch.full((len(chosen.face), 1), 20.0, dtype=torch.float64)
    grid[chosen.picture, chosen.prediction] = torch.cat([torch.logit(inside), stretch.log(), sure], 1)
    return grid


def loss_of(grid: Tensor, truth: BoxTargets, config: BoxLossConfig) -> Tensor:
    boxes = decode_boxes(grid, ANCHORS.to(grid.dtype))
    return box_loss(grid, boxes, truth, assign(truth, ANCHORS, 9), ANCHORS.to(grid.dtype), config).total


def test_overlaps_by_hand() -> None:
    assert shape_iou(torch.tensor([2.0, 1.0]), torch.tensor([1.0, 2.0])).item() == pytest.approx(1 / 3)
    centers = torch.tensor([0.0, 0.0]), torch.tensor([1.0, 0.0])
    sizes = torch.tensor([2.0, 2.0]), torch.tensor([2.0, 2.0])
    assert box_iou(centers, sizes).item() == pytest.approx(2 / 6)
    rows = tuple(part[None] for part in centers), tuple(part[None] for part in sizes)
    assert complete_iou(*rows).item() == pytest.approx(2 / 6 - 1 / (9 + 4))


def test_each_face_gets_the_anchor_of_its_shape_in_its_cell() -> None:
    chosen = assign(truth_of([(4.5, 2.5, 1.1, 0.9), (0.2, 8.9, 3.5, 2.5)], []), ANCHORS, 9)
    found = {(p, n, f) for p, n, f in zip(*(part.tolist() for part in chosen), strict=True)}
    assert found == {(0, (2 * 9 + 4) * 3 + 1, 0), (0, (8 * 9 + 0) * 3 + 2, 1)}


def test_faces_of_one_cell_take_the_next_best_anchor() -> None:
    crowd = [(4.5, 4.5, 1.0, 1.0), (4.6, 4.6, 1.1, 1.1), (4.4, 4.4, 0.9, 0.9), (4.5, 4.4, 0.4, 0.4)]
    chosen = assign(truth_of(crowd), ANCHORS, 9)
    anchors = {int(face): int(row) % 3 for face, row in zip(chosen.face, chosen.prediction, strict=True)}
    # The largest has its best; then 1.0 finds it taken and 0.5 is nearer in shape than 3.0; the smallest is left out.
    assert anchors == {1: 1, 0: 0, 2: 2}


@pytest.mark.parametrize("coordinates", ["squared", "ciou"])
@pytest.mark.parametrize("objectness", ["squared", "bce"])
def test_the_truth_costs_nothing(coordinates: str, objectness: str) -> None:
    truth = truth_of([(4.3, 2.7, 1.2, 1.4), (6.5, 6.1, 2.9, 3.3)], [])
    grid = grid_saying(truth, assign(truth, ANCHORS, 9))
    config = BoxLossConfig(coordinates, objectness)  # type: ignore[arg-type]
    assert loss_of(grid, truth, config).item() < 1e-5


def test_squared_terms_by_hand() -> None:
    truth = truth_of([(4.5, 4.5, 1.0, 1.0)])
    grid = torch.zeros(1, 243, 5)
    grid[..., 4] = -30.0
    row = (4 * 9 + 4) * 3 + 1
    grid[0, row] = torch.tensor([0.0, 0.0, 0.3, 0.0, 0.0])
    grid[0, 0, 4] = 0.0
    boxes = decode_boxes(grid, ANCHORS)
    loss = box_loss(grid, boxes, truth, assign(truth, ANCHORS, 9), ANCHORS, BoxLossConfig())
    assert loss.coordinates.item() == pytest.approx(0.09, rel=1e-4)
    overlap = 1 / torch.tensor(0.3).exp().item()
    assert loss.objects.item() == pytest.approx((0.5 - overlap) ** 2, rel=1e-3)
    assert loss.no_objects.item() == pytest.approx(0.25, rel=1e-3)
    assert loss.total.item() == pytest.approx(5 * 0.09 + (0.5 - overlap) ** 2 + 0.5 * 0.25, rel=1e-3)


def test_good_boxes_of_other_predictions_are_ignored() -> None:
    truth = truth_of([(4.5, 4.5, 1.0, 1.0)])
    grid = grid_saying(truth, assign(truth, ANCHORS, 9)).float()
    other = (4 * 9 + 4) * 3 + 0
    grid[0, other] = torch.tensor([0.0, 0.0, 0.693, 0.693, 3.0])  # the same box from the smaller anchor
    config = BoxLossConfig(objectness="bce")
    assert loss_of(grid, truth, config).item() < 1e-3
    assert loss_of(grid, truth, BoxLossConfig(objectness="bce", ignore_iou=1.1)).item() > 1


@pytest.mark.parametrize("config", [BoxLossConfig(iou_target=False), BoxLossConfig("ciou", "bce", iou_target=False)])
def test_gradients(config: BoxLossConfig) -> None:
    truth = truth_of([(4.3, 2.7, 1.2, 1.4)])
    truth = BoxTargets(truth.center.double(), truth.size.double(), truth.present)
    anchors = ANCHORS.double()
    base = torch.randn(1, 243, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.3
    row = (2 * 9 + 4) * 3 + 1

    def total(numbers: Tensor) -> Tensor:
        grid = base.index_put((torch.tensor([0]), torch.tensor([row])), numbers[None])
        boxes = decode_boxes(grid, anchors)
        return box_loss(grid, boxes, truth, assign(truth, anchors, 9), anchors, config).total

    assert torch.autograd.gradcheck(total, base[0, row].clone().requires_grad_())


def test_pictures_without_faces_only_pay_for_false_alarms() -> None:
    grid = torch.full((2, 243, 5), -30.0)
    assert loss_of(grid, truth_of([], []), BoxLossConfig()).item() == pytest.approx(0, abs=1e-6)
    grid[0, 7, 4] = 30
    assert loss_of(grid, truth_of([], []), BoxLossConfig()).item() == pytest.approx(0.5)
