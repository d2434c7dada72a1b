"""The compiled z-buffer against the plain ones, on random meshes and on what a broken mesh can hold."""

from collections.abc import Callable

import numpy as np
import pytest

from commedia.render import rasterize_numpy
from commedia.render.rasterize_compiled import CompiledBuffer, compiled_zbuffer
from commedia.render.rasterize_numpy import BACKGROUND, Visible, rasterize

pytest.importorskip("numba", reason="numba is not installed, so nothing is compiled")
HEIGHT, WIDTH = 41, 57
Draw = Callable[..., Visible]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Draw without the compiled loops."""

    def draw(*given: object, **settings: object) -> Visible:
        with monkeypatch.context() as patch:
            patch.setattr(rasterize_numpy, "compiled_zbuffer", lambda: None)
            return rasterize(*given, **settings)

    return draw


def soup(seed: int, count: int, largest: float = 12.0) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of all sizes and facings, some of them partly or wholly outside the picture."""
    rng = np.random.default_rng(seed)
    center = rng.uniform(-6, [WIDTH + 6, HEIGHT + 6], (count, 1, 2))
    flat = center + rng.normal(size=(count, 3, 2)) * rng.uniform(0.1, largest, (count, 1, 1))
    vertices = np.concatenate([flat, rng.uniform(-1, 1, (count, 3, 1))], axis=2).reshape(-1, 3)
    return vertices, rng.permutation(3 * count).reshape(-1, 3) if seed % 2 else np.arange(3 * count).reshape(-1, 3)


def assert_same(compiled: Visible, oracle: Visible) -> None:
    np.testing.assert_array_equal(compiled.triangle, oracle.triangle)
    np.testing.assert_allclose(compiled.barycentric, oracle.barycentric, atol=1e-6)
    np.testing.assert_allclose(compiled.depth, oracle.depth, atol=1e-6)


@pytest.mark.parametrize("cull_back", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_compiled_picture_is_the_oracles(plain: Draw, seed: int, cull_back: bool) -> None:
    vertices, triangles = soup(seed, count=(1, 30, 300)[seed % 3])
    compiled = rasterize(vertices, triangles, HEIGHT, WIDTH, cull_back=cull_back)
    assert seed % 3 == 0 or (compiled.triangle >= 0).mean() > 0.05
    assert_same(compiled, plain(vertices, triangles, HEIGHT, WIDTH, cull_back=cull_back))


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_corner_that_is_nowhere_takes_only_its_triangles_away(plain: Draw, axis: int, broken: float) -> None:
    vertices, triangles = soup(2, 120)
    vertices[triangles[::3, 1], axis] = broken
    compiled = rasterize(vertices, triangles, HEIGHT, WIDTH)
    sound = np.flatnonzero(np.isfinite(vertices[triangles]).all(axis=(1, 2)))
    left = rasterize(vertices, triangles[sound], HEIGHT, WIDTH)
    np.testing.assert_array_equal(compiled.triangle, np.append(sound, BACKGROUND)[left.triangle])
    assert_same(compiled, plain(vertices, triangles, HEIGHT, WIDTH))


def test_triangles_without_area_are_not_drawn_and_far_ones_do_no_harm(plain: Draw) -> None:
    vertices, triangles = soup(4, 120)
    vertices[triangles[::4, 2]] = vertices[triangles[::4, 1]]
    vertices[triangles[1::4, 0]] *= [1e9, -1e9, 1.0]  # what a perspective camera makes of a point in its plane
    compiled = rasterize(vertices, triangles, HEIGHT, WIDTH)
    assert not np.isin(np.arange(0, len(triangles), 4), compiled.triangle).any()
    assert np.isin(np.arange(1, len(triangles), 4), compiled.triangle).any()
    np.testing.assert_array_equal(compiled.triangle, plain(vertices, triangles, HEIGHT, WIDTH).triangle)


@pytest.mark.parametrize("huge", [1e30, 1e154, 1e300])
def test_no_coordinate_leads_out_of_the_picture(huge: float) -> None:
    rng = np.random.default_rng(5)
    vertices = rng.choice([-huge, -1.0, 0.0, 7.3, 31.0, huge, 1e-300, -1e-12], (900, 3))
    triangles = np.arange(900).reshape(-1, 3)
    seen = CompiledBuffer(compiled_zbuffer(), vertices, triangles, HEIGHT, WIDTH, cull_back=False)
    assert seen.triangle.min() >= BACKGROUND
    assert seen.triangle.max() < 300


@pytest.mark.parametrize(("height", "width"), [(0, 0), (0, 5), (5, 0), (1, 1), (1, 300), (300, 1)])
def test_any_size_of_picture(plain: Draw, height: int, width: int) -> None:
    vertices, triangles = soup(0, 50)
    for some in (triangles, triangles[:0]):
        assert_same(rasterize(vertices, some, height, width), plain(vertices, some, height, width))


def test_a_corner_that_does_not_exist_is_an_error_and_no_crash() -> None:
    with pytest.raises(IndexError):
        rasterize(np.zeros((3, 3)), np.array([[0, 1, 3]]), HEIGHT, WIDTH)


def test_of_equally_near_ones_the_first_is_seen() -> None:
    vertices, triangles = soup(2, 40)
    twice = np.concatenate([triangles, np.roll(triangles, 1, axis=1)])
    assert rasterize(vertices, twice, HEIGHT, WIDTH).triangle.max() < len(triangles)


@pytest.mark.parametrize("wall_first", [False, True])
def test_what_faces_away_is_seen_before_a_wall_and_not_behind_it(plain: Draw, wall_first: bool) -> None:
    vertices, triangles = soup(2, 300)
    vertices = np.concatenate([vertices, [[-99, -99, 0], [-99, 400, 0], [400, -99, 0]]])
    wall = np.array([[900, 901, 902]])
    first, second, third = (vertices[triangles[:, corner], :2] for corner in range(3))
    faces_us = np.linalg.det(np.stack([second - first, third - first], axis=1)) < 0
    triangles[faces_us] = triangles[faces_us][:, ::-1]
    together = np.concatenate([wall, triangles] if wall_first else [triangles, wall])
    seen = rasterize(vertices, together, HEIGHT, WIDTH)
    assert_same(seen, plain(vertices, together, HEIGHT, WIDTH))
    z = vertices[together[np.unique(seen.triangle)], 2]
    assert len(z) > 30
    assert (z.max(axis=1) >= 0).all()


@pytest.mark.parametrize("cull", [False, True])
def test_torch_on_the_cpu_sees_the_same_with_and_without(monkeypatch: pytest.MonkeyPatch, cull: bool) -> None:
    torch = pytest.importorskip("torch")
    from commedia.render import rasterize as in_torch

    vertices, triangles = soup(4, 300)
    vertices[7] = np.nan
    points = torch.tensor(np.stack([vertices, vertices[:, [0, 1, 2]] * [1, 1, -1]])).requires_grad_()
    compiled = in_torch.rasterize(points, torch.tensor(triangles), (HEIGHT, WIDTH), cull=cull)
    monkeypatch.setattr(in_torch, "compiled_zbuffer", lambda: None)
    oracle = in_torch.rasterize(points, torch.tensor(triangles), (HEIGHT, WIDTH), cull=cull)
    assert len(compiled.pixel) > HEIGHT * WIDTH / 2
    assert compiled.barycentric.requires_grad
    for ours, theirs in zip(compiled, oracle, strict=True):
        assert torch.equal(ours, theirs)
