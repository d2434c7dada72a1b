"""Paper 3's terms: Eq. 3 and 4 against numbers worked by hand, and every gradient against differences."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX
from commedia.losses.consistent import identity_consistency
from commedia.losses.exclusive import PAIRS, expression_exclusion, grouped, together
from commedia.losses.landmark import landmark_weights, weighted_landmark_error
from commedia.losses.picture import coefficient_energy, expression_size, light_penalty, photometric_error


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def face(**weights: float) -> Tensor:
    expression = torch.zeros(1, EXPRESSION_COUNT, dtype=torch.float64)
    for name, weight in weights.items():
        expression[0, EXPRESSION_INDEX[name]] = weight
    return expression


def test_equation_3_by_hand() -> None:
    # Means of the two people: (2, 1) and (0, 0); squared distances 5, 5 and 1, 1; the authors divide by two components.
    people = torch.tensor([[[1.0, 3.0], [3.0, -1.0]], [[1.0, 0.0], [-1.0, 0.0]]])
    assert identity_consistency(people).tolist() == [2.5, 0.5]


@pytest.mark.parametrize(("label", "cost"), [("mean", 14 / 3), ("median", 17 / 3), ("pairwise", 84 / 6)])
def test_labels_by_hand(label, cost: float) -> None:
    # Frames 0, 1, 5: from the mean 2, 1, 3 away; from the median 1, 0, 4; from each other 1, 5, 4, twice each.
    frames = torch.tensor([[[0.0], [1.0], [5.0]]], dtype=torch.float64)
    assert float(identity_consistency(frames, label)) == pytest.approx(cost)


def test_the_label_stands_still_while_it_pulls() -> None:
    frames = torch.tensor([[[0.0], [1.0], [5.0]]], dtype=torch.float64, requires_grad=True)
    identity_consistency(frames, "median").sum().backward()
    # 2 (frame - 1) / 3; a label that moved would take the sum of these from the middle frame.
    assert frames.grad is not None
    torch.testing.assert_close(frames.grad.flatten(), torch.tensor([-2 / 3, 0.0, 8 / 3], dtype=torch.float64))
    one = noise(2, 4, 5).requires_grad_()
    identity_consistency(one, "pairwise").sum().backward()
    apart = one[:, :, None] - one[:, None]
    torch.testing.assert_close(one.grad, 2 * apart.sum(2).detach() / (4 * 3 * 5))


def test_one_frame_agrees_with_itself() -> None:
    for label in ("mean", "median", "pairwise"):
        assert identity_consistency(noise(3, 1, 5), label).abs().max() == 0


def test_equation_4_by_hand() -> None:
    assert len(PAIRS) == len(set(PAIRS)) == 26
    # Brow down .6 against inner up .2 and outer up .1 of its side: .04 + .01. Frown .3 and smile .3 tie.
    said = face(browDownLeft=0.6, browInnerUp=0.2, browOuterUpLeft=0.1, mouthFrownRight=0.3, mouthSmileRight=0.3)
    # Of the other side brow down rests: nothing to give up.
    assert float(expression_exclusion(said)) == pytest.approx(0.05)
    # Roll of .5 against upper lips of .4 and .7: the first gives up .16, against the second the roll gives up .25.
    assert float(expression_exclusion(face(mouthRollUpper=0.5, mouthUpperUpLeft=0.4, mouthUpperUpRight=0.7))) == (
        pytest.approx(0.16 + 0.25)
    )


def test_groups_by_hand() -> None:
    groups = grouped(PAIRS)
    names = {name: index for name, index in EXPRESSION_INDEX.items()}
    assert len(groups) == 14
    assert ((names["eyeBlinkLeft"], names["eyeSquintLeft"]), (names["eyeWideLeft"],)) in groups
    # The strongest of one side, .7, beats .5: the whole other side gives up.
    said = face(mouthRollUpper=0.5, mouthUpperUpLeft=0.4, mouthUpperUpRight=0.7)
    assert float(expression_exclusion(said, "groups")) == pytest.approx(0.25)
    said = face(mouthRollUpper=0.8, mouthUpperUpLeft=0.4, mouthUpperUpRight=0.7)
    assert float(expression_exclusion(said, "groups")) == pytest.approx(0.16 + 0.49)
    # A tie costs the first side.
    assert float(expression_exclusion(face(jawLeft=0.5, jawRight=0.5), "groups")) == pytest.approx(0.25)
    assert float(expression_exclusion(face(jawLeft=0.5, jawRight=0.5))) == 0


def test_a_face_that_can_be_made_costs_nothing() -> None:
    possible = face(jawOpen=1.0, browInnerUp=0.8, browOuterUpLeft=0.5, eyeWideLeft=0.7, mouthSmileLeft=0.9)
    for kind in ("pairs", "groups"):
        assert float(expression_exclusion(possible, kind)) == 0
    assert float(together(possible)) == 0
    assert float(together(face(jawLeft=0.2, jawRight=0.6))) == pytest.approx(0.2 / 26)


def test_photometric_error_by_hand() -> None:
    photograph, drawn = torch.zeros(1, 1, 3, 3).double(), torch.zeros(1, 1, 3, 3).double()
    drawn[0, 0, 0] = torch.tensor([0.3, 0.4, 0.0])
    drawn[0, 0, 1] = torch.tensor([0.0, 0.0, 0.2])
    drawn[0, 0, 2] = 9.0  # outside
    covered = torch.tensor([[[True, True, False]]])
    assert float(photometric_error(photograph, drawn, covered)) == pytest.approx((0.5 + 0.2) / 2, abs=1e-5)
    skin = torch.tensor([[[1.0, 0.25, 1.0]]]).double()
    expected = (0.5 + 0.25 * 0.2) / 1.25
    assert float(photometric_error(photograph, drawn, covered, skin)) == pytest.approx(expected, abs=1e-5)
    assert float(photometric_error(photograph, drawn, covered & False)) == 0


def test_points_inside_a_face_from_the_front_count_tenfold() -> None:
    weights = landmark_weights(torch.tensor([True, False]))
    assert weights[0, :17].tolist() == [1.0] * 17
    assert weights[0, 17:].tolist() == [10.0] * 51
    assert weights[1, 36:48].tolist() == [1.0] * 12
    assert (weights[1, 17:36] == 10).all()
    off = torch.zeros(1, 68, 2)
    off[0, 40] = torch.tensor([3.0, 4.0])
    assert float(weighted_landmark_error(off, torch.zeros(1, 68, 2), weights[:1])) == pytest.approx(250 / 68)


def test_light_penalty_by_hand() -> None:
    light = torch.zeros(1, 3, 9).double()
    light[0, :, 0] = torch.tensor([3.0, 0.0, 0.0])
    # From the mean of the channels, 1: 2, -1, -1.
    assert float(light_penalty(light, 0.5)) == pytest.approx(6**0.5 + 0.5 * 3)
    assert float(light_penalty(torch.ones(1, 3, 9).double(), 0.0)) == pytest.approx(0, abs=1e-5)


def test_gradients_against_differences() -> None:
    expression = noise(3, EXPRESSION_COUNT).sigmoid().requires_grad_()
    assert gradcheck(expression_exclusion, (expression,))
    assert gradcheck(lambda e: expression_exclusion(e, "groups"), (expression,))
    assert gradcheck(expression_size, (expression,))
    assert gradcheck(identity_consistency, (noise(2, 4, 5).requires_grad_(),))
    assert gradcheck(coefficient_energy, (noise(2, 5).requires_grad_(),))
    assert gradcheck(lambda light: light_penalty(light, 0.3), (noise(2, 3, 9).requires_grad_(),))
    points, weights = noise(2, 68, 2).requires_grad_(), landmark_weights(torch.tensor([True, False])).double()
    assert gradcheck(lambda p: weighted_landmark_error(p, noise(2, 68, 2, seed=1), weights), (points,))
    drawn, skin = noise(2, 3, 3, 3).requires_grad_(), noise(2, 3, 3, seed=2).sigmoid().requires_grad_()
    covered = noise(2, 3, 3, seed=3) > 0
    assert gradcheck(lambda d, s: photometric_error(noise(2, 3, 3, 3, seed=1), d, covered, s), (drawn, skin))
