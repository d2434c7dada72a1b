"""Eq. 4 with and without its first half: what a detector is taught about boxes is what MFN is taught about them."""

import torch
from torch import Tensor

from commedia.losses.boxes import BoxTargets
from commedia.losses.faces import FaceTargets
from commedia.losses.multiface import MultiFaceLoss, MultiFaceLossConfig, multi_face_loss
from commedia.networks.paper1.mfn import DEFAULT_ANCHORS, MfnConfig

CONFIG = MultiFaceLossConfig(box_weight=3.0)


def some_points(identity: Tensor, expression: Tensor) -> Tensor:
    reach = identity.mean(-1) + expression.mean(-1)
    return reach[:, None, None] * torch.linspace(-0.1, 0.1, 68 * 3).view(1, 68, 3)


def loss_of(grid: Tensor, network: MfnConfig) -> MultiFaceLoss:
    draw = torch.Generator().manual_seed(5)
    center, size = torch.rand(2, 3, 2, generator=draw), 0.1 + 0.4 * torch.rand(2, 3, 2, generator=draw)
    boxes = BoxTargets(center, size, torch.tensor([[True, True, False], [True, False, False]]))
    sure = torch.ones(2, 3)
    faces = FaceTargets(
        landmarks=torch.rand(2, 3, 68, 2, generator=draw) - 0.5,
        identity=torch.randn(2, 3, 50, generator=draw),
        identity_weight=sure,
        expression=torch.rand(2, 3, 52, generator=draw),
        expression_weight=torch.ones(2, 3, 52),
        wxyz=torch.nn.functional.normalize(torch.randn(2, 3, 4, generator=draw), dim=-1),
        pose_weight=sure,
        landmark_weight=sure,
    )
    return multi_face_loss(grid, boxes, faces, torch.tensor(DEFAULT_ANCHORS), some_points, network, CONFIG, 2.0)


def test_box_terms_are_the_same_with_and_without_parameters() -> None:
    grid = torch.randn(2, 405, 115, generator=torch.Generator().manual_seed(1)).requires_grad_()
    boxes = grid.detach()[..., :5].clone().requires_grad_()
    both, alone = loss_of(grid, MfnConfig()), loss_of(boxes, MfnConfig(detect_only=True))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(both.boxes, alone.boxes, strict=True))
    torch.testing.assert_close(both.total, both.faces.total + 3 * both.boxes.total)
    assert both.faces.total > 1
    torch.testing.assert_close(alone.total, 3 * alone.boxes.total)
    assert not any(alone.faces)
    (wanted,) = torch.autograd.grad(both.boxes.total, grid)
    (found,) = torch.autograd.grad(alone.total, boxes)
    torch.testing.assert_close(found, 3 * wanted[..., :5])
