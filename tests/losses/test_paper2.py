"""Paper 2's terms: Eq. 5 to 8 and the image gradient by hand, and every gradient against differences."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from commedia.conventions import EXPRESSION_INDEX
from commedia.face_model.model import load_head
from commedia.losses.mesh import blendshape_gradient_error, deformation_gradients, resting_triangles, roughness
from commedia.losses.parsing import parsing_error
from commedia.losses.picture import image_gradient_error, light_penalty
from commedia.retarget.deformation_transfer import transfer_deformations


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


SQUARE = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=torch.float64)
HALVES = torch.tensor([[0, 1, 2], [0, 2, 3]])


def test_equation_5_by_hand() -> None:
    # Two pixels of two classes: one half of each where the truth is the first, .25 + .25; one right.
    truth = torch.tensor([[[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]]])
    drawn = torch.tensor([[[[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]]]])
    covered, known = torch.tensor([[[True, True, False]]]), torch.ones(1, 1, 3)
    assert float(parsing_error(truth, drawn, covered, known)) == pytest.approx(0.5)
    # Nobody knows the second pixel: the first alone counts.
    known[0, 0, 1] = 0
    assert float(parsing_error(truth, drawn, covered, known)) == pytest.approx(0.5**0.5)
    assert float(parsing_error(truth, drawn, covered & False, known)) < 1e-5


def test_equation_6_by_hand() -> None:
    edges = torch.tensor([[0, 1], [1, 2]])
    moved = torch.tensor([[[0.0, 0, 0], [3, 4, 0], [3, 4, 1]], [[1.0, 2, 3]] * 3])
    assert roughness(moved, edges).tolist() == [(25 + 1) / 2, 0]


def test_equation_7_by_hand() -> None:
    """A square that is stretched to twice its width: in its plane by 2 and 1, along its normal by the root of 2."""
    stretched = SQUARE * torch.tensor([2.0, 1.0, 1.0], dtype=torch.float64)
    rest = resting_triangles(SQUARE, HALVES)
    found = deformation_gradients(stretched, rest)
    expected = torch.diag(torch.tensor([2.0, 1.0, 2**0.5], dtype=torch.float64))
    torch.testing.assert_close(found, expected.expand(2, 3, 3))
    error = blendshape_gradient_error(stretched[None, None], SQUARE[None], rest)
    assert float(error) == pytest.approx(1 + (2**0.5 - 1) ** 2)


def test_a_moved_mesh_deforms_nothing_and_a_turned_one_turns() -> None:
    rest = resting_triangles(SQUARE, HALVES)
    turn = torch.linalg.matrix_exp(torch.tensor([[0.0, -0.3, 0.1], [0.3, 0, -0.2], [-0.1, 0.2, 0]]).double())
    found = deformation_gradients(SQUARE @ turn.T + 5, rest)
    torch.testing.assert_close(found, turn.expand(2, 3, 3))
    assert float(blendshape_gradient_error((SQUARE + 5)[None, None], SQUARE[None], rest)) < 1e-20


def test_triangles_without_area_are_left_out() -> None:
    rest = resting_triangles(SQUARE, torch.tensor([[0, 1, 2], [1, 1, 2]]))
    assert rest.corners.tolist() == [[0, 1, 2]]
    assert torch.isfinite(rest.inverse).all()


def test_gradients_are_those_that_deformation_transfer_follows() -> None:
    """Another head, deformed by numpy's deformation transfer as ours is by a blendshape, has the same gradients."""
    model = load_head().model
    mean, triangles = model.mean.astype(np.float64), model.triangles
    smiling = mean + model.expression_basis[EXPRESSION_INDEX["mouthSmileLeft"]]
    wide = mean * [1.15, 1.0, 0.95]
    transferred = transfer_deformations(mean, smiling[None], wide, triangles)[0]
    ours = resting_triangles(torch.from_numpy(mean), torch.from_numpy(triangles).long())
    theirs = resting_triangles(torch.from_numpy(wide), torch.from_numpy(triangles).long())
    wanted = deformation_gradients(torch.from_numpy(smiling), ours)
    found, at_rest = (deformation_gradients(torch.from_numpy(np.asarray(m)), theirs) for m in (transferred, wide))
    kept = len(ours.corners) == len(theirs.corners)
    assert kept
    missed, asked = (found - wanted).square().sum((1, 2)).mean(), (at_rest - wanted).square().sum((1, 2)).mean()
    assert missed < 0.2 * asked
    # Without any stretching of the target, to the letter.
    same = transfer_deformations(mean, smiling[None], mean, triangles)[0]
    apart = (deformation_gradients(torch.from_numpy(same), ours) - wanted).abs()
    assert float(apart.max()) < 1e-3


def test_equation_8_by_hand() -> None:
    # Red 1, green and blue 0 in one band: from the mean 2/3, -1/3, -1/3; and the whole length 1.
    light = torch.zeros(1, 3, 9, dtype=torch.float64)
    light[0, 0, 3] = 1
    assert float(light_penalty(light, 0.1)) == pytest.approx((6 / 9) ** 0.5 + 0.1)


def test_image_gradients_by_hand() -> None:
    photograph = torch.zeros(1, 2, 2, 3, dtype=torch.float64)
    drawn = photograph.clone()
    drawn[0, 0, 1, 0] = 0.6
    covered = torch.ones(1, 2, 2, dtype=torch.bool)
    # One of two differences down, and one of two across, is .6.
    assert float(image_gradient_error(photograph, drawn, covered)) == pytest.approx(0.3, abs=1e-4)
    # Alike but for brightness, and no outline is compared.
    assert float(image_gradient_error(photograph, drawn * 0 + 0.4, covered)) < 1e-4
    covered[0, 0, 1] = False
    assert float(image_gradient_error(photograph, drawn, covered)) < 1e-4


def test_gradients_against_differences() -> None:
    covered, skin = noise(2, 4, 4, seed=3) > -0.5, noise(2, 4, 4, seed=2).sigmoid()
    drawn = noise(2, 4, 4, 3).requires_grad_()
    assert gradcheck(lambda d: image_gradient_error(noise(2, 4, 4, 3, seed=1), d, covered, skin), (drawn,))
    parsed = noise(2, 4, 4, 5).requires_grad_()
    assert gradcheck(lambda d: parsing_error(noise(2, 4, 4, 5, seed=1), d, covered, skin), (parsed,))
    edges = torch.tensor([[0, 1], [1, 2], [0, 3]])
    assert gradcheck(lambda m: roughness(m, edges), (noise(2, 4, 3).requires_grad_(),))
    rest = resting_triangles(SQUARE + 0.1 * noise(4, 3), HALVES)
    template = SQUARE + 0.1 * noise(3, 4, 3, seed=1)
    changed = (template + 0.2 * noise(2, 3, 4, 3, seed=2)).requires_grad_()
    assert gradcheck(lambda m: blendshape_gradient_error(m, template, rest), (changed,))
