"""Light: the harmonics are smooth, lamps light what faces them, all zeros is even light."""

import torch

from commedia.render import shade


def directions(count: int) -> torch.Tensor:
    return torch.nn.functional.normalize(
        torch.randn(count, 3, generator=torch.Generator().manual_seed(5)).double(), dim=1
    )


def test_no_coefficients_is_even_light() -> None:
    light = shade.irradiance(directions(50), torch.zeros(1, 3, 9).double(), torch.zeros(50, dtype=torch.int64))
    assert light.max() - light.min() < 1e-12
    assert abs(float(light.mean()) - 0.8 * 0.886227) < 1e-5


def test_a_lamp_lights_what_faces_it() -> None:
    normals, lamp = directions(4000), directions(1)
    coefficients = shade.directional_coefficients(lamp, torch.tensor([[1.0, 0.5, 0.0]]).double())
    light = shade.harmonics(normals) @ coefficients[0].T
    truth = (normals @ lamp[0]).clamp_min(0)
    # Two bands of harmonics miss at most a few per cent of a clamped cosine.
    assert (light[:, 0] - truth).abs().max() < 0.1
    torch.testing.assert_close(light[:, 1], light[:, 0] / 2)
    assert light[:, 2].abs().max() < 1e-12


def test_shading_has_gradients() -> None:
    normals = directions(6).requires_grad_()
    light = (torch.randn(2, 3, 9, generator=torch.Generator().manual_seed(1)).double() * 0.3).requires_grad_()
    picture = torch.tensor([0, 0, 1, 1, 0, 1])
    assert torch.autograd.gradcheck(lambda n, c: shade.irradiance(n, c, picture), (normals, light))


def test_normals_point_out_and_have_gradients() -> None:
    corners = torch.tensor([[[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [-0.6, -0.6, -0.6]]]).double()
    triangles = torch.tensor([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])
    normals = shade.vertex_normals(corners, triangles)
    assert ((normals * corners).sum(-1) > 0.5).all()
    assert torch.autograd.gradcheck(lambda v: shade.vertex_normals(v, triangles), (corners.requires_grad_(),))
