"""Faces through a pinhole: where they fall by hand, what colour they have, and gradients into all that made them."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from commedia.render.face_picture import render_face
from commedia.render.project import pinhole
from commedia.render.shade import AMBIENT_OFFSET, irradiance, vertex_irradiance

EVEN = AMBIENT_OFFSET * 0.886227


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def square(x: float, y: float, z: float, half: float = 1.0) -> Tensor:
    corners = [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
    return torch.tensor([[[*corner, z] for corner in corners]], dtype=torch.float64)


TWO = torch.tensor([[0, 1, 2], [0, 2, 3]])


def test_a_pinhole_by_hand() -> None:
    seen = pinhole(torch.tensor([[[1.0, 2.0, -10.0]]]), torch.tensor([100.0]), torch.tensor([[50.0, 40.0]]))
    assert seen.flatten().tolist() == pytest.approx([60.0, 20.0, -0.1])
    nearer = pinhole(torch.tensor([[[1.0, 2.0, -5.0]]]), torch.tensor([100.0]), torch.tensor([[50.0, 40.0]]))
    assert nearer[0, 0, 2] < seen[0, 0, 2]


def test_a_square_falls_where_the_pinhole_says_and_has_its_colour() -> None:
    albedo = torch.tensor([0.2, 0.5, 0.8]).double().expand(1, 4, 3)
    pictures = render_face(
        square(1.0, 2.0, -10.0), TWO, albedo, torch.zeros(1, 3, 9).double(), focal_sides=2.0, size=40
    )
    # 80 pixels of focal length ten units away: 8 pixels a unit, so columns 20 to 36 and rows 4 - 4 to 12.
    expected = torch.zeros(40, 40, dtype=torch.bool)
    expected[0:12, 20:36] = True
    assert torch.equal(pictures.mask[0], expected)
    assert pictures.image[0, 5, 25].tolist() == pytest.approx([0.2 * EVEN, 0.5 * EVEN, 0.8 * EVEN], abs=1e-6)
    assert (pictures.image[0][~expected] == 0).all()


def test_backs_and_what_lies_behind_are_not_seen() -> None:
    backs = render_face(square(0, 0, -10.0), TWO.flip(1), noise(1, 4, 3), noise(1, 3, 9), focal_sides=2.0, size=20)
    assert not backs.mask.any()
    both = torch.cat([square(0, 0, -12.0, 2.0), square(0, 0, -10.0)], 1)
    albedo = torch.cat([torch.zeros(1, 4, 3), torch.ones(1, 4, 3)], 1).double()
    seen = render_face(both, torch.cat([TWO, TWO + 4]), albedo, torch.zeros(1, 3, 9).double(), focal_sides=2.0, size=20)
    assert float(seen.image[0, 10, 10, 0]) == pytest.approx(EVEN, abs=1e-6)
    assert float(seen.image[0, 10, 4, 0]) == 0
    assert seen.mask[0, 10, 4]


def test_light_at_vertices_is_light_at_points() -> None:
    normals, light = torch.nn.functional.normalize(noise(2, 5, 3), dim=-1), noise(2, 3, 9)
    rows = torch.arange(2).repeat_interleave(5)
    torch.testing.assert_close(
        vertex_irradiance(normals, light).flatten(0, 1), irradiance(normals.flatten(0, 1), light, rows)
    )


def test_gradients_into_shape_colour_and_light() -> None:
    points = torch.cat([square(0.1, 0.2, -10.0, 2.1), square(-0.1, 0.0, -9.0, 1.3)]) + 0.1 * noise(2, 4, 3)
    albedo, light = noise(2, 4, 3).sigmoid(), 0.1 * noise(2, 3, 9)

    def image(points: Tensor, albedo: Tensor, light: Tensor) -> Tensor:
        return render_face(points, TWO, albedo, light, focal_sides=2.0, size=9).image

    assert image(points, albedo, light).sum() > 0
    assert gradcheck(image, (points.requires_grad_(), albedo.requires_grad_(), light.requires_grad_()))
