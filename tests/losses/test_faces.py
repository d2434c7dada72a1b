"""Eq. 3: every term worked out by hand, and every gradient checked in float64."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from commedia.geometry.cameras import image_from_head
from commedia.geometry.rotations import canonical_wxyz
from commedia.geometry.rotations import matrix_from_wxyz as numpy_matrix
from commedia.losses.faces import FaceLossConfig, FaceTargets, TauSchedule, face_loss
from commedia.losses.landmark import LID_AND_LIP_PAIRS, landmark_rms, opening_error, project
from commedia.losses.parameters import (
    expression_entropy,
    expression_error,
    identity_error,
    mixed_expression_error,
    rotation_error,
)
from commedia.networks.heads import FaceOutputs
from commedia.render.project import matrix_from_wxyz
from commedia.structures import HeadPose


def outputs(count: int = 2, *, seed: int = 0) -> FaceOutputs:
    draw = torch.Generator().manual_seed(seed)
    wxyz = torch.randn(count, 4, generator=draw, dtype=torch.float64)
    return FaceOutputs(
        torch.randn(count, 50, generator=draw, dtype=torch.float64),
        torch.rand(count, 52, generator=draw, dtype=torch.float64),
        wxyz / wxyz.norm(dim=1, keepdim=True),
        torch.randn(count, 3, generator=draw, dtype=torch.float64),
        torch.rand(count, 1, generator=draw, dtype=torch.float64),
    )


def targets_of(faces: FaceOutputs, landmarks: Tensor) -> FaceTargets:
    sure = faces.scale[:, 0] * 0 + 1
    expression_weight = torch.ones_like(faces.expression)
    return FaceTargets(
        landmarks, faces.identity, sure, faces.expression, expression_weight, faces.wxyz, sure.clone(), sure.clone()
    )


def linear_model(identity: Tensor, expression: Tensor) -> Tensor:
    """68 points that depend on both, in metres."""
    draw = torch.Generator().manual_seed(9)
    mean = torch.randn(68, 3, generator=draw, dtype=torch.float64) * 0.05
    bases = [torch.randn(size, 68, 3, generator=draw, dtype=torch.float64) * 0.003 for size in (50, 52)]
    return mean + torch.einsum("bi,ilc->blc", identity, bases[0]) + torch.einsum("be,elc->blc", expression, bases[1])


def test_rotation_matrix_is_the_numpy_one() -> None:
    wxyz = canonical_wxyz(np.random.default_rng(0).normal(size=(5, 4)))
    np.testing.assert_allclose(matrix_from_wxyz(torch.from_numpy(wxyz)).numpy(), numpy_matrix(wxyz), atol=1e-12)


def test_projection_is_the_camera_of_geometry() -> None:
    """Crop blendshapes of Eq. 2 are pixels of `image_from_head` for a crop of side 200 at (40, 70)."""
    faces = outputs(1)
    points = np.random.default_rng(1).normal(size=(68, 3)) * 0.1
    scale, shift = float(faces.scale), faces.translation[0, :2].numpy()
    origin = np.array([40.0, 70.0]) + 200 * scale * shift * np.array([1, -1])
    expected = image_from_head(points, HeadPose(faces.wxyz[0].numpy(), origin, 10 * scale * 200))
    found = project(10 * torch.from_numpy(points)[None], faces)[0].numpy() * 200 + np.array([40.0, 70.0])
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_terms_by_hand() -> None:
    zero, truth = torch.zeros(1, 2), torch.tensor([[0.5, -1.5]])
    assert identity_error(zero, truth).item() == pytest.approx(1.0)
    predicted, known = torch.tensor([[0.1, 0.0]]), torch.tensor([[0.0, 0.6]])
    label_weight = torch.tensor([[1.0, 0.5]])
    assert expression_error(predicted, known, label_weight).item() == pytest.approx((0.1 + 0.5 * 0.6) / 2)
    assert expression_error(predicted, known, label_weight, active_weight=3.0).item() == pytest.approx((0.1 + 0.9) / 2)
    turned = torch.tensor([[0.6, 0.8, 0.0, 0.0]])
    assert rotation_error(turned, torch.tensor([[1.0, 0, 0, 0]])).item() == pytest.approx((0.4 + 0.8) / 4)
    assert rotation_error(-turned, turned).item() == pytest.approx(0, abs=1e-7)
    far = torch.zeros(1, 68, 2)
    far[0, :34, 0], far[0, :34, 1] = 3.0, 4.0
    assert landmark_rms(far, torch.zeros(1, 68, 2)).item() == pytest.approx(5 / math.sqrt(2))


def test_entropy_pulls_on_the_logit_with_the_error_itself() -> None:
    """d/dz of -(t log s(z) + (1 - t) log(1 - s(z))) is s(z) - t, however far s(z) is from a half."""
    logits = torch.tensor([[-5.0, 0.0, 3.0]], dtype=torch.float64, requires_grad=True)
    truth = torch.tensor([[1.0, 0.0, 0.25]], dtype=torch.float64)
    label_weight = torch.tensor([[1.0, 0.5, 1.0]], dtype=torch.float64)
    expression_entropy(logits.sigmoid(), truth, label_weight, active_weight=2.0).sum().backward()
    assert logits.grad is not None
    weight = label_weight * torch.tensor([[2.0, 1.0, 2.0]])
    torch.testing.assert_close(logits.grad, weight * (logits.detach().sigmoid() - truth) / 3, atol=1e-6, rtol=1e-5)


def test_the_mixed_error_is_that_share_of_either() -> None:
    logits, truth = torch.tensor([[-2.0, 0.5], [1.0, 3.0]]), torch.tensor([[0.1, 0.9], [0.0, 1.0]])
    weight = torch.tensor([[1.0, 0.5], [0.0, 2.0]])
    parts = [error(logits.sigmoid(), truth, weight).sum() * 2 / 3.5 for error in (expression_entropy, expression_error)]
    for absolute in (0.0, 0.3, 1.0):
        found = mixed_expression_error(logits, truth, weight, absolute=absolute)
        torch.testing.assert_close(found, (1 - absolute) * parts[0] + absolute * parts[1])
    # However sure of the wrong: behind the sigmoid nothing would be left to pull.
    lost = torch.tensor([[-200.0]], requires_grad=True)
    mixed_expression_error(lost, torch.ones(1, 1), torch.ones(1, 1), absolute=0.5).backward()
    assert lost.grad is not None
    assert lost.grad.item() == pytest.approx(-0.5)


def test_openings_see_what_moves_a_lid_and_not_what_moves_the_face() -> None:
    points = torch.rand(1, 68, 2)
    assert opening_error(points + 0.3, points).item() == pytest.approx(0, abs=1e-6)
    closed = points.clone()
    closed[0, 37, 1] += 0.09
    assert opening_error(closed, points).item() == pytest.approx(0.09 / len(LID_AND_LIP_PAIRS), rel=1e-4)


def test_eq3_is_the_weighted_sum() -> None:
    faces, truth = outputs(seed=0), outputs(seed=1)
    landmarks = torch.rand(2, 68, 2, dtype=torch.float64)
    config = FaceLossConfig()
    loss = face_loss(faces, targets_of(truth, landmarks), linear_model, config, tau=2.5)
    predicted = project(10 * linear_model(faces.identity, faces.expression), faces)
    expected = (
        2.5
        * (
            (faces.identity - truth.identity).abs().mean()
            + (faces.expression - truth.expression).abs().mean()
            + rotation_error(faces.wxyz, truth.wxyz).mean()
        )
        + ((predicted - landmarks).square().sum(-1).mean(-1)).sqrt().mean()
    )
    torch.testing.assert_close(loss.total, expected)


def test_unknown_parts_have_no_gradient() -> None:
    faces = FaceOutputs(*(part.requires_grad_() for part in outputs(1)))
    truth = targets_of(outputs(1, seed=1), torch.rand(1, 68, 2, dtype=torch.float64))
    nothing = truth._replace(
        identity_weight=torch.zeros(1),
        expression_weight=torch.zeros(1, 52, dtype=torch.float64),
        pose_weight=torch.zeros(1),
        landmark_weight=torch.zeros(1),
    )
    loss = face_loss(faces, nothing, linear_model, FaceLossConfig(active_weight=4.0, openings=1.0), tau=1.0)
    loss.total.backward()
    assert all(part.grad is None or (part.grad == 0).all() for part in faces)


def test_no_faces_cost_nothing() -> None:
    none = FaceOutputs(*(part[:0] for part in outputs(1)))
    truth = FaceTargets(*(part[:0] for part in targets_of(outputs(1), torch.rand(1, 68, 2, dtype=torch.float64))))
    assert face_loss(none, truth, linear_model, FaceLossConfig(openings=1.0), tau=1.0).total.item() == 0


def test_gradients() -> None:
    truth = targets_of(outputs(seed=1), torch.rand(2, 68, 2, dtype=torch.float64))
    config = FaceLossConfig(active_weight=3.0, openings=0.7, identity_decay=0.1)

    def total(*parts: Tensor) -> Tensor:
        return face_loss(FaceOutputs(*parts), truth, linear_model, config, tau=2.0).total

    parts = [part[:, :6].clone() if part.shape[1] > 6 else part for part in outputs()]

    def few(*some: Tensor) -> Tensor:
        """Check the first six identity and expression numbers only; the rest behave the same and cost time."""
        whole = outputs()
        identity = torch.cat([some[0], whole.identity[:, 6:]], 1)
        expression = torch.cat([some[1], whole.expression[:, 6:]], 1)
        return total(identity, expression, *some[2:])

    assert torch.autograd.gradcheck(few, [part.requires_grad_() for part in parts])


def test_tau() -> None:
    assert [TauSchedule().at(epoch=epoch, share=0.5) for epoch in (1, 2, 10)] == [10, 5, 1]
    ours = TauSchedule("share", start=10.0, epochs=5.0)
    assert [ours.at(epoch=99, share=share) for share in (0.0, 0.25, 1.0)] == [10, 5, 2]
    assert TauSchedule("constant", start=0.3).at(epoch=7, share=0.9) == 0.3
