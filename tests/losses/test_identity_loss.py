"""The identity network's loss: gradients, errors that it knows of, and blind to whom nobody knows."""

import torch

from commedia.losses.faces import FaceTargets
from commedia.losses.identity import IdentityLossConfig, Millimetres, identity_loss, spread_surprise
from commedia.networks.ours.identity import IdentityRead

CHANCE = torch.Generator().manual_seed(0)
REST, FRAME = (torch.randn(n, n, generator=CHANCE, dtype=torch.float64) for n in (50, 102))
MM = Millimetres(REST, FRAME)


def reading(count: int = 3) -> IdentityRead:
    shapes = ((50,), (50,), (68, 2), (52,), (52,), (4,))
    return IdentityRead(*(torch.randn(count, *shape, generator=CHANCE, dtype=torch.float64) for shape in shapes))


def truth(known: torch.Tensor) -> FaceTargets:
    one = reading(len(known))
    weight = known[:, None].expand(-1, 52)
    return FaceTargets(one.points, one.identity, known, one.expression, weight, one.wxyz, known, known)


def test_gradients_are_those_of_differences() -> None:
    read, targets = reading(1), truth(torch.ones(1, dtype=torch.float64))
    off, names = (read.identity - targets.identity) @ REST, ("identity", "points", "expression", "logits", "wxyz")

    def of(*parts: torch.Tensor) -> torch.Tensor:
        changed = read._replace(**dict(zip(names, parts, strict=True)))
        return identity_loss(changed, targets, MM, IdentityLossConfig(sure=0.0)).total

    parts = (getattr(read, name).requires_grad_() for name in names)
    assert torch.autograd.gradcheck(of, tuple(parts))
    assert torch.autograd.gradcheck(lambda sure: spread_surprise(off.detach(), sure), (read.sure.requires_grad_(),))


def test_shape_terms_are_millimetres() -> None:
    read, targets = reading(), truth(torch.ones(3, dtype=torch.float64))
    parts = dict(identity_loss(read, targets, MM, IdentityLossConfig()).parts)
    lengths = [torch.linalg.vector_norm((read.identity[k] - targets.identity[k]) @ REST) for k in range(3)]
    torch.testing.assert_close(parts["rest"], torch.stack(lengths).mean())
    # Who knows the identity errs in the frame by what the expression moves.
    knows = identity_loss(read._replace(identity=targets.identity), targets, MM, IdentityLossConfig())
    acts = (read.expression - targets.expression) @ FRAME[50:]
    torch.testing.assert_close(dict(knows.parts)["frame"], torch.linalg.vector_norm(acts, dim=1).mean())


def test_surprise_is_least_where_a_network_knows_how_wrong_it_is() -> None:
    off = 0.7 * torch.randn(50000, 1, generator=CHANCE)
    found = {
        spread: spread_surprise(off, torch.full_like(off, spread).log()).mean().item()
        for spread in (0.5, 0.6, 0.7, 0.8)
    }
    assert min(found, key=lambda spread: found[spread]) == 0.7


def test_being_unsure_teaches_nothing_but_how_sure() -> None:
    read = reading()
    identity, sure = read.identity.requires_grad_(), read.sure.requires_grad_()
    loss = identity_loss(read, truth(torch.ones(3, dtype=torch.float64)), MM, IdentityLossConfig(rest=0.0, frame=0.0))
    loss.total.backward()
    assert sure.grad is not None
    assert sure.grad.abs().min() > 0
    assert identity.grad is None or identity.grad.abs().max() == 0


def test_only_who_is_known_teaches() -> None:
    read, known = reading(), torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    targets, others = truth(known), torch.tensor([0, 2])
    whole = identity_loss(read, targets, MM, IdentityLossConfig()).total
    spoiled = IdentityRead(*(part.index_fill(0, others, 3.0) for part in read))
    torch.testing.assert_close(identity_loss(spoiled, targets, MM, IdentityLossConfig()).total, whole)
