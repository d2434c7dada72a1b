"""CPEM's loss: the authors' sums in our units, by hand; constraints see groups alone, and only when it is time."""

from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, IDENTITY_COUNT, LANDMARK_COUNT
from commedia.losses.cpem import CpemLossConfig, Explained, cpem_loss, seen_from_the_front
from commedia.losses.faces import FaceTargets, Loss
from commedia.networks.heads import unit_wxyz, wxyz_from_euler
from commedia.networks.paper3.cpem import CpemOutputs

PAPER = CpemLossConfig()
ROWS = 32
"""Eight groups of four."""


def silent(**weights: float) -> CpemLossConfig:
    """No term but those named."""
    kept = ("pseudo_label", "exclusion", "exclusive_from", "absolute", "light_strength", "picture_px")
    kept = (*kept, "recogniser", "recogniser_sees", "recogniser_px")
    nothing = {field.name: 0.0 for field in fields(PAPER) if field.name not in kept}
    return replace(PAPER, **(nothing | weights))


TERMS = [
    field.name for field in fields(PAPER) if getattr(silent(), field.name) == 0.0 and field.name != "recogniser_px"
]


def said(rows: int = ROWS) -> CpemOutputs:
    chance = torch.Generator().manual_seed(0)
    return CpemOutputs(
        torch.randn(rows, IDENTITY_COUNT, generator=chance),
        torch.rand(rows, EXPRESSION_COUNT, generator=chance),
        torch.randn(rows, 40, generator=chance),
        unit_wxyz(torch.randn(rows, 4, generator=chance)),
        torch.randn(rows, 3, 9, generator=chance),
        torch.randn(rows, 3, generator=chance),
    )


def truth(rows: int = ROWS, *, known: float = 1.0) -> FaceTargets:
    weight = torch.full((rows,), known)
    return FaceTargets(
        torch.zeros(rows, LANDMARK_COUNT, 2),
        torch.zeros(rows, IDENTITY_COUNT),
        weight,
        torch.zeros(rows, EXPRESSION_COUNT),
        weight[:, None].expand(rows, EXPRESSION_COUNT),
        torch.tensor([1.0, 0, 0, 0]).repeat(rows, 1),
        weight,
        weight,
    )


def loss(config: CpemLossConfig, outputs: CpemOutputs, share: float = 1.0, points: Tensor | None = None) -> Loss:
    rows = len(outputs.identity)
    points = torch.zeros(rows, LANDMARK_COUNT, 2) if points is None else points
    explained = Explained(points, torch.full((rows,), 0.1), torch.full((rows,), 0.3))
    return cpem_loss(outputs, explained, truth(rows), config, groups=rows // 4, group_size=4, share=share)


def test_the_defaults_are_the_authors_sums() -> None:
    """paper-facts A4: per frame a mean or sum over the batch of 8; constraints summed, the rest divided by 4 frames."""
    outputs, points = said(), torch.zeros(ROWS, LANDMARK_COUNT, 2)
    points[:, 30] = torch.tensor([2 / 224, 1 / 224])  # an inner point, two pixels and one off
    groups = outputs.identity.view(8, 4, -1)
    consistent = 0.0
    for frame in range(4):
        consistent += 1000 * float((groups[:, frame] - groups.mean(1)).square().mean())
    energy = float(outputs.identity.square().sum() + 1.7e-3 * outputs.texture.square().sum())
    reconstruction = 1.9 * 0.1 * 255 + 0.1 * 10 * 5 / 68 + 1e-4 * energy / 4 + 0.1 * float(outputs.expression.mean())
    before = float(loss(PAPER, outputs, 0.5, points).total)
    assert before == pytest.approx(reconstruction + consistent, rel=1e-5)
    parts = dict(loss(PAPER, outputs, 0.7, points).parts)
    after = float(loss(PAPER, outputs, 0.7, points).total)
    assert after == pytest.approx(before + 40 * float(parts["expression_exclusive"]), rel=1e-5)


def test_only_groups_have_to_agree() -> None:
    outputs = said(8)
    alone = outputs._replace(identity=torch.cat([outputs.identity[:1].expand(4, -1), outputs.identity[4:]]))
    explained = Explained(torch.zeros(8, LANDMARK_COUNT, 2), torch.zeros(0))
    config = silent(identity_consistent=1.0)
    one_group = cpem_loss(alone, explained, truth(8), config, groups=1, group_size=4, share=1.0)
    assert float(one_group.total) == pytest.approx(0, abs=1e-10)
    assert float(cpem_loss(alone, explained, truth(8), config, groups=2, group_size=4, share=1.0).total) > 0.1
    assert float(cpem_loss(alone, explained, truth(8), config, groups=0, group_size=1, share=1.0).total) == 0


def test_contradictions_cost_nothing_before_it_is_time() -> None:
    outputs = said()._replace(expression=torch.zeros(ROWS, EXPRESSION_COUNT))
    outputs.expression[:, EXPRESSION_INDEX["jawLeft"]], outputs.expression[:, EXPRESSION_INDEX["jawRight"]] = 0.5, 0.8
    config = silent(expression_exclusive=2.0)
    assert float(loss(config, outputs, 0.6).total) == 0
    assert float(loss(config, outputs, 0.67).total) == pytest.approx(2 * 0.25)
    assert float(loss(replace(config, exclusive_from=0.0), outputs, 0.0).total) == pytest.approx(2 * 0.25)


def test_what_nobody_knows_teaches_nothing() -> None:
    outputs = said()
    config = silent(landmarks=1.0, weighted_landmarks=1.0, expression=1.0, identity=1.0, rotation=1.0)
    explained = Explained(torch.ones(ROWS, LANDMARK_COUNT, 2), torch.zeros(0))
    known = cpem_loss(outputs, explained, truth(), config, groups=0, group_size=1, share=1.0)
    unknown = cpem_loss(outputs, explained, truth(known=0.0), config, groups=0, group_size=1, share=1.0)
    assert all(part > 0 for _, part in known.parts)
    assert float(unknown.total) == 0


def test_every_term_can_be_asked_for_and_has_a_gradient() -> None:
    assert len(TERMS) == 13
    outputs = CpemOutputs(*(part.requires_grad_() for part in said()))
    points = outputs.translation[:, None, :2].expand(-1, LANDMARK_COUNT, -1)
    explained = Explained(points, outputs.texture.square().mean(1), outputs.light.square().mean((1, 2)))
    for name in TERMS:
        sizes = {"groups": 8, "group_size": 4}
        asked = cpem_loss(outputs, explained, truth(), silent(**{name: 1.0}), **sizes, share=1.0)
        assert [part for part, _ in asked.parts] == [name]
        gradients = torch.autograd.grad(asked.total, list(outputs), allow_unused=True)
        assert any(part is not None and part.abs().max() > 0 for part in gradients), name


def test_a_head_from_the_front_is_turned_by_fifteen_degrees_at_most() -> None:
    yaw = torch.deg2rad(torch.tensor([0.0, 14.0, -14.0, 16.0, -40.0]))
    euler = torch.stack([torch.full((5,), 0.3), yaw, torch.full((5,), 0.2)], 1)
    targets = truth(5)._replace(wxyz=wxyz_from_euler(euler * torch.tensor([0.0, 1.0, 0.0])))
    assert seen_from_the_front(targets).tolist() == [True, True, True, False, False]
    assert not seen_from_the_front(targets._replace(pose_weight=torch.zeros(5))).any()


def test_gradients_against_differences() -> None:
    """Of all terms together, each by its own path: a term's own numbers, then the weights that add it up."""
    everything = silent(**{name: 0.5 + 0.1 * number for number, name in enumerate(sorted(TERMS))})
    known = FaceTargets(*(part.double() for part in truth(4)))
    known = known._replace(expression=0.8 * known.expression + 0.1)
    chance = torch.Generator().manual_seed(1)
    seen = torch.rand(4, LANDMARK_COUNT, 2, generator=chance), *(torch.rand(2, 4, generator=chance) + 0.1)
    parts = [part.double().requires_grad_() for part in (*said(4), *seen)]

    def total(*parts: Tensor) -> Tensor:
        outputs, explained = CpemOutputs(*parts[:6]), Explained(*parts[6:])
        return cpem_loss(outputs, explained, known, everything, groups=1, group_size=4, share=1.0).total

    assert torch.autograd.gradcheck(total, parts)
