"""The fast z-buffer against the slow one, and what its gradients and bookkeeping promise."""

import numpy as np
import pytest
import torch

from commedia.render import rasterize as fast
from commedia.render.project import perspective, rotate, weak_perspective
from render import rasterize_reference as slow


def soup(seed: int, count: int, size: tuple[int, int], spread: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Triangles in general position: any size, any facing, some outside the picture."""
    generator = torch.Generator().manual_seed(seed)
    center = torch.rand(2, count, 1, 3, generator=generator, dtype=torch.float64) * torch.tensor(
        [size[1], size[0], 1.0]
    )
    points = center + torch.randn(2, count, 3, 3, generator=generator, dtype=torch.float64) * torch.tensor(
        [spread, spread, 0.2]
    )
    return points.reshape(2, -1, 3), torch.arange(3 * count).reshape(count, 3)


def sphere(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A blendshape ball with anticlockwise triangles: the camera sees its front half."""
    latitude, longitude = np.meshgrid(np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, 2 * rows), indexing="ij")
    points = np.stack(
        [np.sin(latitude) * np.sin(longitude), np.cos(latitude), np.sin(latitude) * np.cos(longitude)], -1
    )
    corner = np.arange(points.shape[0] * points.shape[1]).reshape(points.shape[:2])
    a, b, c, d = corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return torch.from_numpy(points.reshape(1, -1, 3)), torch.from_numpy(triangles)


@pytest.mark.parametrize("cull", [True, False])
@pytest.mark.parametrize("spread", [0.4, 3.0, 12.0])
def test_fast_agrees_with_slow(spread: float, cull: bool) -> None:
    size = (21, 33)
    points, triangles = soup(3, 120, size, spread)
    ours, truth = fast.rasterize(points, triangles, size, cull=cull), slow.rasterize(points, triangles, size, cull=cull)
    for name in ("picture", "pixel", "triangle"):
        assert torch.equal(getattr(ours, name), getattr(truth, name)), name
    torch.testing.assert_close(ours.barycentric, truth.barycentric)
    assert 10 < ours.pixel.numel()


def test_a_closed_surface_has_no_cracks_and_the_right_area() -> None:
    vertices, triangles = sphere(40)
    points = weak_perspective(vertices, torch.tensor([[32.0, 32.0]]).double(), torch.tensor([25.0]).double())
    raster = fast.rasterize(points, triangles, (64, 64))
    seen = torch.zeros(64 * 64, dtype=torch.bool)
    seen[raster.pixel] = True
    axis = torch.arange(64) + 0.5 - 32
    inside = (axis[:, None] ** 2 + axis**2).sqrt()
    assert seen.reshape(64, 64)[inside < 24.5].all()
    assert not seen.reshape(64, 64)[inside > 25.2].any()
    heights = fast.interpolate(vertices, triangles, raster)[:, 2]
    assert heights.min() > -0.1, "a back face was seen"


def test_nothing_in_the_picture_is_a_result() -> None:
    points = torch.tensor([[[-5.0, -5, 0], [-4, -9, 0], [-9, -5, 0]]])
    raster = fast.rasterize(points, torch.tensor([[0, 1, 2]]), (8, 8))
    assert raster.pixel.numel() == 0
    canvas = torch.rand(1, 8, 8, 3)
    assert torch.equal(fast.paint(torch.zeros(0, 3), raster, canvas), canvas)


def test_colour_has_gradients_into_the_vertices() -> None:
    vertices, triangles = sphere(7)
    colours = vertices.clone()
    origin, scale = torch.tensor([[6.1, 5.9]]).double(), torch.tensor([4.3]).double()
    wxyz = torch.nn.functional.normalize(torch.tensor([[1.0, 0.1, 0.2, 0.05]]).double())
    seen = fast.rasterize(weak_perspective(rotate(vertices, wxyz), origin, scale), triangles, (12, 12))
    # Away from silhouettes and edges: a finite difference must not change which triangle is seen.
    steady = seen.barycentric.min(1).values > 0.05
    steady = steady.nonzero()[:, 0]

    def picture(rotation: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        points = weak_perspective(rotate(vertices, rotation), place, scale)
        picked = fast.Raster(*(part[steady] for part in seen))
        weights = fast.barycentric_at(points, triangles[picked.triangle], picked.picture, picked.pixel, 12)
        return fast.interpolate(colours, triangles, picked._replace(barycentric=weights))

    assert torch.autograd.gradcheck(picture, (wxyz.requires_grad_(), origin.requires_grad_()), eps=1e-6)


def test_far_away_perspective_is_weak_perspective() -> None:
    vertices, _ = sphere(6)
    origin, scale = torch.tensor([[10.0, 12.0]]).double(), torch.tensor([40.0]).double()
    near = perspective(vertices, origin, scale, torch.tensor([1e6]).double())
    torch.testing.assert_close(near[..., :2], weak_perspective(vertices, origin, scale)[..., :2], atol=1e-3, rtol=0)
    assert torch.autograd.gradcheck(
        lambda points: perspective(points, origin, scale, torch.tensor([3.0]).double()), (vertices.requires_grad_(),)
    )
