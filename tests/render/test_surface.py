"""What pixels see of a mesh: the same as torch's raster, compiled or not."""

import numpy as np
import pytest
import torch

from commedia.render import surface, surface_loops
from commedia.render.rasterize import interpolate, rasterize, visible_triangles
from commedia.render.shade import vertex_normals

SIZE = (24, 31)


@pytest.fixture(params=["compiled", "plain"])
def loops(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "plain":
        monkeypatch.setattr(surface, "_loop", lambda name: getattr(surface_loops, name))


@pytest.fixture
def mesh(rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    points = torch.from_numpy(rng.uniform(-4, 34, (40, 3)).astype(np.float32))
    return points, torch.from_numpy(rng.integers(0, 40, (60, 3)))


@pytest.mark.usefixtures("loops")
def test_values_land_where_torch_carries_them(rng: np.random.Generator, mesh: tuple) -> None:
    points, triangles = mesh
    values = rng.normal(size=(40, 4)).astype(np.float32)
    raster = rasterize(points[None], triangles, SIZE, cull=False)
    owner = visible_triangles(points[None], triangles, SIZE, cull=False)[0].numpy()
    seen = surface.seen_pixels(owner, points.numpy(), triangles.numpy())
    assert 100 < len(seen.pixel) < SIZE[0] * SIZE[1]
    np.testing.assert_array_equal(seen.pixel, raster.pixel.numpy())
    np.testing.assert_array_equal(seen.triangle, raster.triangle.numpy())
    expected = interpolate(torch.from_numpy(values)[None], triangles, raster).numpy()
    np.testing.assert_allclose(seen.mixed(triangles.numpy(), values), expected, atol=2e-4)


@pytest.mark.usefixtures("loops")
def test_the_kind_with_the_largest_share_is_told_even_where_two_corners_make_it_up() -> None:
    shares = np.float32([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.2, 0.2, 0.6], [0.5, 0.5, 0.0]])
    seen = surface.Seen(np.arange(4), np.array([0, 1, 1, 2]), shares)
    triangles, kinds = np.array([[0, 1, 2], [0, 1, 3], [1, 0, 0]]), np.array([7, 5, 6, 5], np.uint8)
    assert seen.most_of(triangles, kinds).tolist() == [7, 5, 5, 5]


@pytest.mark.usefixtures("loops")
def test_normals_are_torchs(mesh: tuple) -> None:
    points, triangles = mesh
    expected = vertex_normals(points[None], triangles)[0].numpy()
    np.testing.assert_allclose(surface.normals_of(points.numpy(), triangles.numpy()), expected, atol=1e-5)


@pytest.mark.usefixtures("loops")
def test_vectors_are_made_unit_and_turned_to_the_viewer() -> None:
    vectors = np.float32([[0, 3, -4], [0, 0, 0], [2, 0, 0]])
    np.testing.assert_allclose(surface.made_unit(vectors.copy()), [[0, 0.6, -0.8], [0, 0, 0], [1, 0, 0]], atol=1e-6)
    turned = surface.made_unit(vectors.copy(), towards_viewer=True)
    np.testing.assert_allclose(turned, [[0, -0.6, 0.8], [0, 0, 0], [1, 0, 0]], atol=1e-6)
