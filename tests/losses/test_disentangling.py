"""What pairs must agree on: nothing is asked beyond it, and everything within it is."""

import pytest
import torch
from torch import Tensor

from commedia.losses.disentangling import edit_disagreement, view_disagreement
from commedia.networks.heads import FaceOutputs


def drawn(count: int, seed: int) -> FaceOutputs:
    draw = torch.Generator().manual_seed(seed)
    sizes = {"identity": 50, "expression": 52, "wxyz": 4, "translation": 3, "scale": 1}
    parts = {name: torch.rand(count, size, generator=draw, dtype=torch.float64) for name, size in sizes.items()}
    parts["wxyz"] = torch.nn.functional.normalize(parts["wxyz"] - 0.5, dim=1)
    return FaceOutputs(**parts)


def paired(first: FaceOutputs, second: FaceOutputs) -> FaceOutputs:
    return FaceOutputs(*(torch.stack([a, b], dim=1).flatten(0, 1) for a, b in zip(first, second, strict=True)))


def test_views_read_alike_cost_nothing_wherever_they_are() -> None:
    first, second = drawn(3, 0), drawn(3, 1)
    views = paired(first, second._replace(identity=first.identity, expression=first.expression))
    assert view_disagreement(views).tolist() == [0, 0, 0]
    assert (edit_disagreement(views) > 0.1).all()


def test_edits_read_alike_cost_nothing_whatever_they_express() -> None:
    """The other sign of the quaternion is the same turn, and depth is not seen."""
    first, second = drawn(3, 0), drawn(3, 1)
    deeper = first.translation + torch.tensor([0.0, 0.0, 5.0])
    edits = paired(first, first._replace(expression=second.expression, wxyz=-first.wxyz, translation=deeper))
    assert edit_disagreement(edits).tolist() == [0, 0, 0]
    assert (view_disagreement(edits) > 0.1).all()


def test_terms_by_hand() -> None:
    face = drawn(1, 0)._replace(
        wxyz=torch.tensor([[1.0, 0, 0, 0]]), translation=torch.tensor([[0.2, -0.4, 1.0]]), scale=torch.tensor([[0.5]])
    )
    other = face.identity.clone()
    other[0, 7] += 5
    assert view_disagreement(paired(face, face._replace(identity=other))).item() == pytest.approx(5 / 50)
    assert edit_disagreement(paired(face, face._replace(identity=other))).item() == pytest.approx(5 / 50)
    smile = face.expression.clone()
    smile[0, 23] += 0.26
    assert view_disagreement(paired(face, face._replace(expression=smile))).item() == pytest.approx(0.26 / 52)
    turned = face._replace(wxyz=torch.tensor([[0.6, 0.8, 0.0, 0.0]]))
    assert edit_disagreement(paired(face, turned)).item() == pytest.approx((0.4 + 0.8) / 4)
    # The origin falls at (0.1, -0.2) crop sides, then at (0.16, -0.32).
    nearer = face._replace(scale=torch.tensor([[0.8]]))
    assert edit_disagreement(paired(face, nearer)).item() == pytest.approx((0.3 + 0.06 + 0.12) / 3)


def test_pairs_are_neighbours() -> None:
    faces = paired(drawn(3, 0), drawn(3, 0))
    identity = faces.identity.clone()
    identity[2] += 1
    for disagreement in (view_disagreement, edit_disagreement):
        assert disagreement(faces._replace(identity=identity)).tolist() == pytest.approx([0, 1, 0])


def test_a_row_without_a_partner_is_a_mistake() -> None:
    with pytest.raises(AssertionError):
        view_disagreement(drawn(3, 0))


@pytest.mark.parametrize("disagreement", [view_disagreement, edit_disagreement])
def test_gradients(disagreement) -> None:
    faces = drawn(4, 2)
    few = [part[:, :5].clone().requires_grad_() for part in faces]

    def total(*some: Tensor) -> Tensor:
        """The first numbers of each part only; the rest behave the same and cost time."""
        whole = (torch.cat([part, full[:, 5:]], dim=1) for part, full in zip(some, faces, strict=True))
        return disagreement(FaceOutputs(*whole)).sum()

    assert torch.autograd.gradcheck(total, few)
